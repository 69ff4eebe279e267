//! Every other 64-bit ELF file: starts in long mode with RDI = start info. The guest sets its own stack.

use phalanx_abi::bundle::X86EntryRecord;

use super::start_info;
use crate::elf::Elf;
use crate::program::{Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RDI};

/// Puts kernel and start info into RAM; the kernel starts at the file's entry.
pub(super) fn load(program: &Program<'_>, elf: &Elf<'_>, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    elf.place(ram)?;
    start_info::place(program, ram)?;
    Ok(entry::with_boot_info(entry::long_mode(ram, elf.entry)?, RDI))
}
