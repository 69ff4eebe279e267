//! The world switch: the shortest sequence that runs a guest and comes back.

use core::arch::asm;

use crate::vcpu::{Gprs, reg};

/// Runs the guest once.
///
/// RAX, RSP, RIP and RFLAGS live in the VMCB and are switched by VMRUN; VMLOAD/VMSAVE switch FS, GS, TR, LDTR and the
/// system-call MSRs; the rest is moved here (AMD APM vol. 2, section 15.5). Floating-point state is not touched: the
/// hypervisor does not use it.
///
/// # Safety
/// - `guest` is the physical address of a consistent VMCB whose second-level table maps only this guest's memory.
/// - `host` is the physical address of a page that VMSAVE filled on this CPU.
/// - EFER.SVME is set, VM_HSAVE_PA is this CPU's, and the global interrupt flag is clear.
#[inline(always)]
pub unsafe fn enter(guest: u64, host: u64, gprs: &mut Gprs) {
    // SAFETY: the caller's promise. Every register that the guest may change is listed as clobbered or saved here.
    unsafe {
        asm!(
            "push rbp",
            "push rbx",
            "push rdi",
            "push rsi",
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
            "vmload rax",
            "vmrun rax",
            "vmsave rax",
            "pop rax",
            "vmload rax",
            "pop rax",
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
            "pop rbx",
            "pop rbp",
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
            inout("rax") guest => _,
            inout("rdi") core::ptr::from_mut(gprs) => _,
            inout("rsi") host => _,
            out("rcx") _, out("rdx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
}

/// Stores this CPU's FS, GS, TR, LDTR and system-call state into `page`, to be loaded after every exit.
///
/// # Safety
/// EFER.SVME is set; `page` is the physical address of a 4 KiB page that belongs to this CPU.
pub unsafe fn save_host_state(page: u64) {
    // SAFETY: the caller's promise; VMSAVE writes to that page only.
    unsafe { asm!("vmsave rax", in("rax") page, options(nostack, preserves_flags)) }
}

/// Clears the global interrupt flag and enables interrupts behind it: what arrives now makes the next VMRUN exit.
///
/// # Safety
/// EFER.SVME is set, and [`close`] follows on this CPU before interrupts are expected to be off again.
#[inline(always)]
pub unsafe fn open() {
    // SAFETY: the caller's promise.
    unsafe { asm!("clgi", "sti", options(nomem, nostack)) }
}

/// Ends what [`open`] began: interrupts off, global interrupt flag set.
///
/// # Safety
/// As for [`open`].
#[inline(always)]
pub unsafe fn close() {
    // SAFETY: the caller's promise.
    unsafe { asm!("cli", "stgi", options(nomem, nostack)) }
}

/// Takes the interrupts and NMIs that wait behind the global interrupt flag.
///
/// # Safety
/// Between [`open`] and [`close`]; the interrupt handlers may run here.
#[inline(always)]
pub unsafe fn take_host_interrupts() {
    // SAFETY: the caller's promise. Handlers preserve all registers.
    unsafe { asm!("stgi", "nop", "clgi", options(nostack)) }
}
