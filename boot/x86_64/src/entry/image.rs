//! The kernel's image in physical memory (`kernel.ld`).

use phalanx_arch_api::{Hpa, Hva};
use phalanx_handoff::PhysRange;
use spin::Once;

use crate::layout::kernel_physical;
use crate::report::RSDP_BYTES;

unsafe extern "C" {
    /// The image's first byte, in the kernel's window.
    static __kernel_start: u8;
    /// The first byte behind the image.
    static __kernel_end: u8;
}

/// From the first loaded byte to the end of the zeroed data.
pub(super) fn range() -> PhysRange {
    let start = physical(&raw const __kernel_start);
    let end = physical(&raw const __kernel_end);
    start
        .zip(end)
        .and_then(|(start, end)| PhysRange::between(start, end))
        .expect("kernel.ld puts the image in the window")
}

/// The root pointer lies at a multiple of 16 bytes (ACPI 6.5, section 5.2.5.1).
#[repr(align(16))]
struct KeptRsdp([u8; RSDP_BYTES]);

/// Keeps a root pointer whose original will be overwritten, and tells where.
pub(super) fn keep_rsdp(bytes: [u8; RSDP_BYTES]) -> Option<Hpa> {
    static RSDP: Once<KeptRsdp> = Once::new();
    physical(RSDP.call_once(|| KeptRsdp(bytes)).0.as_ptr())
}

fn physical(address: *const u8) -> Option<Hpa> {
    kernel_physical(Hva::new(address.addr() as u64))
}
