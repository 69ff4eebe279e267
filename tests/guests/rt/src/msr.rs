//! Model-specific registers.

use crate::trap::{Fault, attempt};
use core::arch::asm;

/// IA32_APIC_BASE.
pub const APIC_BASE: u32 = 0x1b;
/// IA32_TSC_ADJUST.
pub const TSC_ADJUST: u32 = 0x3b;
/// IA32_TSC_DEADLINE.
pub const TSC_DEADLINE: u32 = 0x6e0;
/// Extended feature enables.
pub const EFER: u32 = 0xc000_0080;

/// RDMSR; a register that does not exist raises #GP, which outside [`attempt`] ends the guest.
#[inline(always)]
pub fn read(msr: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reading has no effect on memory; a fault is reported by the trap table.
    unsafe { asm!("rdmsr", in("ecx") msr, out("eax") low, out("edx") high, options(nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

/// WRMSR.
///
/// # Safety
/// The register's new value leaves the guest's own code, stack and tables usable.
#[inline(always)]
pub unsafe fn write(msr: u32, value: u64) {
    // SAFETY: as the caller promises.
    unsafe {
        asm!("wrmsr", in("ecx") msr, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack));
    }
}

/// RDMSR that reports the fault it raised.
pub fn try_read(msr: u32) -> Result<u64, Fault> {
    attempt(|| read(msr))
}

/// WRMSR that reports the fault it raised.
///
/// # Safety
/// As for [`write()`], should the write be accepted.
pub unsafe fn try_write(msr: u32, value: u64) -> Result<(), Fault> {
    // SAFETY: as the caller promises.
    attempt(|| unsafe { write(msr, value) })
}
