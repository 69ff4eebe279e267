//! Cache maintenance by set and way, with a guest's operand.
//!
//! An operand that names a set, way or level that is not there may be anything, UNDEFINED included (Arm ARM, C5.3.20
//! "DC CISW"), and an exception here would be the hypervisor's own. So it is looked at before it is used.

/// What CCSIDR_EL1 says of one cache (Arm ARM, D24.2.26), in either format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    line_shift: u32,
    last_way: u32,
    last_set: u32,
}

impl Geometry {
    /// Decodes the register; `wide` with FEAT_CCIDX.
    pub(crate) const fn new(ccsidr: u64, wide: bool) -> Self {
        let (way_bits, set_shift, set_bits) = if wide { (21, 32, 24) } else { (10, 13, 15) };
        Self {
            line_shift: (ccsidr & 7) as u32 + 4,
            last_way: (ccsidr >> 3) as u32 & ((1 << way_bits) - 1),
            last_set: (ccsidr >> set_shift) as u32 & ((1 << set_bits) - 1),
        }
    }

    /// Whether the cache has the set and way that the operand names.
    pub(crate) const fn holds(self, operand: u64) -> bool {
        let operand = operand as u32;
        let way_bits = u32::BITS - self.last_way.leading_zeros();
        let (way, set) = if way_bits == 0 {
            (0, operand >> self.line_shift)
        } else {
            (operand >> (u32::BITS - way_bits), (operand << way_bits >> way_bits) >> self.line_shift)
        };
        way <= self.last_way && set <= self.last_set
    }
}

/// The level in an operand, from 0.
pub(crate) const fn level(operand: u64) -> u64 {
    operand >> 1 & 7
}

/// Whether CLIDR_EL1 has a data or unified cache of this level.
pub(crate) const fn has_level(clidr: u64, level: u64) -> bool {
    level < 7 && clidr >> (3 * level) & 7 >= 2
}

/// Cleans and invalidates what the operand names, where that exists. `CSSELR_EL1` of the guest is as before.
#[cfg(target_arch = "aarch64")]
pub(crate) fn clean_invalidate(operand: u64) {
    use super::instr::isb;
    use crate::register::{mrs, msr};

    let level = level(operand);
    if !has_level(mrs!("CLIDR_EL1"), level) {
        return;
    }
    let selected = mrs!("CSSELR_EL1");
    msr!("CSSELR_EL1", level << 1);
    isb();
    let wide = mrs!("S3_0_C0_C7_2") >> 20 & 0xf != 0;
    let geometry = Geometry::new(mrs!("CCSIDR_EL1"), wide);
    msr!("CSSELR_EL1", selected);
    isb();
    if geometry.holds(operand) {
        let operand = operand & 0xffff_fffe;
        // SAFETY: the set and way exist; dirty lines are written back, so memory reads the same for everybody.
        unsafe { core::arch::asm!("dc cisw, {}", in(reg) operand, options(nostack, preserves_flags)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64-byte lines, 4 ways, 256 sets.
    const CCSIDR: u64 = 255 << 13 | 3 << 3 | 2;
    const WIDE: u64 = 255 << 32 | 3 << 3 | 2;

    #[test]
    fn both_formats_say_the_same() {
        assert_eq!(Geometry::new(CCSIDR, false), Geometry::new(WIDE, true));
    }

    #[test]
    fn sets_and_ways_that_exist() {
        let cache = Geometry::new(CCSIDR, false);
        for (way, set, there) in [(0, 0, true), (3, 255, true), (0, 256, false), (3, 1 << 20, false)] {
            assert_eq!(cache.holds(way << 30 | set << 6), there, "{way} {set}");
        }
        let three_ways = Geometry::new(255 << 13 | 2 << 3 | 2, false);
        assert!(three_ways.holds(2 << 30) && !three_ways.holds(3 << 30));
        let one_way = Geometry::new(255 << 13 | 2, false);
        assert!(one_way.holds(255 << 6) && !one_way.holds(1 << 31));
    }

    #[test]
    fn levels() {
        let clidr = 0b010_011;
        assert_eq!([0, 1, 2, 7].map(|level| has_level(clidr, level)), [true, true, false, false]);
        assert!(!has_level(1, 0), "an instruction cache only");
        assert_eq!(level(0b1110), 7);
    }
}
