//! Multiboot 1: starts in 32-bit protected mode with EAX = magic and EBX = information (Multiboot Specification 0.6.96).

mod header;
mod info;

use phalanx_abi::bundle::X86EntryRecord;

use super::place_cmdline;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RAX, RBX};
use crate::x86_64::layout::{BOOT_INFO, CMDLINE_MAX, HOLE};

pub(super) use header::{Image, parse};

/// EAX at the start (3.2).
const LOADER_MAGIC: u64 = 0x2bad_b002;

/// Puts kernel, modules and information into RAM.
pub(super) fn load(program: &Program<'_>, image: &Image<'_>, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let start = match image {
        Image::Elf(elf) => elf.place(ram).map(|()| elf.entry)?,
        Image::Addresses { load, bytes, size, entry } => {
            ram.reserve(About::Kernel, "the kernel", *load, bytes.to_vec(), *size).map(|()| *entry)?
        }
    };
    // The first word is the kernel's name, as other multiboot loaders have it.
    let cmdline = format!("{} {}", program.kernel.name, program.cmdline);
    place_cmdline(program, cmdline.trim_end(), CMDLINE_MAX, ram)?;
    let initrd = program.place_initrd(HOLE, ram)?;
    let info = info::information(program, initrd, ram);
    ram.place(About::Memory, "the multiboot information", BOOT_INFO, info)?;
    let mut state = entry::with_boot_info(entry::protected_mode(ram, start)?, RBX);
    state.gprs[RAX] = LOADER_MAGIC.into();
    Ok(state)
}
