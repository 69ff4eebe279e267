//! The exception vectors, all ending in [`crate::trap::entry`].

use crate::racy::{Racy, Stack};
use crate::smp::MAX_CPUS;
use crate::trap::Frame;
use core::arch::global_asm;

/// Bytes of a CPU's stack for handlers.
pub(crate) const STACK_BYTES: usize = 0x2000;
/// The stacks for handlers, one a CPU.
pub(crate) static STACKS: [Racy<Stack<STACK_BYTES>>; MAX_CPUS] = [const { Racy::new(Stack::EMPTY) }; MAX_CPUS];

unsafe extern "C" {
    /// The vector table.
    pub(crate) safe static guest_arm_vectors: u8;
}

const _: () = assert!(size_of::<Frame>() == 304);

// Each vector completes the exception to the shape of `Frame`, with the number of the vector (Arm ARM, D1.3.1
// "Exception entry", table of offsets). Handlers run on SP_EL1; SP_EL0 is the interrupted stack.
// SAFETY: every register is saved before Rust code runs and restored after it.
global_asm!(
    r#"
    .section .text.vectors, "ax"
    .p2align 11
    .globl guest_arm_vectors
guest_arm_vectors:
    .set vector, 0
    .rept 16
    .p2align 7
    sub sp, sp, #304
    stp x0, x1, [sp]
    mov x0, #vector
    b 2f
    .set vector, vector + 1
    .endr
    .p2align 7
2:  stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, elr_el1
    stp x30, x1, [sp, #240]
    mrs x1, spsr_el1
    mrs x2, esr_el1
    stp x1, x2, [sp, #256]
    mrs x1, far_el1
    mrs x2, sp_el0
    stp x1, x2, [sp, #272]
    str x0, [sp, #288]
    mov x0, sp
    bl {entry}
    ldp x1, x2, [sp, #272]
    msr sp_el0, x2
    ldr x1, [sp, #256]
    msr spsr_el1, x1
    ldp x30, x1, [sp, #240]
    msr elr_el1, x1
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    ldp x16, x17, [sp, #128]
    ldp x14, x15, [sp, #112]
    ldp x12, x13, [sp, #96]
    ldp x10, x11, [sp, #80]
    ldp x8, x9, [sp, #64]
    ldp x6, x7, [sp, #48]
    ldp x4, x5, [sp, #32]
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp]
    add sp, sp, #304
    eret
    .text
"#,
    entry = sym crate::trap::entry,
);
