//! Depth and width of the stage-2 tables, and VTCR_EL2, which tells the processor.
//!
//! A guest-physical address cannot be wider than a physical one, and a walk may begin at level 0 only where physical
//! addresses have 44 bits or more (Arm ARM, D24.2, VTCR_EL2.SL0 and T0SZ). Root tables are never concatenated.

use phalanx_arch_api::Gpa;
use phalanx_arch_api::table::Level;

/// Physical addresses from which on there are four levels.
const FOUR_LEVELS_FROM: u32 = 44;
/// Widest address of three levels.
const THREE_LEVELS: u32 = 39;
/// Widest address of four levels, and the widest physical one without FEAT_LPA2.
const FOUR_LEVELS: u32 = 48;
/// Narrowest physical address there is.
const NARROWEST: u32 = 32;

/// VTCR_EL2.SL0: the walk begins at level 1.
const FROM_LEVEL_1: u64 = 1 << 6;
/// VTCR_EL2.SL0: the walk begins at level 0.
const FROM_LEVEL_0: u64 = 2 << 6;
/// VTCR_EL2.IRGN0, ORGN0 and SH0: walks are write-back, write-allocate, inner shareable.
const CACHED_WALKS: u64 = 1 << 8 | 1 << 10 | 3 << 12;
/// VTCR_EL2.PS, its lowest bit.
const PHYSICAL_SIZE: u32 = 16;
/// VTCR_EL2 bit 31.
const RES1: u64 = 1 << 31;

/// Bits of a physical address, by ID_AA64MMFR0_EL1.PARange.
#[must_use]
pub const fn address_bits(parange: u64) -> u32 {
    match parange & 0xf {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        5 => 48,
        // 52 and 56 bits need FEAT_LPA2 and FEAT_D128, which are not used.
        _ => FOUR_LEVELS,
    }
}

/// Depth and width of stage-2 tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    physical: u32,
}

impl Geometry {
    /// For physical addresses of so many bits.
    #[must_use]
    pub const fn new(physical_address_bits: u32) -> Self {
        let bits = physical_address_bits;
        Self {
            physical: if bits < NARROWEST {
                NARROWEST
            } else if bits > FOUR_LEVELS {
                FOUR_LEVELS
            } else {
                bits
            },
        }
    }

    /// The level of the root table.
    #[must_use]
    pub const fn root(self) -> Level {
        if self.physical < FOUR_LEVELS_FROM { Level::L3 } else { Level::L4 }
    }

    /// Bits of a guest-physical address.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self.root() {
            Level::L4 => self.physical,
            _ if self.physical < THREE_LEVELS => self.physical,
            _ => THREE_LEVELS,
        }
    }

    /// Whether `first ..= last` are guest-physical addresses.
    pub(super) fn reaches(self, first: Gpa, last: Gpa) -> bool {
        first <= last && last.as_u64() >> self.bits() == 0
    }

    /// VTCR_EL2: 4 KiB granule, cached walks, no hardware update of flags, VMIDs of 8 bits (there are at most 64
    /// domains).
    #[must_use]
    pub const fn vtcr(self) -> u64 {
        let start = match self.root() {
            Level::L4 => FROM_LEVEL_0,
            _ => FROM_LEVEL_1,
        };
        let t0sz = 64 - self.bits() as u64;
        RES1 | self.physical_size() << PHYSICAL_SIZE | CACHED_WALKS | start | t0sz
    }

    /// VTCR_EL2.PS, encoded like PARange.
    const fn physical_size(self) -> u64 {
        match self.physical {
            0..=35 => 0,
            36..=39 => 1,
            40..=41 => 2,
            42..=43 => 3,
            44..=47 => 4,
            _ => 5,
        }
    }
}
