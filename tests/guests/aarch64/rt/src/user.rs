//! EL0: runs a piece of code with the privilege of an application.
//!
//! All memory is also mapped for EL0, at [`USER_ALIAS`] plus its address; the code to run is assembler without absolute
//! addresses that ends with `svc #0`.

use crate::paging::USER_ALIAS;
use crate::racy::{Racy, Stack};
use crate::trap::{Fault, SVC, attempt, last_x0};
use core::arch::naked_asm;

static USER_STACK: Racy<Stack<0x1000>> = Racy::new(Stack::EMPTY);

/// Runs the code at `code` at EL0 with interrupts off; X0 to X3 are `registers`. Returns its X0, or the fault that it
/// raised.
///
/// # Safety
/// `code` is position-independent machine code that touches no memory but its stack.
pub unsafe fn run(code: *const u8, registers: [u64; 4]) -> Result<u64, Fault> {
    let start = code as u64 + USER_ALIAS;
    let stack = USER_STACK.top() + USER_ALIAS;
    // SAFETY: EL0 ends with an exception in any case, which `attempt` turns into its result.
    match attempt(|| unsafe { enter(start, stack, &registers) }) {
        Err(SVC) => Ok(last_x0()),
        Err(fault) => Err(fault),
        Ok(()) => Ok(0),
    }
}

/// ERET to EL0t with everything masked.
///
/// # Safety
/// Only inside [`attempt`]: the way back is an exception.
// SAFETY: the guest runs at EL1t, so SP is SP_EL0; nothing returns here.
#[unsafe(naked)]
unsafe extern "C" fn enter(start: u64, stack: u64, registers: &[u64; 4]) {
    naked_asm!(
        "msr daifset, #15",
        "mov sp, x1",
        "msr elr_el1, x0",
        "mov x1, #0x3c0",
        "msr spsr_el1, x1",
        "mov x4, x2",
        "ldp x0, x1, [x4]",
        "ldp x2, x3, [x4, #16]",
        "eret",
    )
}
