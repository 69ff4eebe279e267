//! Semihosting: calls that an emulator or a debugger answers ("Semihosting for AArch32 and AArch64", Arm).
//!
//! Without either, HLT is an exception: call nothing of this unless the operator said `exit=semihosting`.

use core::arch::asm;
use core::ffi::CStr;

/// Writes a character to the debugger's console.
const SYS_WRITEC: u32 = 0x03;
/// Writes text that a NUL ends.
const SYS_WRITE0: u32 = 0x04;
/// Ends the emulator.
const SYS_EXIT: u32 = 0x18;
/// The reason for [`SYS_EXIT`] that has an exit code: ADP_Stopped_ApplicationExit.
const APPLICATION_EXIT: u64 = 0x2_0026;

/// One call; `parameter` is what the operation wants in X1.
fn call(operation: u32, parameter: *const u8) {
    // SAFETY: the operations used here only read the memory that the parameter points to, which outlives the call.
    unsafe { asm!("hlt #0xf000", inout("w0") operation => _, in("x1") parameter, options(nostack)) };
}

/// Ends the emulator with an exit code. Returns where nobody listens to it.
pub fn exit(code: u32) {
    let block = [APPLICATION_EXIT, u64::from(code)];
    call(SYS_EXIT, block.as_ptr().cast());
}

/// Writes text.
pub fn write(text: &str) {
    for byte in text.bytes() {
        call(SYS_WRITEC, &raw const byte);
    }
}

/// Writes text with one call.
pub fn write_c(text: &CStr) {
    call(SYS_WRITE0, text.as_ptr().cast());
}
