//! Patterns in the FP and SIMD registers that the arithmetic leaves alone: Q0 to Q7, Q15 to Q31, FPCR and FPSR.

use crate::pattern::Pattern;
use core::arch::asm;
use guest_arm_rt::report::Sweep;

const WATCHED: usize = 25;
/// FPCR: rounding mode, flush to zero, default NaN. The arithmetic is exact and meets no denormal and no NaN.
const FPCR_BITS: u64 = 0x03c0_0000;
/// FPSR: saturation and the cumulative flags, which exact arithmetic leaves alone.
const FPSR_BITS: u64 = 0x0800_009f;

/// The watched registers.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub(crate) struct State {
    registers: [[u64; 2]; WATCHED],
    fpcr: u64,
    fpsr: u64,
}

impl State {
    pub(crate) fn from_pattern(pattern: &mut Pattern) -> Self {
        let registers = core::array::from_fn(|_| [pattern.next(), pattern.next()]);
        Self { registers, fpcr: pattern.next() & FPCR_BITS, fpsr: pattern.next() & FPSR_BITS }
    }

    /// Loads all of it.
    pub(crate) fn load(&self) {
        // SAFETY: reads `self`; no compiled code uses these registers.
        unsafe {
            asm!(
                ".arch_extension fp", ".arch_extension simd",
                "ldp q0, q1, [{0}]", "ldp q2, q3, [{0}, #32]", "ldp q4, q5, [{0}, #64]", "ldp q6, q7, [{0}, #96]",
                "ldr q15, [{0}, #128]",
                "ldp q16, q17, [{0}, #144]", "ldp q18, q19, [{0}, #176]", "ldp q20, q21, [{0}, #208]",
                "ldp q22, q23, [{0}, #240]", "ldp q24, q25, [{0}, #272]", "ldp q26, q27, [{0}, #304]",
                "ldp q28, q29, [{0}, #336]", "ldp q30, q31, [{0}, #368]",
                "msr fpcr, {1}", "msr fpsr, {2}",
                in(reg) &self.registers, in(reg) self.fpcr, in(reg) self.fpsr, options(nostack, readonly),
            );
        }
    }

    /// Stores all of it.
    pub(crate) fn store() -> Self {
        let mut state = Self { registers: [[0; 2]; WATCHED], fpcr: 0, fpsr: 0 };
        // SAFETY: writes `state`.
        unsafe {
            asm!(
                ".arch_extension fp", ".arch_extension simd",
                "stp q0, q1, [{0}]", "stp q2, q3, [{0}, #32]", "stp q4, q5, [{0}, #64]", "stp q6, q7, [{0}, #96]",
                "str q15, [{0}, #128]",
                "stp q16, q17, [{0}, #144]", "stp q18, q19, [{0}, #176]", "stp q20, q21, [{0}, #208]",
                "stp q22, q23, [{0}, #240]", "stp q24, q25, [{0}, #272]", "stp q26, q27, [{0}, #304]",
                "stp q28, q29, [{0}, #336]", "stp q30, q31, [{0}, #368]",
                "mrs {1}, fpcr", "mrs {2}, fpsr",
                in(reg) &raw mut state.registers, out(reg) state.fpcr, out(reg) state.fpsr, options(nostack),
            );
        }
        state
    }

    /// Compares every watched bit.
    pub(crate) fn compare(&self, want: &Self, sweep: &mut Sweep) {
        let numbers = (0..8).chain(15..32);
        for (number, (got, want)) in numbers.zip(self.registers.iter().zip(&want.registers)) {
            sweep.expect(format_args!("q{number}"), got, want);
        }
        sweep.expect("fpcr", self.fpcr, want.fpcr);
        sweep.expect("fpsr", self.fpsr, want.fpsr);
    }
}
