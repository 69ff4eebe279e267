//! Where the early page tables map physical memory (`entry.s` builds them, `kernel.ld` links against them).
//!
//! | virtual | physical | for |
//! |---|---|---|
//! | 0 .. 4 GiB | the same | the 32-bit entry |
//! | [`DIRECT_MAP`] .. + 4 GiB | 0 .. 4 GiB | the loader's structures, ACPI tables |
//! | [`KERNEL_WINDOW`] .. + 1 GiB | 0 .. 1 GiB | the kernel's image |

use phalanx_arch_api::{Hpa, Hva};

/// Start of the direct map of physical memory.
pub const DIRECT_MAP: u64 = 0xffff_8000_0000_0000;

/// What is added to a load address to give the address that the kernel is linked at.
pub const KERNEL_WINDOW: u64 = 0xffff_ffff_8000_0000;

/// Bytes of physical memory that the early page tables reach.
pub const EARLY_REACH: u64 = 4 << 30;

/// Where `address` appears in the direct map, or `None` beyond [`EARLY_REACH`].
#[must_use]
pub fn early_direct(address: Hpa) -> Option<Hva> {
    (address.as_u64() < EARLY_REACH).then(|| Hva::new(DIRECT_MAP + address.as_u64()))
}

/// The physical address of something that is linked into the kernel's window.
#[must_use]
pub fn kernel_physical(address: Hva) -> Option<Hpa> {
    address.checked_sub(Hva::new(KERNEL_WINDOW)).map(Hpa::new)
}
