//! Flat binaries: bytes at an address, started in long mode with RDI = start info.

use phalanx_abi::bundle::X86EntryRecord;

use super::{About, Program, Refusal, start_info};
use crate::entry::{self, RDI};
use crate::ram::Ram;

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
    let bytes = &program.kernel.bytes;
    if bytes.is_empty() {
        return Err(Refusal::new(About::Kernel, "the kernel is an empty file").label("0 bytes"));
    }
    ram.place(About::Load, "the kernel", address, bytes.clone())?;
    let start = program.entry.unwrap_or(address);
    if !(address..address + bytes.len() as u64).contains(&start) {
        let end = address + bytes.len() as u64;
        return Err(Refusal::new(About::Entry, "`entry` lies outside the kernel")
            .label(format!("{start:#x}, the kernel is at {address:#x} to {end:#x}"))
            .help("`entry` is a physical address, not an offset in the file"));
    }
    start_info::place(program, ram)?;
    Ok(entry::with_boot_info(entry::long_mode(ram, start)?, RDI))
}
