//! The end of the kernel's run on an Arm machine.
#![cfg(target_os = "none")]

use core::arch::asm;

use phalanx_handoff::board::{Conduit, Psci};
use phalanx_handoff::{Exit, Verdict};

use crate::{cpu, entry, semihosting};

/// Ends the run as the command line says, and halts this CPU where that does not end it.
pub fn stop(exit: Exit, verdict: Verdict) -> ! {
    match exit {
        // The exit code that QEMU's `isa-debug-exit` makes of the verdict on a PC.
        Exit::Semihosting => semihosting::exit((verdict as u32) << 1 | 1),
        Exit::Psci => {
            if let Some(psci) = entry::psci() {
                system_off(psci);
            }
        }
        Exit::Halt | Exit::IsaDebug { .. } | Exit::Bochs => {}
    }
    cpu::halt()
}

/// SYSTEM_OFF (PSCI, DEN 0022, section 5.1.9). Returns where the firmware does not know it.
fn system_off(psci: Psci) {
    let Some(function) = psci.system_off else { return };
    let function = u64::from(function);
    // SAFETY: the call does not return, or returns with nothing done; it may use the registers X0 to X17 (SMCCC,
    // DEN 0028). HVC at EL1 and SMC at EL2 go to the firmware that the device tree announces.
    unsafe {
        match psci.conduit {
            Conduit::Smc => asm!("smc #0", inout("x0") function => _, clobber_abi("C"), options(nostack)),
            Conduit::Hvc => asm!("hvc #0", inout("x0") function => _, clobber_abi("C"), options(nostack)),
        }
    }
}
