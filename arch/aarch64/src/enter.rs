//! The way into a guest and back.
//!
//! [`enter`] is inlined into the run loop. It pushes four words (two for the vectors, `vectors.rs`), loads the guest's general
//! registers and leaves by `eret`; the vector for a lower exception level stores them again and jumps behind the `eret`.
//! Return address and program status of the guest stay in ELR_EL2 and SPSR_EL2 all the time.
//!
//! ```text
//!  SP_EL2 ──▶ x19, x29 of the host │ context, return address
//! ```

use core::arch::asm;

/// The general registers of a guest, as the vectors store them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(16))]
pub struct Context {
    /// X0 to X30.
    pub x: [u64; 31],
}

/// Which of the vectors brought the CPU back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vector {
    /// A synchronous exception: ESR_EL2 says which.
    Synchronous,
    /// A physical interrupt. (FIQs are not used, and counted as one.)
    Interrupt,
    /// A physical SError.
    SystemError,
}

/// The values with which the vectors return.
pub(crate) mod vector {
    pub(crate) const SYNCHRONOUS: u64 = 0;
    pub(crate) const INTERRUPT: u64 = 1;
    pub(crate) const SYSTEM_ERROR: u64 = 2;
}

/// Runs the guest until its next exception to EL2.
///
/// State before: the vCPU is loaded, interrupts are masked, VBAR_EL2 holds [`crate::vectors`]. State after: the same;
/// ELR_EL2, SPSR_EL2 and the syndrome registers describe the exception.
#[inline(always)]
pub(crate) fn enter(context: &mut Context) -> Vector {
    let vector: u64;
    // SAFETY: whatever the guest does, the vectors come back to label 2 with the stack pointer as it was; all general
    // registers are named as changed. X19 and X29 cannot be named and are kept on the stack. The guest reaches no
    // memory of the host: stage 2 is on.
    unsafe {
        asm!(
            "adr x1, 2f",
            "stp x19, x29, [sp, #-32]!",
            "stp x0, x1, [sp, #16]",
            "ldp x2, x3, [x0, #16]",
            "ldp x4, x5, [x0, #32]",
            "ldp x6, x7, [x0, #48]",
            "ldp x8, x9, [x0, #64]",
            "ldp x10, x11, [x0, #80]",
            "ldp x12, x13, [x0, #96]",
            "ldp x14, x15, [x0, #112]",
            "ldp x16, x17, [x0, #128]",
            "ldp x18, x19, [x0, #144]",
            "ldp x20, x21, [x0, #160]",
            "ldp x22, x23, [x0, #176]",
            "ldp x24, x25, [x0, #192]",
            "ldp x26, x27, [x0, #208]",
            "ldp x28, x29, [x0, #224]",
            "ldr x30, [x0, #240]",
            "ldp x0, x1, [x0]",
            "eret",
            // No speculation past the `eret`.
            "dsb nsh",
            "isb",
            "2:",
            "ldp x19, x29, [sp], #32",
            inout("x0") core::ptr::from_mut(context) => vector,
            out("x1") _, out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _, out("x7") _, out("x8") _,
            out("x9") _, out("x10") _, out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _,
            out("x16") _, out("x17") _, out("x18") _, out("x20") _, out("x21") _, out("x22") _, out("x23") _,
            out("x24") _, out("x25") _, out("x26") _, out("x27") _, out("x28") _, out("x30") _,
        );
    }
    match vector {
        vector::SYNCHRONOUS => Vector::Synchronous,
        vector::INTERRUPT => Vector::Interrupt,
        _ => Vector::SystemError,
    }
}
