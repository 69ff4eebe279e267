//! The end of the kernel's run on a PC.
#![cfg(target_arch = "x86_64")]

use core::arch::asm;

use phalanx_handoff::{Exit, Verdict};

/// Ends the run: tells the emulator where the command line says so, and halts this CPU.
pub fn stop(exit: Exit, verdict: Verdict) -> ! {
    if let Exit::IsaDebug { port } = exit {
        isa_debug_exit(port, verdict);
    }
    halt()
}

/// Writes to QEMU's `isa-debug-exit` device; the emulator ends with exit code `2 * verdict + 1`.
///
/// Returns where there is no such device.
fn isa_debug_exit(port: u16, verdict: Verdict) {
    // SAFETY: the operator, who also chose the kernel, says by `exit=isa:…` that the device is at this port.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") verdict as u8, options(nomem, nostack, preserves_flags));
    }
}

/// Stops this CPU for good.
fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off only an NMI ends the wait, and the loop goes on; no memory is touched.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
