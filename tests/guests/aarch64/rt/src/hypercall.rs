//! Hypercalls of Phalanx: `hvc #0x5048` with X0 = number, arguments in X1, X2, X3, result in X0.
//!
//! The numbers are spelled out here and not taken from the kernel's ABI crate: they are a promise to guests, and a
//! guest that was compiled long ago would notice a change just like these do.

use crate::start_info;
use core::arch::asm;

/// First number of Phalanx's range.
pub const BASE: u64 = 0x5048_0000;
/// Does nothing, returns 0.
pub const NULL: u64 = BASE;
/// Returns the ABI version.
pub const VERSION: u64 = BASE + 1;
/// Returns how often this vCPU left the guest for the reason with index X1.
pub const EXIT_COUNT: u64 = BASE + 2;
/// Reads the dirty log: first frame, frames and the address of the bitmap in X1, X2 and X3.
pub const DIRTY_LOG: u64 = BASE + 3;
/// Result of an unknown number.
pub const ENOSYS: i64 = -1000;
/// Result of what the domain was not given.
pub const EOPNOTSUPP: i64 = -95;
/// Result of an argument out of range.
pub const EINVAL: i64 = -22;

/// Whether the device tree names Phalanx.
pub fn on_phalanx() -> bool {
    start_info::on_phalanx()
}

/// A hypercall.
pub fn call(number: u64, arguments: [u64; 3]) -> i64 {
    let result;
    // SAFETY: a hypercall changes nothing but X0 in this guest.
    unsafe {
        asm!("hvc #0x5048", inout("x0") number => result,
            in("x1") arguments[0], in("x2") arguments[1], in("x3") arguments[2], options(nostack));
    }
    result
}
