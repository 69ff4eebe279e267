//! Entry stubs for the 256 vectors, all ending in [`crate::trap::entry`].

use crate::trap::Frame;
use core::arch::global_asm;

/// Number of vectors.
pub(crate) const COUNT: usize = 256;
const STUB_BYTES: u64 = 16;

unsafe extern "C" {
    static guest_rt_stubs: u8;
}

/// Address of the stub of `vector`.
pub(crate) fn stub(vector: usize) -> u64 {
    &raw const guest_rt_stubs as u64 + vector as u64 * STUB_BYTES
}

const _: () = assert!(size_of::<Frame>() == 22 * 8);

// Each stub completes the CPU's frame to the shape of `Frame`: an error code (0 where the CPU pushes none: Intel SDM
// vol. 3A, table 7-1) and the vector. The CPU aligns RSP to 16 bytes; 22 words keep it so for the call.
// SAFETY: every register is saved before Rust code runs and restored after it.
global_asm!(
    r#"
    .section .text.stubs, "ax"
    .p2align 4
guest_rt_stubs:
    .set vector, 0
    .rept 256
    .p2align 4
    .if vector == 8 || vector == 10 || vector == 11 || vector == 12 || vector == 13 || vector == 14 || vector == 17 || vector == 21 || vector == 29 || vector == 30
    .else
    pushq $0
    .endif
    pushq $vector
    jmp guest_rt_common
    .set vector, vector + 1
    .endr

guest_rt_common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    callq {entry}
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq
    .text
"#,
    entry = sym crate::trap::entry,
    options(att_syntax)
);
