//! PVH: an ELF file that starts in 32-bit protected mode with EBX = start info (Xen, `docs/misc/pvh.pandoc`).

use phalanx_abi::bundle::X86EntryRecord;

use super::start_info;
use crate::elf::Elf;
use crate::program::{Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RBX};

/// Puts kernel and start info into RAM; the kernel starts at `start`.
pub(super) fn load(program: &Program<'_>, elf: &Elf<'_>, start: u64, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    elf.place(ram)?;
    start_info::place(program, ram)?;
    Ok(entry::with_boot_info(entry::protected_mode(ram, start)?, RBX))
}
