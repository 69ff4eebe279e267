//! From the vectors to Rust.

use super::super::crash;
use super::super::stacks::FIRST_EMERGENCY_BYTES;
use super::{ExceptionFrame, Kind};

/// Prints the crash card for an exception that the hypervisor took itself, and ends the machine.
pub extern "C" fn on_exception(frame: &ExceptionFrame, number: u64) -> ! {
    crash::exception(frame, Kind::from_number(number))
}

// X1 is parked in TPIDR_EL1: no guest runs again after this. Before a CPU has its area, TPIDR_EL2 is 0 and a stack in
// the image serves.
core::arch::global_asm!(
    ".pushsection .text.phalanx_crash, \"ax\"",
    ".globl phalanx_crash",
    "phalanx_crash:",
    "msr tpidr_el1, x1",
    "mrs x1, tpidr_el2",
    "cbz x1, 1f",
    "ldr x1, [x1]",
    "b 2f",
    "1:",
    "adrp x1, phalanx_first_emergency_stack_top",
    "add x1, x1, :lo12:phalanx_first_emergency_stack_top",
    "2:",
    "sub x1, x1, #{bytes}",
    "stp x2, x3, [x1, #16]",
    "stp x4, x5, [x1, #32]",
    "stp x6, x7, [x1, #48]",
    "stp x8, x9, [x1, #64]",
    "stp x10, x11, [x1, #80]",
    "stp x12, x13, [x1, #96]",
    "stp x14, x15, [x1, #112]",
    "stp x16, x17, [x1, #128]",
    "stp x18, x19, [x1, #144]",
    "stp x20, x21, [x1, #160]",
    "stp x22, x23, [x1, #176]",
    "stp x24, x25, [x1, #192]",
    "stp x26, x27, [x1, #208]",
    "stp x28, x29, [x1, #224]",
    "mov x2, sp",
    "stp x30, x2, [x1, #240]",
    "mrs x2, tpidrro_el0",
    "mrs x3, tpidr_el1",
    "stp x2, x3, [x1]",
    "mrs x2, elr_el2",
    "mrs x3, spsr_el2",
    "stp x2, x3, [x1, #256]",
    "mrs x2, esr_el2",
    "mrs x3, far_el2",
    "stp x2, x3, [x1, #272]",
    "mov sp, x1",
    "mov x1, x0",
    "mov x0, sp",
    "mov x29, xzr",
    "mov x30, xzr",
    "b {entry}",
    ".popsection",
    ".pushsection .bss.phalanx_emergency_stack, \"aw\", @nobits",
    ".balign 16",
    ".skip {stack}",
    "phalanx_first_emergency_stack_top:",
    ".popsection",
    bytes = const size_of::<ExceptionFrame>(),
    stack = const FIRST_EMERGENCY_BYTES,
    entry = sym on_exception,
);
