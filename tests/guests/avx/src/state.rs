//! Patterns in everything that XSAVE covers: x87 stack and control word, MXCSR, and the YMM registers that the
//! arithmetic leaves alone (0 to 7, and 15).

use core::arch::asm;
use guest_rt::report::Sweep;

/// The FXSAVE image (Intel SDM vol. 1, table 10-2).
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Legacy([u8; 512]);

const FTW: usize = 4;
const MXCSR: usize = 24;
const ST0: usize = 32;
const ST_BYTES: usize = 10;
/// Precision 64 bits, all exceptions masked; the rounding mode is the seed's.
const CONTROL_WORD: u16 = 0x037f;
/// All exceptions masked; the rounding mode is the seed's.
const MXCSR_BASE: u32 = 0x1f80;

/// The watched registers.
#[repr(C, align(32))]
#[derive(Clone, Copy)]
pub(crate) struct State {
    ymm: [[u64; 4]; 9],
    legacy: Legacy,
}

impl State {
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut word = seed;
        let mut next = move || {
            word = (word ^ word >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed | 1);
            word
        };
        let ymm = core::array::from_fn(|_| core::array::from_fn(|_| next()));
        let mut image = [0; 512];
        let rounding = next() as u32 & 3;
        image[..2].copy_from_slice(&(CONTROL_WORD | (rounding as u16) << 10).to_le_bytes());
        image[FTW] = 0xff;
        image[MXCSR..MXCSR + 4].copy_from_slice(&(MXCSR_BASE | rounding << 13).to_le_bytes());
        for register in image[ST0..ST0 + 128].chunks_exact_mut(16) {
            // A normal number: integer bit set, exponent neither least nor greatest.
            register[..8].copy_from_slice(&(next() | 1 << 63).to_le_bytes());
            register[8..ST_BYTES].copy_from_slice(&(0x3000 | next() as u16 & 0x8fff).to_le_bytes());
        }
        Self { ymm, legacy: Legacy(image) }
    }

    /// Loads all of it; YMM8 to YMM14 become 0 in their lower halves.
    pub(crate) fn load(&self) {
        // SAFETY: reads `self`; no compiled code uses x87 or vector registers. MXCSR has no reserved bit set.
        unsafe {
            asm!(
                "fxrstor64 [{legacy}]",
                "vmovdqa ymm0, [{ymm}]", "vmovdqa ymm1, [{ymm} + 32]", "vmovdqa ymm2, [{ymm} + 64]",
                "vmovdqa ymm3, [{ymm} + 96]", "vmovdqa ymm4, [{ymm} + 128]", "vmovdqa ymm5, [{ymm} + 160]",
                "vmovdqa ymm6, [{ymm} + 192]", "vmovdqa ymm7, [{ymm} + 224]", "vmovdqa ymm15, [{ymm} + 256]",
                legacy = in(reg) &self.legacy, ymm = in(reg) &self.ymm, options(nostack, readonly),
            );
        }
    }

    /// Stores all of it.
    pub(crate) fn store() -> Self {
        let mut state = Self { ymm: [[0; 4]; 9], legacy: Legacy([0; 512]) };
        // SAFETY: writes `state`, whose parts are aligned as FXSAVE and VMOVDQA want them.
        unsafe {
            asm!(
                "fxsave64 [{legacy}]",
                "vmovdqa [{ymm}], ymm0", "vmovdqa [{ymm} + 32], ymm1", "vmovdqa [{ymm} + 64], ymm2",
                "vmovdqa [{ymm} + 96], ymm3", "vmovdqa [{ymm} + 128], ymm4", "vmovdqa [{ymm} + 160], ymm5",
                "vmovdqa [{ymm} + 192], ymm6", "vmovdqa [{ymm} + 224], ymm7", "vmovdqa [{ymm} + 256], ymm15",
                legacy = in(reg) &raw mut state.legacy, ymm = in(reg) &raw mut state.ymm, options(nostack),
            );
        }
        state
    }

    /// Compares every watched bit.
    pub(crate) fn compare(&self, want: &Self, sweep: &mut Sweep) {
        for (index, (got, want)) in self.ymm.iter().zip(&want.ymm).enumerate() {
            sweep.expect(format_args!("ymm pattern {index}"), got, want);
        }
        let (got, want) = (&self.legacy.0, &want.legacy.0);
        sweep.expect("x87 control word", &got[..2], &want[..2]);
        sweep.expect("x87 tags", got[FTW], want[FTW]);
        sweep.expect("mxcsr", &got[MXCSR..MXCSR + 4], &want[MXCSR..MXCSR + 4]);
        for index in 0..8 {
            let at = ST0 + index * 16;
            sweep.expect(format_args!("st{index}"), &got[at..at + ST_BYTES], &want[at..at + ST_BYTES]);
        }
    }
}
