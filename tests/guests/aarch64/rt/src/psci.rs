//! PSCI calls (Arm DEN 0022, chapter 5) and the SMC calling convention under them (Arm DEN 0028).

use crate::start_info;
use core::arch::asm;

/// The functions by number; `_64` where both widths exist.
#[allow(missing_docs, reason = "the names are the manual's")]
mod numbers {
    pub const VERSION: u32 = 0x8400_0000;
    pub const CPU_SUSPEND: u32 = 0x8400_0001;
    pub const CPU_SUSPEND_64: u32 = 0xc400_0001;
    pub const CPU_OFF: u32 = 0x8400_0002;
    pub const CPU_ON: u32 = 0x8400_0003;
    pub const CPU_ON_64: u32 = 0xc400_0003;
    pub const AFFINITY_INFO: u32 = 0x8400_0004;
    pub const AFFINITY_INFO_64: u32 = 0xc400_0004;
    pub const MIGRATE: u32 = 0x8400_0005;
    pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
    pub const MIGRATE_INFO_UP_CPU: u32 = 0x8400_0007;
    pub const SYSTEM_OFF: u32 = 0x8400_0008;
    pub const SYSTEM_RESET: u32 = 0x8400_0009;
    pub const FEATURES: u32 = 0x8400_000a;
    pub const SMCCC_VERSION: u32 = 0x8000_0000;
    pub const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;
}
pub use numbers::*;

/// Result: done.
pub const SUCCESS: i64 = 0;
/// Result: there is no such function.
pub const NOT_SUPPORTED: i64 = -1;
/// Result: an argument is wrong.
pub const INVALID_PARAMETERS: i64 = -2;
/// Result: the caller may not.
pub const DENIED: i64 = -3;
/// Result: the CPU runs.
pub const ALREADY_ON: i64 = -4;
/// Result: the CPU is being started.
pub const ON_PENDING: i64 = -5;
/// Result: the entry address is no memory.
pub const INVALID_ADDRESS: i64 = -9;
/// AFFINITY_INFO: off.
pub const OFF: i64 = 1;

macro_rules! conduit {
    ($name:ident, $instruction:literal) => {
        #[doc = concat!("`", $instruction, "` with X0 to X3 as arguments; returns X0 to X3.")]
        pub fn $name(arguments: [u64; 4]) -> [u64; 4] {
            let [mut x0, mut x1, mut x2, mut x3] = arguments;
            // SAFETY: a call to what is below the guest; it changes X0 to X17 only (DEN 0028, 2.6). Where it ends the
            // guest or starts a CPU, that is the test.
            unsafe {
                asm!($instruction, inout("x0") x0, inout("x1") x1, inout("x2") x2, inout("x3") x3,
                    out("x4") _, out("x5") _, out("x6") _, out("x7") _, out("x8") _, out("x9") _, out("x10") _,
                    out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _, out("x16") _, out("x17") _,
                    options(nostack));
            }
            [x0, x1, x2, x3]
        }
    };
}

conduit!(hvc, "hvc #0");
conduit!(smc, "smc #0");

/// Calls `function` by the conduit that the device tree names; returns X0.
pub fn call(function: u32, arguments: [u64; 3]) -> i64 {
    let [a, b, c] = arguments;
    let registers = [function.into(), a, b, c];
    let [result, ..] = if start_info::uses_smc() { smc(registers) } else { hvc(registers) };
    // Results of 32-bit functions have 32 bits (DEN 0028, 2.3).
    if function >> 30 & 1 == 0 { i64::from(result as i32) } else { result as i64 }
}
