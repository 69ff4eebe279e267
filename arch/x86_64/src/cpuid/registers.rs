//! Register bits that the leaves imply: what CPUID hides, a write refuses.

use super::xstate::{AVX, AVX_512, SSE, X87};
use super::{CpuidTable, EXTENDED_BASE};

/// A result register of CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Ebx,
    Ecx,
    Edx,
}

/// A feature bit that a register check or an MSR depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    leaf: u32,
    output: Output,
    bit: u8,
}

#[allow(missing_docs, reason = "the names are the manuals'")]
impl Feature {
    pub const PCID: Self = Self::new(1, Output::Ecx, 17);
    pub const XSAVE: Self = Self::new(1, Output::Ecx, 26);
    pub const VME: Self = Self::new(1, Output::Edx, 1);
    pub const DE: Self = Self::new(1, Output::Edx, 2);
    pub const PSE: Self = Self::new(1, Output::Edx, 3);
    pub const TSC: Self = Self::new(1, Output::Edx, 4);
    pub const PAE: Self = Self::new(1, Output::Edx, 6);
    pub const MCE: Self = Self::new(1, Output::Edx, 7);
    pub const PGE: Self = Self::new(1, Output::Edx, 13);
    pub const FXSR: Self = Self::new(1, Output::Edx, 24);
    pub const SSE: Self = Self::new(1, Output::Edx, 25);
    pub const FSGSBASE: Self = Self::new(7, Output::Ebx, 0);
    pub const SMEP: Self = Self::new(7, Output::Ebx, 7);
    pub const SMAP: Self = Self::new(7, Output::Ebx, 20);
    pub const UMIP: Self = Self::new(7, Output::Ecx, 2);
    pub const SYSCALL: Self = Self::new(EXTENDED_BASE + 1, Output::Edx, 11);
    pub const NX: Self = Self::new(EXTENDED_BASE + 1, Output::Edx, 20);
    pub const FFXSR: Self = Self::new(EXTENDED_BASE + 1, Output::Edx, 25);
    pub const GIGABYTE_PAGES: Self = Self::new(EXTENDED_BASE + 1, Output::Edx, 26);
    pub const LONG_MODE: Self = Self::new(EXTENDED_BASE + 1, Output::Edx, 29);

    const fn new(leaf: u32, output: Output, bit: u8) -> Self {
        Self { leaf, output, bit }
    }
}

/// CR4.PCE is there on every processor with RDPMC; what RDPMC then does is another matter.
const CR4_ALWAYS: u64 = 1 << 8;

/// CR4 bits and what they need (Intel SDM vol. 3A, 2.5; AMD APM vol. 2, 3.1.3).
const CR4_BITS: [(u8, Feature); 16] = [
    (0, Feature::VME),
    (1, Feature::VME),
    (2, Feature::TSC),
    (3, Feature::DE),
    (4, Feature::PSE),
    (5, Feature::PAE),
    (6, Feature::MCE),
    (7, Feature::PGE),
    (9, Feature::FXSR),
    (10, Feature::SSE),
    (11, Feature::UMIP),
    (16, Feature::FSGSBASE),
    (17, Feature::PCID),
    (18, Feature::XSAVE),
    (20, Feature::SMEP),
    (21, Feature::SMAP),
];

/// EFER bits and what they need (AMD APM vol. 2, 3.1.7).
const EFER_BITS: [(u8, Feature); 5] =
    [(0, Feature::SYSCALL), (8, Feature::LONG_MODE), (10, Feature::LONG_MODE), (11, Feature::NX), (14, Feature::FFXSR)];

pub(super) fn cr4_valid(table: &CpuidTable) -> u64 {
    allowed(table, &CR4_BITS) | CR4_ALWAYS
}

pub(super) fn efer_valid(table: &CpuidTable) -> u64 {
    allowed(table, &EFER_BITS)
}

fn allowed(table: &CpuidTable, bits: &[(u8, Feature)]) -> u64 {
    let offered = bits.iter().filter(|(_, feature)| table.has(*feature));
    offered.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

impl CpuidTable {
    /// Whether the guest's processor has the feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        let leaf = self.lookup(feature.leaf, 0);
        let word = match feature.output {
            Output::Ebx => leaf.ebx,
            Output::Ecx => leaf.ecx,
            Output::Edx => leaf.edx,
        };
        word >> feature.bit & 1 != 0
    }

    /// CR4 bits that may be set; another one is #GP.
    #[must_use]
    pub const fn cr4_valid_bits(&self) -> u64 {
        self.cr4_valid
    }

    /// EFER bits that may be set, LMA among them (a write of it is ignored); another one is #GP.
    #[must_use]
    pub const fn efer_valid_bits(&self) -> u64 {
        self.efer_valid
    }

    /// Whether XSETBV may load `value` into XCR0 (Intel SDM vol. 1, 13.3); if not, it is #GP.
    #[must_use]
    pub const fn xcr0_valid(&self, value: u64) -> bool {
        let known = value & !self.xstate.supported() == 0 && value & X87 != 0;
        let avx_has_sse = value & AVX == 0 || value & SSE != 0;
        let avx_512_is_whole = value & AVX_512 == 0 || value & (AVX | AVX_512) == AVX | AVX_512;
        known && avx_has_sse && avx_512_is_whole
    }

    /// The bits of XCR0 that the guest may set; 0 without XSAVE.
    #[must_use]
    pub const fn xcr0_supported(&self) -> u64 {
        self.xstate.supported()
    }

    /// Width of a physical address in bits.
    #[must_use]
    pub const fn physical_address_bits(&self) -> u8 {
        (self.extended[8].eax & 0xff) as u8
    }
}
