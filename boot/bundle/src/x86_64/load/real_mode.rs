//! Flat binaries that start as a PC's processor does: in 16-bit real mode, with EBX = start info.

use phalanx_abi::bundle::X86EntryRecord;

use super::start_info;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RBX};
use crate::x86_64::layout::HIGH;

/// Puts the binary at `address`; it starts there or at `entry`, which must be within reach of real mode.
pub(super) fn load(program: &Program<'_>, address: u64, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let start = program.place_flat(address, ram)?;
    if start >= HIGH {
        let about = if program.entry.is_some() { About::Entry } else { About::Load };
        return Err(Refusal::new(about, "real mode reaches the first 1 MiB only, and the kernel starts above it")
            .label(format!("starts at {start:#x}"))
            .help("load it below 1 MiB, for example `load = 0x30000`, or name an `entry` there"));
    }
    start_info::place(program, ram)?;
    Ok(entry::with_boot_info(entry::real_mode(start), RBX))
}
