//! The host's own address space: everything is where it is in physical memory.
//!
//! | what | access |
//! |---|---|
//! | RAM, except what follows | RW, XN |
//! | the kernel's image | one of RX, R, RW |
//! | the page under each stack | none |
//! | registers of the GIC and the console | RW, XN, device |
//!
//! Nothing else is mapped, the frame at address 0 only where a spin-table lies in it, and no page is both writable and
//! executable; [`check`] proves it on the finished tables.

mod check;
#[cfg(target_arch = "aarch64")]
pub(super) mod mmu;
mod plan;

use phalanx_arch_api::Hpa;

pub use check::{Writable, check};
pub use plan::{AddressSpace, device};

/// Where a physical address is mapped.
///
/// The pointer is only good for an access where something is mapped: RAM, and devices that were mapped explicitly.
#[inline]
#[must_use]
pub const fn pointer(address: Hpa) -> *mut u8 {
    core::ptr::with_exposed_provenance_mut(address.as_u64() as usize)
}
