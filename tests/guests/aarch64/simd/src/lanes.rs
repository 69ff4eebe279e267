//! The same sums in vector lanes and one by one.
//!
//! V8: four 32-bit words, x = x × M + C. V9: y = y ⊕ (x << 13). V10: two doubles that count up by an integer, so that
//! every sum is exact. V11 to V13 hold M, C and the increments; V14 is scratch.

use core::arch::asm;
use guest_arm_rt::report::Sweep;

const M: u32 = 1_664_525;
const C: u32 = 1_013_904_223;

/// Operands in memory, in the order of their registers. The doubles are kept as integers, which they are exactly: the
/// compiler has no FP for this target.
#[repr(C, align(16))]
#[derive(Clone, Copy, Default)]
pub(crate) struct Lanes {
    x: [u32; 4],
    y: [u32; 4],
    sums: [u64; 2],
    m: [u32; 4],
    c: [u32; 4],
    increments: [u64; 2],
}

impl Lanes {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let lane = |index: usize| (seed as u32).wrapping_mul(M).wrapping_add((seed >> 32) as u32 ^ index as u32);
        Self {
            x: core::array::from_fn(lane),
            y: core::array::from_fn(|index| !lane(index)),
            sums: core::array::from_fn(|index| u64::from(lane(index) & 0xffff)),
            m: [M; 4],
            c: [C; 4],
            increments: core::array::from_fn(|index| u64::from(lane(index) >> 24) + 1),
        }
    }

    /// Loads V8 to V13, the integers of V10 and V13 as doubles.
    pub(crate) fn load(&self) {
        // SAFETY: reads 96 bytes of `self`; no compiled code uses these registers.
        unsafe {
            asm!(
                ".arch_extension fp", ".arch_extension simd",
                "ldp q8, q9, [{0}]", "ldp q10, q11, [{0}, #32]", "ldp q12, q13, [{0}, #64]",
                "ucvtf v10.2d, v10.2d", "ucvtf v13.2d, v13.2d",
                in(reg) self, options(nostack, readonly),
            );
        }
    }

    /// Stores V8 to V13, the doubles as the integers that they are.
    pub(crate) fn store() -> Self {
        let mut lanes = Self::default();
        // SAFETY: writes 96 bytes of `lanes`.
        unsafe {
            asm!(
                ".arch_extension fp", ".arch_extension simd",
                "fcvtzu v10.2d, v10.2d", "fcvtzu v13.2d, v13.2d",
                "stp q8, q9, [{0}]", "stp q10, q11, [{0}, #32]", "stp q12, q13, [{0}, #64]",
                in(reg) &raw mut lanes, options(nostack),
            );
        }
        lanes
    }

    /// Does `steps` steps without vector registers; the doubles by one product.
    pub(crate) fn advance(&mut self, steps: u64) {
        for (x, y) in self.x.iter_mut().zip(&mut self.y) {
            for _ in 0..steps {
                *x = x.wrapping_mul(M).wrapping_add(C);
                *y ^= *x << 13;
            }
        }
        for (sum, increment) in self.sums.iter_mut().zip(self.increments) {
            *sum += increment * steps;
        }
    }

    /// Compares every lane.
    pub(crate) fn compare(&self, want: &Self, sweep: &mut Sweep) {
        sweep.expect("v8", self.x, want.x);
        sweep.expect("v9", self.y, want.y);
        sweep.expect("v10", self.sums, want.sums);
        sweep.expect("v11", self.m, want.m);
        sweep.expect("v12", self.c, want.c);
        sweep.expect("v13", self.increments, want.increments);
    }
}

/// Does `steps` steps in the registers.
pub(crate) fn run(steps: u64) {
    // SAFETY: changes V8, V9, V10 and V14, which no compiled code uses, and the loop counter.
    unsafe {
        asm!(
            ".arch_extension fp", ".arch_extension simd",
            "cbz {0}, 3f",
            "2:",
            "mul v8.4s, v8.4s, v11.4s",
            "add v8.4s, v8.4s, v12.4s",
            "shl v14.4s, v8.4s, #13",
            "eor v9.16b, v9.16b, v14.16b",
            "fadd v10.2d, v10.2d, v13.2d",
            "subs {0}, {0}, #1", "b.ne 2b",
            "3:",
            inout(reg) steps => _, options(nostack),
        );
    }
}
