//! The same sums in vector lanes and one by one.
//!
//! YMM8: eight 32-bit words, x = x × M + C. YMM9: y = y ⊕ (x << 13). YMM10: four doubles that count up by an integer, so
//! that every sum is exact. YMM11 to YMM13 hold M, C and the increments; YMM14 is scratch.

use core::arch::asm;
use guest_rt::report::Sweep;

const M: u32 = 1_664_525;
const C: u32 = 1_013_904_223;

/// Operands in memory, in the order of their registers.
#[repr(C, align(32))]
#[derive(Clone, Copy, Default)]
pub(crate) struct Lanes {
    x: [u32; 8],
    y: [u32; 8],
    sums: [f64; 4],
    m: [u32; 8],
    c: [u32; 8],
    increments: [f64; 4],
}

impl Lanes {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let lane = |index: usize| (seed as u32).wrapping_mul(M).wrapping_add((seed >> 32) as u32 ^ index as u32);
        Self {
            x: core::array::from_fn(lane),
            y: core::array::from_fn(|index| !lane(index)),
            sums: core::array::from_fn(|index| f64::from(lane(index) & 0xffff)),
            m: [M; 8],
            c: [C; 8],
            increments: core::array::from_fn(|index| f64::from(lane(index) >> 24) + 1.0),
        }
    }

    /// Loads YMM8 to YMM13.
    pub(crate) fn load(&self) {
        // SAFETY: reads 192 bytes of `self`; no compiled code uses these registers.
        unsafe {
            asm!(
                "vmovdqa ymm8, [{0}]", "vmovdqa ymm9, [{0} + 32]", "vmovdqa ymm10, [{0} + 64]",
                "vmovdqa ymm11, [{0} + 96]", "vmovdqa ymm12, [{0} + 128]", "vmovdqa ymm13, [{0} + 160]",
                in(reg) self, options(nostack, readonly),
            );
        }
    }

    /// Stores YMM8 to YMM13.
    pub(crate) fn store() -> Self {
        let mut lanes = Self::default();
        // SAFETY: writes 192 bytes of `lanes`.
        unsafe {
            asm!(
                "vmovdqa [{0}], ymm8", "vmovdqa [{0} + 32], ymm9", "vmovdqa [{0} + 64], ymm10",
                "vmovdqa [{0} + 96], ymm11", "vmovdqa [{0} + 128], ymm12", "vmovdqa [{0} + 160], ymm13",
                in(reg) &raw mut lanes, options(nostack),
            );
        }
        lanes
    }

    /// Does `steps` steps without vector registers; the doubles by one exact product.
    pub(crate) fn advance(&mut self, steps: u64) {
        for (x, y) in self.x.iter_mut().zip(&mut self.y) {
            for _ in 0..steps {
                *x = x.wrapping_mul(M).wrapping_add(C);
                *y ^= *x << 13;
            }
        }
        for (sum, increment) in self.sums.iter_mut().zip(self.increments) {
            *sum += increment * steps as f64;
        }
    }

    /// Compares every lane.
    pub(crate) fn compare(&self, want: &Self, sweep: &mut Sweep) {
        sweep.expect("ymm8", self.x, want.x);
        sweep.expect("ymm9", self.y, want.y);
        sweep.expect("ymm10", self.sums.map(f64::to_bits), want.sums.map(f64::to_bits));
        sweep.expect("ymm11", self.m, want.m);
        sweep.expect("ymm12", self.c, want.c);
        sweep.expect("ymm13", self.increments.map(f64::to_bits), want.increments.map(f64::to_bits));
    }
}

/// Does `steps` steps in the registers.
pub(crate) fn run(steps: u64) {
    // SAFETY: changes YMM8, YMM9, YMM10 and YMM14, which no compiled code uses, and the loop counter.
    unsafe {
        asm!(
            "test {0}, {0}", "jz 3f",
            "2:",
            "vpmulld ymm8, ymm8, ymm11",
            "vpaddd ymm8, ymm8, ymm12",
            "vpslld ymm14, ymm8, 13",
            "vpxor ymm9, ymm9, ymm14",
            "vaddpd ymm10, ymm10, ymm13",
            "dec {0}", "jnz 2b",
            "3:",
            inout(reg) steps => _, options(nostack),
        );
    }
}
