//! The exception vectors of EL2 (Arm ARM, D1.3.1.2 "Exception vectors").
//!
//! | offset | taken from | goes to |
//! |---|---|---|
//! | 0x000, 0x200 | EL2 itself | the crash card: nothing here is expected |
//! | 0x400, 0x600 | a guest | back into the run loop (`enter.rs`) |
//!
//! A guest's vector needs 22 instructions of the 32 that fit.

use core::arch::global_asm;

use crate::enter::vector;
use crate::register::{isb, msr};

global_asm!(
    // A guest's exception: general registers into the context that `enter` pushed, then behind its `eret`.
    ".macro phalanx_from_guest reason",
    ".p2align 7",
    "stp x0, x1, [sp, #-16]!",
    "ldr x0, [sp, #32]",
    "stp x2, x3, [x0, #16]",
    "stp x4, x5, [x0, #32]",
    "stp x6, x7, [x0, #48]",
    "stp x8, x9, [x0, #64]",
    "stp x10, x11, [x0, #80]",
    "stp x12, x13, [x0, #96]",
    "stp x14, x15, [x0, #112]",
    "stp x16, x17, [x0, #128]",
    "stp x18, x19, [x0, #144]",
    "stp x20, x21, [x0, #160]",
    "stp x22, x23, [x0, #176]",
    "stp x24, x25, [x0, #192]",
    "stp x26, x27, [x0, #208]",
    "stp x28, x29, [x0, #224]",
    "str x30, [x0, #240]",
    "ldp x2, x3, [sp], #16",
    "stp x2, x3, [x0]",
    "ldr x30, [sp, #24]",
    "mov x0, \\reason",
    "ret",
    ".endm",
    // An exception of the hypervisor. A guest's TPIDRRO_EL0 serves as scratch: none runs again after this.
    ".macro phalanx_from_host number",
    ".p2align 7",
    "msr tpidrro_el0, x0",
    "mov x0, \\number",
    "b phalanx_crash",
    ".endm",
    ".pushsection .text.phalanx_vectors, \"ax\"",
    ".p2align 11",
    "phalanx_vectors:",
    "phalanx_from_host 0",
    "phalanx_from_host 1",
    "phalanx_from_host 2",
    "phalanx_from_host 3",
    "phalanx_from_host 0",
    "phalanx_from_host 1",
    "phalanx_from_host 2",
    "phalanx_from_host 3",
    "phalanx_from_guest {synchronous}",
    "phalanx_from_guest {interrupt}",
    "phalanx_from_guest {interrupt}",
    "phalanx_from_guest {system_error}",
    "phalanx_from_guest {synchronous}",
    "phalanx_from_guest {interrupt}",
    "phalanx_from_guest {interrupt}",
    "phalanx_from_guest {system_error}",
    ".p2align 7",
    ".popsection",
    synchronous = const vector::SYNCHRONOUS,
    interrupt = const vector::INTERRUPT,
    system_error = const vector::SYSTEM_ERROR,
);

/// Makes this CPU take its exceptions here.
pub fn install() {
    let base: u64;
    // SAFETY: takes the address of the table above.
    unsafe {
        core::arch::asm!(
            "adrp {0}, phalanx_vectors",
            "add {0}, {0}, :lo12:phalanx_vectors",
            out(reg) base,
            options(nomem, nostack, preserves_flags)
        );
    }
    msr!("VBAR_EL2", base);
    isb();
}
