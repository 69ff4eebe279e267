//! The world switch: the shortest sequence that runs a guest and comes back.

use core::arch::{asm, naked_asm};
use core::mem::offset_of;

use super::field;
use crate::host::PerCpu;
use crate::vcpu::Gprs;

const _: () = assert!(size_of::<Gprs>() == 16 * 8);

/// Runs the guest of the current VMCS once.
///
/// The VMCS switches RSP, RIP, RFLAGS, the segments and CR3; all other general-purpose registers are moved here (Intel SDM
/// vol. 3C, section 29.5). Floating-point state is not touched: the hypervisor does not use it. An entry that the processor
/// refuses without leaving the host is a mistake of the hypervisor, and ends in the crash card.
///
/// # Safety
/// - The current VMCS is consistent, its EPT maps only this guest's memory, and its host state is this CPU's, with
///   [`exited`] as the address to go on at and the end of `gprs` as the stack pointer.
/// - Interrupts are disabled.
#[inline(always)]
pub unsafe fn enter(gprs: &mut Gprs) {
    // SAFETY: the caller's promise. Every register that the guest may change is listed as clobbered or saved here, and `exited`
    // returns to behind the call.
    unsafe {
        asm!(
            "push rbp",
            "push rbx",
            "call {switch}",
            "pop rbx",
            "pop rbp",
            switch = sym switch,
            inout("rdi") core::ptr::from_mut(gprs) => _,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
}

/// Loads the guest's registers from RDI, in the order of [`Gprs`], and enters it. The stack pointer walks over them, so it is
/// no stack meanwhile: what could interrupt here (NMI, machine check) brings its own.
///
/// Only the first time after a VMCS was loaded it has to be launched: VMRESUME does nothing then, and the next instruction
/// does it.
#[unsafe(naked)]
unsafe extern "C" fn switch() {
    naked_asm!(
        "mov gs:[{stack}], rsp",
        "mov rsp, rdi",
        "pop rax",
        "pop rcx",
        "pop rdx",
        "pop rbx",
        "pop rbp",
        "pop rbp",
        "pop rsi",
        "pop rdi",
        "pop r8",
        "pop r9",
        "pop r10",
        "pop r11",
        "pop r12",
        "pop r13",
        "pop r14",
        "pop r15",
        "vmresume",
        "vmlaunch",
        "mov rsp, gs:[{stack}]",
        "and rsp, -16",
        "call {refused}",
        stack = const offset_of!(PerCpu, stack),
        refused = sym refused,
    )
}

/// Where the processor goes on after an exit, with the stack pointer behind the guest's registers: stores them, and returns
/// to where [`switch`] was called. The place of RSP among them, which the VMCS holds, gets another's value.
#[unsafe(naked)]
pub unsafe extern "C" fn exited() {
    naked_asm!(
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push r11",
        "push r10",
        "push r9",
        "push r8",
        "push rdi",
        "push rsi",
        "push rbp",
        "push rbp",
        "push rbx",
        "push rdx",
        "push rcx",
        "push rax",
        "mov rsp, gs:[{stack}]",
        "ret",
        stack = const offset_of!(PerCpu, stack),
    )
}

/// The processor refused an entry: its controls or the host's state contradict each other.
/// Error 4 is VMLAUNCH's, of a VMCS that was launched before: VMRESUME had refused it for another reason.
#[allow(clippy::panic, reason = "a mistake of the hypervisor, which no guest can cause")]
extern "C" fn refused() -> ! {
    panic!("VM entry refused with instruction error {}", field::INSTRUCTION_ERROR.read())
}
