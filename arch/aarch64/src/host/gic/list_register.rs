//! List registers as the hardware spells them.

use crate::gic::{ListRegister, LrState};

const fn state(bits: u64) -> LrState {
    match bits & 3 {
        0 => LrState::Invalid,
        1 => LrState::Pending,
        2 => LrState::Active,
        _ => LrState::PendingActive,
    }
}

/// GICH_LRn (IHI 0048, 5.3.6): 32 bits.
pub mod v2 {
    use super::{ListRegister, state};

    const HARDWARE: u32 = 1 << 31;
    const GROUP_1: u32 = 1 << 30;
    const STATE: u32 = 28;
    /// The upper 5 bits of the priority.
    const PRIORITY: u32 = 23;
    /// A physical INTID, or the two fields below.
    const PHYSICAL: u32 = 10;
    const EOI: u32 = 1 << 19;
    const SOURCE: u32 = 10;
    const INTID: u32 = 0x3ff;

    /// The hardware's value.
    #[inline]
    #[must_use]
    pub const fn encode(register: ListRegister) -> u32 {
        let detail = match register.hardware {
            Some(physical) => HARDWARE | (physical & INTID) << PHYSICAL,
            None => (register.source as u32 & 7) << SOURCE | if register.eoi_maintenance { EOI } else { 0 },
        };
        detail
            | register.intid & INTID
            | (register.priority as u32 >> 3) << PRIORITY
            | (register.state as u32) << STATE
            | if register.group1 { GROUP_1 } else { 0 }
    }

    /// What the hardware's value means.
    #[inline]
    #[must_use]
    pub const fn decode(raw: u32) -> ListRegister {
        let is_hardware = raw & HARDWARE != 0;
        ListRegister {
            intid: raw & INTID,
            source: if is_hardware { 0 } else { (raw >> SOURCE & 7) as u8 },
            priority: ((raw >> PRIORITY & 0x1f) << 3) as u8,
            state: state((raw >> STATE) as u64),
            hardware: if is_hardware { Some(raw >> PHYSICAL & INTID) } else { None },
            eoi_maintenance: !is_hardware && raw & EOI != 0,
            group1: raw & GROUP_1 != 0,
        }
    }
}

/// `ICH_LR<n>_EL2` (IHI 0069, 12.4.9): 64 bits.
pub mod v3 {
    use super::{ListRegister, state};

    const STATE: u32 = 62;
    const HARDWARE: u64 = 1 << 61;
    const GROUP_1: u64 = 1 << 60;
    const PRIORITY: u32 = 48;
    const EOI: u64 = 1 << 41;
    /// A physical INTID: 13 bits.
    const PHYSICAL: u32 = 32;
    const PHYSICAL_MASK: u32 = 0x1fff;

    /// The hardware's value.
    #[inline]
    #[must_use]
    pub const fn encode(register: ListRegister) -> u64 {
        let detail = match register.hardware {
            Some(physical) => HARDWARE | ((physical & PHYSICAL_MASK) as u64) << PHYSICAL,
            None if register.eoi_maintenance => EOI,
            None => 0,
        };
        detail
            | register.intid as u64
            | (register.priority as u64) << PRIORITY
            | (register.state as u64) << STATE
            | if register.group1 { GROUP_1 } else { 0 }
    }

    /// What the hardware's value means.
    #[inline]
    #[must_use]
    pub const fn decode(raw: u64) -> ListRegister {
        let is_hardware = raw & HARDWARE != 0;
        ListRegister {
            intid: raw as u32,
            source: 0,
            priority: (raw >> PRIORITY) as u8,
            state: state(raw >> STATE),
            hardware: if is_hardware { Some((raw >> PHYSICAL) as u32 & PHYSICAL_MASK) } else { None },
            eoi_maintenance: !is_hardware && raw & EOI != 0,
            group1: raw & GROUP_1 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMER: ListRegister = ListRegister {
        intid: 27,
        source: 0,
        priority: 0xa0,
        state: LrState::Pending,
        hardware: Some(27),
        eoi_maintenance: false,
        group1: true,
    };
    const SGI: ListRegister = ListRegister {
        intid: 3,
        source: 5,
        priority: 0xf8,
        state: LrState::PendingActive,
        hardware: None,
        eoi_maintenance: true,
        group1: false,
    };

    #[test]
    fn values_are_those_of_the_manuals() {
        assert_eq!(v2::encode(TIMER), 1 << 31 | 1 << 30 | 1 << 28 | 0x14 << 23 | 27 << 10 | 27);
        assert_eq!(v2::encode(SGI), 3 << 28 | 0x1f << 23 | 1 << 19 | 5 << 10 | 3);
        assert_eq!(v3::encode(TIMER), 1 << 62 | 1 << 61 | 1 << 60 | 0xa0 << 48 | 27 << 32 | 27);
        assert_eq!(v3::encode(SGI), 3 << 62 | 0xf8 << 48 | 1 << 41 | 3);
    }

    #[test]
    fn what_is_written_is_read() {
        for register in [TIMER, SGI, ListRegister::default()] {
            assert_eq!(v2::decode(v2::encode(register)), register);
            assert_eq!(v3::decode(v3::encode(register)), ListRegister { source: 0, ..register });
        }
    }
}
