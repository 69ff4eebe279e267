//! A physical interrupt that turns into one of the guest's: from the deadline to the first instruction of the handler.

use crate::batch::{Batch, OPERATIONS};
use crate::interrupts::VECTOR;
use core::arch::{asm, naked_asm};
use guest_rt::descriptors;

/// Ticks from arming to the deadline: longer than the write that arms takes.
const AHEAD: u32 = 20_000;

/// Sends [`VECTOR`] to the handler that notes when it began.
pub(crate) fn prepare() {
    // SAFETY: the handler ends with IRETQ, and only the loop below lets it run.
    unsafe { descriptors::set_raw_handler(VECTOR, on_deadline as *const () as u64) };
}

/// Leaves the time-stamp at its start in R12, counts in R11 and ends the interrupt.
// SAFETY: entered through an interrupt gate from the loop below, which declares what this destroys.
#[unsafe(naked)]
unsafe extern "C" fn on_deadline() {
    naked_asm!(
        "rdtsc",
        "shl rdx, 32",
        "or rax, rdx",
        "mov r12, rax",
        "inc r11",
        "mov ecx, 0x80b",
        "xor eax, eax",
        "xor edx, edx",
        "wrmsr",
        "iretq"
    )
}

/// Arms a deadline, spins, and adds up how late the handler began: the guest's part is the one RDTSC in it.
#[inline(never)]
pub(crate) fn to_handler() -> Batch {
    let late: u64;
    // SAFETY: interrupts are on inside the block only, and their handler touches only what is declared here.
    unsafe {
        asm!(
            "xor r8d, r8d", "xor r11d, r11d", "xor edi, edi",
            "sti",
            ".p2align 4",
            "2:", "rdtsc", "shl rdx, 32", "or rax, rdx", "add rax, {ahead}", "mov r10, rax",
            "mov rdx, rax", "shr rdx, 32", "mov ecx, 0x6e0", "wrmsr",
            "inc r8",
            "3:", "cmp r11, r8", "jne 3b",
            "sub r12, r10", "add rdi, r12",
            "dec r9", "jnz 2b",
            "cli",
            ahead = const AHEAD,
            out("rax") _, out("rcx") _, out("rdx") _, out("rdi") late,
            out("r8") _, inout("r9") OPERATIONS => _, out("r10") _, out("r11") _, out("r12") _,
        );
    }
    Batch { ticks: late, missed: 0 }
}
