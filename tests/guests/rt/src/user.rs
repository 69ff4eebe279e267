//! Ring 3: runs a piece of code with the privilege of an application.
//!
//! All memory is also mapped for ring 3, at [`USER_ALIAS`] plus its address; the code to run is assembler
//! without absolute addresses that ends with `int 0x80`.

use crate::descriptors::{USER_CODE, USER_DATA};
use crate::paging::USER_ALIAS;
use crate::racy::{Racy, Stack};
use crate::trap::{Fault, attempt, last_rax};
use core::arch::naked_asm;

/// The vector by which ring 3 code ends.
pub(crate) const RETURN_VECTOR: usize = 0x80;

static USER_STACK: Racy<Stack<0x1000>> = Racy::new(Stack::EMPTY);

/// Registers at the start of ring 3 code.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Registers {
    /// RAX.
    pub rax: u64,
    /// RCX.
    pub rcx: u64,
    /// RDX.
    pub rdx: u64,
    /// RDI.
    pub rdi: u64,
}

/// Runs the code at `code` in ring 3 with interrupts off; returns its RAX, or the fault that it raised.
///
/// # Safety
/// `code` is position-independent machine code that touches no memory but its stack.
pub unsafe fn run(code: *const u8, registers: Registers) -> Result<u64, Fault> {
    let rip = code as u64 + USER_ALIAS;
    let rsp = USER_STACK.top() + USER_ALIAS;
    // SAFETY: ring 3 ends with a trap in any case, which `attempt` turns into its result.
    let end = attempt(|| unsafe { enter(rip, rsp, &registers) });
    match end {
        Err(Fault(vector, _)) if usize::from(vector) == RETURN_VECTOR => Ok(last_rax()),
        Err(fault) => Err(fault),
        Ok(()) => Ok(0),
    }
}

/// IRETQ to ring 3.
///
/// # Safety
/// Only inside [`attempt`]: the way back is a trap.
// SAFETY: builds the IRETQ frame (Intel SDM vol. 2A, IRET) on the own stack; nothing returns here.
#[unsafe(naked)]
unsafe extern "C" fn enter(rip: u64, rsp: u64, registers: &Registers) {
    naked_asm!(
        "push {data}",
        "push rsi",
        "push 2",
        "push {code}",
        "push rdi",
        "mov rax, [rdx]",
        "mov rcx, [rdx + 8]",
        "mov rdi, [rdx + 24]",
        "mov rdx, [rdx + 16]",
        "xor esi, esi",
        "iretq",
        data = const USER_DATA,
        code = const USER_CODE,
    )
}
