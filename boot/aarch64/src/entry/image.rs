//! The kernel's image, and what a loader puts beside it (`kernel.ld`).

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;

use crate::fdt::MAX_BYTES;

/// Where QEMU puts the device tree if it loads an ELF file on its `virt` board: the start of memory.
const VIRT_MEMORY: u64 = 0x4000_0000;
/// Where such an image lies then.
const VIRT_IMAGES: core::ops::Range<u64> = VIRT_MEMORY..VIRT_MEMORY + (1 << 30);

unsafe extern "C" {
    /// The image's first byte.
    static __kernel_start: u8;
    /// The first byte behind the image.
    static __kernel_end: u8;
}

/// From the first loaded byte to the end of the boot stack.
pub(super) fn range() -> PhysRange {
    let address = |symbol: *const u8| Hpa::new(symbol.addr() as u64);
    let (start, end) = (address(&raw const __kernel_start), address(&raw const __kernel_end));
    PhysRange::between(start, end).expect("kernel.ld puts the end behind the start")
}

/// Where the device tree must be, as far as a tree can reach; `None` where X0 cannot be an address of one.
pub(super) fn device_tree_window(x0: u64) -> Option<PhysRange> {
    let start = match x0 {
        0 if VIRT_IMAGES.contains(&range().start().as_u64()) => VIRT_MEMORY,
        0 => return None,
        address => address,
    };
    PhysRange::new(Hpa::new(start), MAX_BYTES as u64).filter(|window| window.end().as_u64() <= 1 << 48)
}
