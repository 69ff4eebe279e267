//! Semihosting: calls that an emulator or a debugger answers (Arm, "Semihosting for AArch32 and AArch64").
//!
//! Without either, the call is an exception; the vectors in `entry.s` step over it.
#![cfg(target_os = "none")]

use core::arch::asm;
use core::fmt::{self, Write};

use arrayvec::ArrayVec;

use crate::exception::set_vectors;

/// Writes text that a NUL ends.
const SYS_WRITE0: u32 = 0x04;
/// Ends the emulator.
const SYS_EXIT: u32 = 0x18;
/// The reason for [`SYS_EXIT`] that has an exit code: ADP_Stopped_ApplicationExit.
const APPLICATION_EXIT: u64 = 0x2_0026;

/// Ends the emulator with an exit code. Returns where nobody listens.
pub(crate) fn exit(code: u32) {
    let block = [APPLICATION_EXIT, u64::from(code)];
    call(SYS_EXIT, block.as_ptr().cast());
}

/// One call; `parameter` is what the operation wants in X1.
fn call(operation: u32, parameter: *const u8) {
    set_vectors();
    // SAFETY: the operations used here read only the memory behind the parameter, which outlives the call. Where the
    // call is an exception, the vectors just set give it the result -1.
    unsafe { asm!("hlt #0xf000", inout("x0") u64::from(operation) => _, in("x1") parameter, options(nostack)) };
}

/// Text on its way to the debugger's console, sent in pieces.
#[derive(Debug, Default)]
pub(crate) struct Text(ArrayVec<u8, 128>);

impl Text {
    /// Writes formatted text. Never fails.
    pub(crate) fn send(mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let result = self.write_fmt(text);
        self.flush();
        result
    }

    fn flush(&mut self) {
        self.0.push(0);
        call(SYS_WRITE0, self.0.as_ptr());
        self.0.clear();
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0.push(byte);
            if self.0.remaining_capacity() == 1 {
                self.flush();
            }
        }
        Ok(())
    }
}
