//! Hypercalls: RAX = number, arguments in RDI, RSI, RDX, result in RAX.
//!
//! The numbers are spelled out here and not taken from the kernel's ABI crate: they are a promise to guests, and a
//! guest that was compiled long ago would notice a change just like these do.

use crate::cpuid;
use core::arch::asm;

/// First number of Phalanx's range.
pub const BASE: u64 = 0x5048_0000;
/// Does nothing, returns 0.
pub const NULL: u64 = BASE;
/// Returns the ABI version.
pub const VERSION: u64 = BASE + 1;
/// Returns how often this vCPU left the guest for the reason with index RDI.
pub const EXIT_COUNT: u64 = BASE + 2;
/// Reads the dirty log: first frame, frames and the address of the bitmap in RDI, RSI and RDX.
pub const DIRTY_LOG: u64 = BASE + 3;
/// Result of an unknown number.
pub const ENOSYS: i64 = -1000;
/// Result of an argument out of range.
pub const EINVAL: i64 = -22;
/// Result where another CPU did not answer in time.
pub const EAGAIN: i64 = -11;
/// Result of a buffer outside the RAM.
pub const EFAULT: i64 = -14;
/// Result of what the domain was not given.
pub const EOPNOTSUPP: i64 = -95;
/// Result of any hypercall from a privilege level above 0.
pub const EPERM: i64 = -1;

/// Whether the CPUID leaves name Phalanx.
pub fn on_phalanx() -> bool {
    cpuid::read(1, 0).ecx >> 31 != 0 && &cpuid::signature(0x4000_0100) == b"PhalanxPhlnx"
}

/// VMMCALL.
pub fn vmmcall(number: u64, arguments: [u64; 3]) -> i64 {
    let result;
    // SAFETY: a hypercall changes nothing but RAX in this guest; without a hypervisor it raises #UD.
    unsafe {
        asm!("vmmcall", inlateout("rax") number => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2], options(nostack));
    }
    result
}

/// VMCALL.
pub fn vmcall(number: u64, arguments: [u64; 3]) -> i64 {
    let result;
    // SAFETY: as for VMMCALL.
    unsafe {
        asm!("vmcall", inlateout("rax") number => result,
            in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2], options(nostack));
    }
    result
}

/// The hypercall instruction of this processor's vendor.
pub fn call(number: u64, arguments: [u64; 3]) -> i64 {
    if cpuid::is_amd() { vmmcall(number, arguments) } else { vmcall(number, arguments) }
}
