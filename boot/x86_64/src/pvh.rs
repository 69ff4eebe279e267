//! The PVH start information (Xen public header `arch-x86/hvm/start_info.h`).
//!
//! The loader enters in 32-bit mode with EBX pointing at this, all fields little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic number |
//! | 4 | 4 | version: 0, or 1 with a memory map |
//! | 8 | 4 | flags |
//! | 12 | 4 | number of modules |
//! | 16 | 8 | address of the module list: entries of 32 bytes, address and size first |
//! | 24 | 8 | address of the command line, 0 for none |
//! | 32 | 8 | address of the ACPI root pointer, 0 for none |
//! | 40 | 8 | version 1: address of the memory map: entries of 24 bytes, address, size, E820 type |
//! | 48 | 4 | version 1: number of entries |

use phalanx_arch_api::Hpa;

use crate::error::BootError;
use crate::memory::{PhysRead, read_text, u32_at, u64_at};
use crate::report::{Report, Rsdp};

/// The number that the start information begins with ("xEn3" with the high bit of the E set).
pub const MAGIC: u32 = 0x336e_c578;

const MEMORY_BYTES: u64 = 24;

/// Reads the start information at `info` into `report`.
///
/// # Errors
/// [`BootError`]; what was read before the error stays in `report`.
pub fn parse(memory: &impl PhysRead, info: Hpa, report: &mut Report) -> Result<(), BootError> {
    let magic = u32_at(memory, info, 0)?;
    if magic != MAGIC {
        return Err(BootError::BadMagic(magic));
    }
    if let Some(text) = pointer(u64_at(memory, info, 24)?) {
        read_text(memory, text, u64::MAX, &mut report.command_line)?;
    }
    report.rsdp = pointer(u64_at(memory, info, 32)?).map(Rsdp::At);
    parse_modules(memory, info, report)?;
    if u32_at(memory, info, 4)? == 0 {
        return Err(BootError::NoMemoryMap);
    }
    parse_memory_map(memory, info, report)
}

/// An address, where 0 stands for none.
fn pointer(value: u64) -> Option<Hpa> {
    (value != 0).then_some(Hpa::new(value))
}

fn parse_modules(memory: &impl PhysRead, info: Hpa, report: &mut Report) -> Result<(), BootError> {
    let list = Hpa::new(u64_at(memory, info, 16)?);
    let count = u32_at(memory, info, 12)?;
    if count != 0 {
        report.add_module(u64_at(memory, list, 0)?, u64_at(memory, list, 8)?)?;
    }
    report.extra_modules = count.saturating_sub(1);
    Ok(())
}

fn parse_memory_map(memory: &impl PhysRead, info: Hpa, report: &mut Report) -> Result<(), BootError> {
    let list = Hpa::new(u64_at(memory, info, 40)?);
    for entry in 0..u64::from(u32_at(memory, info, 48)?) {
        let at = entry * MEMORY_BYTES;
        report.add_memory(u64_at(memory, list, at)?, u64_at(memory, list, at + 8)?, u32_at(memory, list, at + 16)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
