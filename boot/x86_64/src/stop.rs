//! The end of the kernel's run on a PC.
#![cfg(target_arch = "x86_64")]

use core::arch::asm;

use phalanx_handoff::{Exit, Verdict};

/// Bochs writes what arrives here to its standard output, if its configuration says so (`port_e9_hack`).
const BOCHS_CONSOLE: u16 = 0xe9;
/// Bochs ends when it has read [`BOCHS_SHUTDOWN_WORD`] here (Bochs' `iodev/unmapped.cc`).
const BOCHS_SHUTDOWN: u16 = 0x8900;
/// See [`BOCHS_SHUTDOWN`].
const BOCHS_SHUTDOWN_WORD: &[u8] = b"Shutdown";

/// Ends the run: tells the emulator where the command line says so, and halts this CPU.
pub fn stop(exit: Exit, verdict: Verdict) -> ! {
    match exit {
        Exit::IsaDebug { port } => write(port, verdict as u8),
        Exit::Bochs => end_bochs(verdict),
        Exit::Halt | Exit::Semihosting | Exit::Psci => {}
    }
    halt()
}

/// Writes the verdict to Bochs' console port, then asks Bochs to end. Returns where this is another machine.
fn end_bochs(verdict: Verdict) {
    write(BOCHS_CONSOLE, verdict as u8);
    for byte in BOCHS_SHUTDOWN_WORD {
        write(BOCHS_SHUTDOWN, *byte);
    }
}

/// Writes `value` to an exit device's port. QEMU's `isa-debug-exit` ends the emulator with exit code `2 * value + 1`.
///
/// Returns where there is no such device.
fn write(port: u16, value: u8) {
    // SAFETY: the operator, who also chose the kernel, says by `exit=…` that an exit device is at this port.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags));
    }
}

/// Stops this CPU for good.
fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off only an NMI ends the wait, and the loop goes on; no memory is touched.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
