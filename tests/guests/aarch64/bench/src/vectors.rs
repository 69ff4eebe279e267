//! A vector table whose IRQ vector reads the counter with its first instruction.

use core::arch::global_asm;
use guest_arm_rt::write_register;

unsafe extern "C" {
    safe static bench_vectors: u8;
}

// The IRQ vector of EL1t leaves the counter in X24 and goes on at X26, both of which the loop that lets interrupts in
// declares. Every other vector is the runtime's.
// SAFETY: interrupts are on in those loops only.
global_asm!(
    r#"
    .section .text.vectors, "ax"
    .p2align 11
bench_vectors:
    .set vector, 0
    .rept 16
    .p2align 7
    .if vector == 1
    mrs x24, cntvct_el0
    br x26
    .else
    b guest_arm_vectors + vector * 128
    .endif
    .set vector, vector + 1
    .endr
    .globl bench_vectors
    .text
"#
);

/// Switches to the table.
pub(crate) fn install() {
    let table = &raw const bench_vectors as u64;
    // SAFETY: the table is complete, and aligned as VBAR_EL1 wants it.
    unsafe { write_register!("vbar_el1", table) };
}
