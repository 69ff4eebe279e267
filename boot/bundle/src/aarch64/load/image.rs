//! Linux Image (Linux documentation, `arch/arm64/booting`, "Call the kernel image").

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::program::{About, Refusal};
use crate::ram::Ram;

/// Most bytes of a command line that Linux takes on Arm, without its NUL.
pub(super) const CMDLINE_MAX: u64 = 2047;
/// The image begins on a multiple of this, plus its `text_offset`.
const ALIGNMENT: u64 = 2 << 20;
/// "ARM\x64".
const MAGIC: [u8; 4] = *b"ARM\x64";

/// The first 64 bytes of an Image.
#[derive(Clone, Copy, Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    code: [U32; 2],
    text_offset: U64,
    image_size: U64,
    flags: U64,
    reserved: [U64; 3],
    magic: [u8; 4],
    pe_offset: U32,
}

/// A section of the PE header that an Image with EFI stub has (PE Format, "Section Table").
#[derive(Clone, Copy, Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Section {
    name: [u8; 8],
    virtual_size: U32,
    virtual_address: U32,
    raw_size: U32,
    raw_offset: U32,
    rest: [U32; 4],
}

/// An Image that this loader can start.
#[derive(Debug)]
pub(super) struct Image<'a> {
    bytes: &'a [u8],
    text_offset: u64,
    /// Bytes in memory, with what follows the file's contents.
    size: u64,
}

/// Recognises an Image; `None` for every other file.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Image<'_>>, Refusal> {
    let header = Header::read_from_prefix(bytes).ok().map(|(header, _)| header);
    let Some(header) = header.filter(|header| header.magic == MAGIC) else {
        return Ok(None);
    };
    let refuse = |message: &str, label: String| Err(Refusal::new(About::Kernel, message).label(label));
    let (text_offset, size) = (header.text_offset.get(), header.image_size.get());
    if size == 0 {
        return refuse("the Linux kernel is too old", "its header has no size: Linux 3.17 or later is needed".into());
    }
    if text_offset >= ALIGNMENT {
        return refuse("the header of the Linux kernel is damaged", format!("its text offset is {text_offset:#x}"));
    }
    let whole = sections_end(bytes, header.pe_offset.get());
    if (bytes.len() as u64) < whole {
        return refuse("the Linux kernel is truncated", format!("{} bytes, its header says {whole}", bytes.len()));
    }
    Ok(Some(Image { bytes, text_offset, size }))
}

impl Image<'_> {
    /// Puts the image at `base`, a multiple of 2 MiB, plus its offset. It starts at its first byte.
    pub(super) fn place(&self, base: u64, ram: &mut Ram) -> Result<u64, Refusal> {
        let address = base + self.text_offset;
        ram.reserve(About::Kernel, "the kernel", address, self.bytes.to_vec(), self.size)?;
        Ok(address)
    }
}

/// Where the last section ends in the file, by the PE header at `pe`; 0 where there is none.
fn sections_end(bytes: &[u8], pe: u32) -> u64 {
    let Some(tail) = bytes.get(pe as usize..).filter(|tail| tail.starts_with(b"PE\0\0")) else {
        return 0;
    };
    let half = |at: usize| tail.get(at..at + 2).map_or(0, |half| usize::from(half[0]) | usize::from(half[1]) << 8);
    // Behind the signature: the COFF header of 20 bytes, with the sizes of what follows it.
    let sections = tail.get(24 + half(20)..).unwrap_or_default();
    let (sections, _) = <[Section]>::ref_from_prefix_with_elems(sections, half(6)).unwrap_or_default();
    let ends = sections.iter().map(|section| u64::from(section.raw_offset.get()) + u64::from(section.raw_size.get()));
    ends.max().unwrap_or(0)
}
