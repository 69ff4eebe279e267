//! The multiboot2 boot information (Multiboot2 specification 2.0, section 3.6).
//!
//! The loader enters in 32-bit mode with EAX = [`MAGIC`] and EBX pointing at this: 8 bytes (size of the whole, zero),
//! then tags: type and size of 4 bytes each, then the content; each tag starts at a multiple of 8 bytes.
//!
//! The crate `multiboot2` (0.28) was weighed first: it panics on tags whose size or entry size is off, where the kernel
//! has to say what is wrong, and it brings six further crates for the five tags below.

use phalanx_arch_api::Hpa;

use crate::error::BootError;
use crate::memory::{PhysRead, read_text, u32_at, u64_at};
use crate::report::{RSDP_BYTES, Report, Rsdp};

/// The value of EAX at the entry.
pub const MAGIC: u32 = 0x36d7_6289;

/// Bytes of information that are believed; a real one has some 10 KiB.
const MAX_BYTES: u64 = 16 << 20;
const HEADER_BYTES: u64 = 8;
/// Bytes of the ACPI root pointer's revision 0.
const OLD_RSDP_BYTES: u64 = 20;

/// The tags that the kernel reads (section 3.6, in order of their numbers).
mod tag {
    pub(super) const END: u32 = 0;
    pub(super) const COMMAND_LINE: u32 = 1;
    pub(super) const MODULE: u32 = 3;
    pub(super) const MEMORY_MAP: u32 = 6;
    pub(super) const ACPI_OLD: u32 = 14;
    pub(super) const ACPI_NEW: u32 = 15;
}

/// The content of one tag.
#[derive(Clone, Copy)]
struct Content {
    start: Hpa,
    bytes: u64,
}

impl Content {
    /// Demands at least `bytes`.
    fn at_least(self, bytes: u64) -> Result<Self, BootError> {
        if self.bytes < bytes { Err(BootError::Malformed) } else { Ok(self) }
    }
}

/// Reads the boot information at `info` into `report`.
///
/// # Errors
/// [`BootError`]; what was read before the error stays in `report`.
pub fn parse(memory: &impl PhysRead, info: Hpa, report: &mut Report) -> Result<(), BootError> {
    let total = u64::from(u32_at(memory, info, 0)?);
    if total > MAX_BYTES {
        return Err(BootError::Malformed);
    }
    let mut offset = HEADER_BYTES;
    while offset + HEADER_BYTES <= total {
        let kind = u32_at(memory, info, offset)?;
        let size = u64::from(u32_at(memory, info, offset + 4)?);
        if size < HEADER_BYTES || size > total - offset {
            return Err(BootError::Malformed);
        }
        if kind == tag::END {
            return Ok(());
        }
        let start = info.checked_add(offset + HEADER_BYTES).ok_or(BootError::Unreadable)?;
        parse_tag(memory, kind, Content { start, bytes: size - HEADER_BYTES }, report)?;
        offset += size.next_multiple_of(8);
    }
    Err(BootError::Malformed)
}

fn parse_tag(memory: &impl PhysRead, kind: u32, content: Content, report: &mut Report) -> Result<(), BootError> {
    match kind {
        tag::COMMAND_LINE => Ok(read_text(memory, content.start, content.bytes, &mut report.command_line)?),
        tag::MODULE => parse_module(memory, content.at_least(8)?, report),
        tag::MEMORY_MAP => parse_memory_map(memory, content.at_least(8)?, report),
        // The old copy never takes the new one's place.
        tag::ACPI_OLD if report.rsdp.is_some() => Ok(()),
        tag::ACPI_OLD => parse_rsdp(memory, content.at_least(OLD_RSDP_BYTES)?, report),
        tag::ACPI_NEW => parse_rsdp(memory, content.at_least(RSDP_BYTES as u64)?, report),
        _ => Ok(()),
    }
}

/// Section 3.6.6: first byte, first byte behind, text.
fn parse_module(memory: &impl PhysRead, content: Content, report: &mut Report) -> Result<(), BootError> {
    let start = u64::from(u32_at(memory, content.start, 0)?);
    let end = u64::from(u32_at(memory, content.start, 4)?);
    report.add_module(start, end.checked_sub(start).ok_or(BootError::Malformed)?)
}

/// Section 3.6.8: size of an entry, version, entries of address, size, E820 type.
fn parse_memory_map(memory: &impl PhysRead, content: Content, report: &mut Report) -> Result<(), BootError> {
    let entry_bytes = u64::from(u32_at(memory, content.start, 0)?);
    if entry_bytes < 24 {
        return Err(BootError::Malformed);
    }
    for entry in 0..(content.bytes - 8) / entry_bytes {
        let at = 8 + entry * entry_bytes;
        let (start, len) = (u64_at(memory, content.start, at)?, u64_at(memory, content.start, at + 8)?);
        report.add_memory(start, len, u32_at(memory, content.start, at + 16)?)?;
    }
    Ok(())
}

/// Sections 3.6.14 and 3.6.15: a copy of the root pointer.
fn parse_rsdp(memory: &impl PhysRead, content: Content, report: &mut Report) -> Result<(), BootError> {
    let mut copy = [0; RSDP_BYTES];
    let bytes = content.bytes.min(RSDP_BYTES as u64) as usize;
    memory.read(content.start, &mut copy[..bytes])?;
    report.rsdp = Some(Rsdp::Copy(copy));
    Ok(())
}

#[cfg(test)]
mod tests;
