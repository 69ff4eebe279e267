//! The host's own address space.
//!
//! | from | what | access |
//! |---|---|---|
//! | `0xffff_8000_0000_0000` | direct map: RAM at its physical address, devices only where asked for | RW, NX; kernel code and constants read-only; devices uncached |
//! | `0xffff_ff00_0000_0000` | stacks, each with unmapped pages under it | RW, NX |
//! | `0xffff_ffff_8000_0000` | the kernel's image | one of RX, R, RW |
//!
//! Nothing is mapped in the lower half, nothing is accessible to user mode, and no page is both writable and
//! executable; [`check`] proves it on the live tables.

mod check;
mod entry;
mod mapper;
#[cfg(test)]
mod model;
mod plan;

use phalanx_arch_api::{Hpa, Hva};

pub use check::{Flaw, FlawKind, check};
pub use entry::Access;
pub use mapper::{Features, MapError, Mapping, OutOfFrames, TableMemory, map};
pub use plan::plan;

/// Where the direct map begins: physical address 0.
pub const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;

/// Bytes of physical memory that the direct map has room for.
pub const DIRECT_MAP_SIZE: u64 = 64 << 40;

/// The address in the direct map of a physical address.
///
/// The pointer is only good for an access where the frame is mapped: RAM, firmware tables, and devices that were
/// mapped explicitly.
#[inline]
#[must_use]
pub const fn direct_map(address: Hpa) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut((DIRECT_MAP + address.as_u64()) as usize)
}

/// [`direct_map`] as an address.
#[inline]
#[must_use]
pub const fn direct_map_address(address: Hpa) -> Hva {
    Hva::new(DIRECT_MAP + address.as_u64())
}
