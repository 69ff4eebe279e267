//! FP and SIMD registers. The hypervisor is built without them, so a guest's stay in the processor until another vCPU
//! is loaded.

use core::arch::{asm, global_asm};

use crate::register::{mrs, msr};

/// V0 to V31, FPSR and FPCR of a vCPU that is not loaded.
#[derive(Clone, Debug)]
#[repr(C, align(16))]
pub struct FpState {
    vectors: [u128; 32],
    status: u64,
    control: u64,
}

// The compiler must not know of these registers; the assembler may.
global_asm!(
    ".pushsection .text.phalanx_fp, \"ax\"",
    ".arch_extension fp",
    ".arch_extension simd",
    ".p2align 4",
    "phalanx_fp_save:",
    "stp q0, q1, [x0]",
    "stp q2, q3, [x0, #32]",
    "stp q4, q5, [x0, #64]",
    "stp q6, q7, [x0, #96]",
    "stp q8, q9, [x0, #128]",
    "stp q10, q11, [x0, #160]",
    "stp q12, q13, [x0, #192]",
    "stp q14, q15, [x0, #224]",
    "stp q16, q17, [x0, #256]",
    "stp q18, q19, [x0, #288]",
    "stp q20, q21, [x0, #320]",
    "stp q22, q23, [x0, #352]",
    "stp q24, q25, [x0, #384]",
    "stp q26, q27, [x0, #416]",
    "stp q28, q29, [x0, #448]",
    "stp q30, q31, [x0, #480]",
    "ret",
    "phalanx_fp_load:",
    "ldp q0, q1, [x0]",
    "ldp q2, q3, [x0, #32]",
    "ldp q4, q5, [x0, #64]",
    "ldp q6, q7, [x0, #96]",
    "ldp q8, q9, [x0, #128]",
    "ldp q10, q11, [x0, #160]",
    "ldp q12, q13, [x0, #192]",
    "ldp q14, q15, [x0, #224]",
    "ldp q16, q17, [x0, #256]",
    "ldp q18, q19, [x0, #288]",
    "ldp q20, q21, [x0, #320]",
    "ldp q22, q23, [x0, #352]",
    "ldp q24, q25, [x0, #384]",
    "ldp q26, q27, [x0, #416]",
    "ldp q28, q29, [x0, #448]",
    "ldp q30, q31, [x0, #480]",
    "ret",
    ".arch_extension nosimd",
    ".arch_extension nofp",
    ".popsection",
);

impl FpState {
    /// As after a reset, with what is UNKNOWN then as zero.
    pub const RESET: Self = Self { vectors: [0; 32], status: 0, control: 0 };

    /// Reads the registers of the vCPU that is loaded.
    pub fn save(&mut self) {
        // SAFETY: stores 512 bytes at the start of `self`, which has them; FP accesses are not trapped at EL2.
        unsafe {
            asm!("bl phalanx_fp_save", in("x0") self as *mut Self, out("x30") _, options(nostack, preserves_flags))
        };
        self.status = mrs!("S3_3_C4_C4_1");
        self.control = mrs!("S3_3_C4_C4_0");
    }

    /// Writes the registers.
    pub fn load(&self) {
        // SAFETY: loads 512 bytes from the start of `self`; nobody at EL2 uses the registers.
        unsafe {
            asm!("bl phalanx_fp_load", in("x0") self as *const Self, out("x30") _, options(nostack, preserves_flags))
        };
        msr!("S3_3_C4_C4_1", self.status);
        msr!("S3_3_C4_C4_0", self.control);
    }
}
