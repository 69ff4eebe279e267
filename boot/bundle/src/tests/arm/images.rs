//! Small kernels of every format that Arm machines start.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::tests::images::Elf;

/// A Linux Image whose code is `0xa5` over and over.
pub(super) struct Image {
    pub(super) text_offset: u64,
    pub(super) image_size: u64,
    pub(super) code: usize,
    /// Size that a section of its PE header has, if it is to have one.
    pub(super) section: Option<u32>,
}

impl Default for Image {
    fn default() -> Self {
        Self { text_offset: 0, image_size: 0x20_0000, code: 0x1000, section: Some(0xf00) }
    }
}

impl Image {
    /// Where the PE header is, and where its section's contents begin.
    const PE: usize = 0x40;
    const CONTENTS: u32 = 0x100;

    pub(super) fn build(&self) -> Vec<u8> {
        let mut file = vec![0xa5; self.code];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"MZ\0\x91");
        put(8, &self.text_offset.to_le_bytes());
        put(16, &self.image_size.to_le_bytes());
        put(24, &[0x0a, 0, 0, 0, 0, 0, 0, 0]);
        put(32, &[0; 24]);
        put(56, b"ARM\x64");
        put(60, &(Self::PE as u32).to_le_bytes());
        if let Some(size) = self.section {
            put(Self::PE, b"PE\0\0\x64\xaa\x01\0");
            put(Self::PE + 20, &8u16.to_le_bytes());
            let section = Self::PE + 24 + 8;
            put(section, b".text\0\0\0");
            put(section + 16, &size.to_le_bytes());
            put(section + 20, &Self::CONTENTS.to_le_bytes());
        }
        file
    }
}

/// A file compressed by gzip.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A kernel in Linux's EFI wrapper, with what it says about its compression.
pub(super) fn wrapped(payload: &[u8], method: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x200];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ\0\0zimg");
    put(8, &0x200u32.to_le_bytes());
    put(12, &(payload.len() as u32).to_le_bytes());
    put(24, method);
    [file, payload.to_vec(), vec![0xee; 100]].concat()
}

/// An ELF file for Arm, linked to run where it is put.
pub(super) fn elf() -> Elf {
    let (entry, vaddr, paddr) = (0x4030_0010, 0x4030_0000, 0x4030_0000);
    Elf { machine: 183, entry, vaddr, paddr, ..Elf::default() }
}
