//! The world switch: the shortest sequence that runs a guest and comes back.

use core::arch::{asm, naked_asm};

use super::field;
use crate::vcpu::{Gprs, reg};

/// Runs the guest of the current VMCS once.
///
/// The VMCS switches RSP, RIP, RFLAGS, the segments and CR3; all other general-purpose registers are moved here (Intel SDM
/// vol. 3C, section 28.5). Floating-point state is not touched: the hypervisor does not use it. An entry that the processor
/// refuses without leaving the host is a mistake of the hypervisor, and ends in the crash card.
///
/// # Safety
/// - The current VMCS is consistent, its EPT maps only this guest's memory, and its host state is this CPU's, with
///   [`exited`] as the address to go on at.
/// - Interrupts are disabled.
#[inline(always)]
pub unsafe fn enter(gprs: &mut Gprs) {
    // SAFETY: the caller's promise. Every register that the guest may change is listed as clobbered or saved here. After the
    // exit the processor is at `exited`, which returns here: HOST_RSP points to the return address of the call.
    unsafe {
        asm!(
            "push rbp",
            "push rbx",
            "push rdi",
            "lea rax, [rsp - 8]",
            "mov ecx, {host_rsp}",
            "vmwrite rcx, rax",
            "mov rax, [rdi + {rax}]",
            "mov rbx, [rdi + {rbx}]",
            "mov rcx, [rdi + {rcx}]",
            "mov rdx, [rdi + {rdx}]",
            "mov rsi, [rdi + {rsi}]",
            "mov rbp, [rdi + {rbp}]",
            "mov r8,  [rdi + {r8}]",
            "mov r9,  [rdi + {r9}]",
            "mov r10, [rdi + {r10}]",
            "mov r11, [rdi + {r11}]",
            "mov r12, [rdi + {r12}]",
            "mov r13, [rdi + {r13}]",
            "mov r14, [rdi + {r14}]",
            "mov r15, [rdi + {r15}]",
            "mov rdi, [rdi + {rdi}]",
            "call {switch}",
            "push rax",
            "mov rax, [rsp + 8]",
            "mov [rax + {rbx}], rbx",
            "mov [rax + {rcx}], rcx",
            "mov [rax + {rdx}], rdx",
            "mov [rax + {rsi}], rsi",
            "mov [rax + {rdi}], rdi",
            "mov [rax + {rbp}], rbp",
            "mov [rax + {r8}],  r8",
            "mov [rax + {r9}],  r9",
            "mov [rax + {r10}], r10",
            "mov [rax + {r11}], r11",
            "mov [rax + {r12}], r12",
            "mov [rax + {r13}], r13",
            "mov [rax + {r14}], r14",
            "mov [rax + {r15}], r15",
            "pop rcx",
            "mov [rax + {rax}], rcx",
            "pop rdi",
            "pop rbx",
            "pop rbp",
            host_rsp = const field::HOST_RSP.encoding(),
            switch = sym switch,
            rax = const Gprs::offset(reg::RAX),
            rbx = const Gprs::offset(reg::RBX),
            rcx = const Gprs::offset(reg::RCX),
            rdx = const Gprs::offset(reg::RDX),
            rsi = const Gprs::offset(reg::RSI),
            rdi = const Gprs::offset(reg::RDI),
            rbp = const Gprs::offset(reg::RBP),
            r8 = const Gprs::offset(reg::R8),
            r9 = const Gprs::offset(reg::R9),
            r10 = const Gprs::offset(reg::R10),
            r11 = const Gprs::offset(reg::R11),
            r12 = const Gprs::offset(reg::R12),
            r13 = const Gprs::offset(reg::R13),
            r14 = const Gprs::offset(reg::R14),
            r15 = const Gprs::offset(reg::R15),
            inout("rdi") core::ptr::from_mut(gprs) => _,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
}

/// Enters the guest. Only the first time after a VMCS was loaded it has to be launched: VMRESUME does nothing then, and the
/// next instruction does it.
#[unsafe(naked)]
extern "C" fn switch() {
    naked_asm!(
        "vmresume",
        "vmlaunch",
        "and rsp, -16",
        "call {refused}",
        refused = sym refused,
    )
}

/// Where the processor goes on after an exit: the stack is as [`switch`] found it.
#[unsafe(naked)]
pub extern "C" fn exited() {
    naked_asm!("ret")
}

/// The processor refused an entry: its controls or the host's state contradict each other.
///
/// VMLAUNCH refuses a VMCS that was launched before with error 4; then VMRESUME had another reason, and gives it again.
#[allow(clippy::panic, reason = "a mistake of the hypervisor, which no guest can cause")]
extern "C" fn refused() -> ! {
    const LAUNCHED_BEFORE: u32 = 4;
    if field::INSTRUCTION_ERROR.read() == LAUNCHED_BEFORE {
        // SAFETY: the processor refused the same a moment ago, and nothing has changed.
        unsafe { asm!("vmresume") };
    }
    panic!("VM entry refused with instruction error {}", field::INSTRUCTION_ERROR.read())
}
