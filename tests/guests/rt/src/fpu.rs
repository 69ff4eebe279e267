//! SSE, x87 and XSAVE state: off at the start, turned on by the guests that use it.

use crate::{cpu, cpuid};
use core::arch::asm;

const CR0_MP: u64 = 1 << 1;
const CR0_EM_TS: u64 = 1 << 2 | 1 << 3;
const CR4_OSFXSR: u64 = 1 << 9;
const CR4_OSXMMEXCPT: u64 = 1 << 10;
const CR4_OSXSAVE: u64 = 1 << 18;
/// XCR0: x87, SSE and AVX.
pub const X87_SSE_AVX: u64 = 7;

/// Turns on SSE, and XSAVE with AVX if the processor has them; true if AVX may be used.
pub fn enable() -> bool {
    // SAFETY: lets instructions run that raised #UD or #NM; the guest's compiled code uses none of them.
    unsafe {
        cpu::write_cr0(cpu::read_cr0() & !CR0_EM_TS | CR0_MP);
        cpu::write_cr4(cpu::read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    }
    if !cpuid::has_xsave() {
        return false;
    }
    // SAFETY: as above.
    unsafe { cpu::write_cr4(cpu::read_cr4() | CR4_OSXSAVE) };
    if cpuid::has_avx() {
        // SAFETY: x87, SSE and AVX are in CPUID.
        unsafe { write_xcr(0, X87_SSE_AVX) };
    }
    cpuid::has_avx()
}

/// XSETBV.
///
/// # Safety
/// The value leaves enabled what the guest uses; one that faults may only be tried inside an attempt.
pub unsafe fn write_xcr(index: u32, value: u64) {
    // SAFETY: as the caller promises.
    unsafe {
        asm!("xsetbv", in("ecx") index, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack));
    }
}

/// XGETBV.
pub fn read_xcr(index: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a register; a fault is reported by the trap table.
    unsafe { asm!("xgetbv", in("ecx") index, out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}
