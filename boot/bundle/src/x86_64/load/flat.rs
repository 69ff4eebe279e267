//! Flat binaries: bytes at an address, started in long mode with RDI = start info.

use phalanx_abi::bundle::X86EntryRecord;

use super::start_info;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::entry::{self, RDI};

/// The address that the manifest gives.
pub(super) fn address(program: &Program<'_>) -> Result<u64, Refusal> {
    program.load.ok_or_else(|| {
        Refusal::new(About::Kernel, "a flat binary needs an address")
            .label("loaded where?")
            .help("add for example `load = 0x100000` to the domain")
    })
}

/// Puts the binary at `address`; it starts there or at `entry`.
pub(super) fn load(program: &Program<'_>, address: u64, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let start = program.place_flat(address, ram)?;
    start_info::place(program, ram)?;
    Ok(entry::with_boot_info(entry::long_mode(ram, start)?, RDI))
}
