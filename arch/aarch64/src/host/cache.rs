//! Caches: making memory look the same to those who bypass them.

use core::arch::asm;

use phalanx_arch_api::Hva;

use super::registers::CtrEl0;

/// Bytes of the smallest data cache line of this machine (Arm ARM, D24.2.34, CTR_EL0.DminLine).
#[must_use]
pub fn line_bytes() -> u64 {
    4 << (CtrEl0.read() >> 16 & 0xf)
}

/// Writes `bytes` bytes from `start` back to memory and forgets them, to the point of coherency. Complete on return.
///
/// The range is mapped. What another CPU writes meanwhile may or may not be among it.
pub fn clean_invalidate(start: Hva, bytes: u64) {
    let line = line_bytes();
    let mut address = start.align_down(line).as_u64();
    let end = start.as_u64().saturating_add(bytes);
    // Eight at a time: this runs over all RAM of a guest.
    while address.saturating_add(8 * line) <= end {
        for _ in 0..8 {
            // SAFETY: as below.
            unsafe { asm!("dc civac, {}", in(reg) address, options(nostack, preserves_flags)) };
            address += line;
        }
    }
    while address < end {
        // SAFETY: changes no value that anybody reads through the caches.
        unsafe { asm!("dc civac, {}", in(reg) address, options(nostack, preserves_flags)) };
        address += line;
    }
    super::instr::dsb();
}
