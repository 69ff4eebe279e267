//! The state of 32 interrupts, a bit each, as the registers of the distributor have it (IHI 0048 4.3, IHI 0069 12.9).

use crate::gic::LrState;

/// The upper 5 bits of a priority are implemented.
pub(super) const PRIORITY_BITS: u8 = 0xf8;

/// The groups that the distributor forwards (GICD_CTLR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    zero: bool,
    one: bool,
}

impl Groups {
    /// Bit 0 for group 0, bit 1 for group 1: GICD_CTLR, and VMCR too.
    pub(super) const fn from_bits(bits: u32) -> Self {
        Self { zero: bits & 1 != 0, one: bits & 2 != 0 }
    }

    /// Both.
    pub(super) const ALL: Self = Self { zero: true, one: true };

    /// Whether an interrupt of this group is in it.
    pub(super) const fn has(self, group1: bool) -> bool {
        if group1 { self.one } else { self.zero }
    }
}

/// A register with one bit for each interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// IGROUPR.
    Group,
    /// ISENABLER.
    SetEnable,
    /// ICENABLER.
    ClearEnable,
    /// ISPENDR.
    SetPending,
    /// ICPENDR.
    ClearPending,
    /// ISACTIVER.
    SetActive,
    /// ICACTIVER.
    ClearActive,
}

impl Field {
    /// Whether its value may be in list registers.
    pub(super) const fn is_listed(self) -> bool {
        matches!(self, Self::SetPending | Self::ClearPending | Self::SetActive | Self::ClearActive)
    }
}

/// 32 interrupts. Bit n is interrupt n of the bank.
#[derive(Clone, Debug)]
pub(super) struct Bank {
    pub(super) enabled: u32,
    pub(super) group1: u32,
    /// Edge-triggered, else level-sensitive (ICFGR).
    pub(super) edge: u32,
    /// Input lines.
    pub(super) line: u32,
    /// Pending by an edge or by a write, and not in a list register.
    pub(super) latch: u32,
    /// Active; while listed: as of when it was listed.
    pub(super) active: u32,
    /// In a list register.
    pub(super) listed: u32,
    /// Listed, and `latch` went there.
    pub(super) listed_latch: u32,
    /// Changes by another CPU that the next fold applies to what comes out of the list registers.
    drop_latch: u32,
    drop_active: u32,
    add_active: u32,
    priority: [u8; 32],
}

impl Bank {
    pub(super) const fn new(enabled: u32, group1: u32, edge: u32) -> Self {
        Self {
            enabled,
            group1,
            edge,
            line: 0,
            latch: 0,
            active: 0,
            listed: 0,
            listed_latch: 0,
            drop_latch: 0,
            drop_active: 0,
            add_active: 0,
            priority: [0; 32],
        }
    }

    /// Pending in software.
    pub(super) const fn pending(&self) -> u32 {
        self.latch | self.line & !self.edge
    }

    /// Enabled, and in a group that is forwarded.
    pub(super) const fn forwarded(&self, groups: Groups) -> u32 {
        let zero = if groups.zero { !self.group1 } else { 0 };
        let one = if groups.one { self.group1 } else { 0 };
        self.enabled & (zero | one)
    }

    pub(super) fn priority(&self, bit: u32) -> u8 {
        self.priority.get(bit as usize).copied().unwrap_or(0)
    }

    pub(super) fn set_priority(&mut self, bit: u32, priority: u8) {
        if let Some(place) = self.priority.get_mut(bit as usize) {
            *place = priority & PRIORITY_BITS;
        }
    }

    /// What a read of the register shows.
    pub(super) const fn read(&self, field: Field) -> u32 {
        match field {
            Field::Group => self.group1,
            Field::SetEnable | Field::ClearEnable => self.enabled,
            Field::SetPending | Field::ClearPending => self.pending() | self.listed_latch,
            Field::SetActive | Field::ClearActive => self.active,
        }
    }

    /// A write of the register. `foreign`: the interrupts that may be in list registers of another CPU.
    pub(super) const fn write(&mut self, field: Field, value: u32, foreign: u32) {
        match field {
            Field::Group => self.group1 = value,
            Field::SetEnable => self.enabled |= value,
            Field::ClearEnable => self.enabled &= !value,
            Field::SetPending => {
                self.latch |= value;
                self.drop_latch &= !value;
            }
            Field::ClearPending => {
                self.latch &= !value;
                self.listed_latch &= !value;
                self.drop_latch |= value & foreign;
            }
            Field::SetActive => {
                self.active |= value;
                self.drop_active &= !value;
                self.add_active |= value & foreign;
            }
            Field::ClearActive => {
                self.active &= !value;
                self.add_active &= !value;
                self.drop_active |= value & foreign;
            }
        }
    }

    /// Drives lines. The interrupts that this makes pending.
    pub(super) const fn set_line(&mut self, mask: u32, asserted: bool) -> u32 {
        if !asserted {
            self.line &= !mask;
            return 0;
        }
        let rises = mask & !self.line;
        self.line |= mask;
        self.latch |= rises & self.edge;
        rises
    }

    /// Marks an interrupt as listed; `latch` is taken out if it went into the list register.
    pub(super) const fn list(&mut self, mask: u32, with_latch: bool) {
        self.listed |= mask;
        if with_latch {
            self.listed_latch |= self.latch & mask;
            self.latch &= !mask;
        }
    }

    /// Before the list registers are read: those of `mask` may have held the active state.
    pub(super) const fn begin_fold(&mut self, mask: u32) {
        self.active &= !mask;
    }

    /// One interrupt as a list register has it. True if it is pending there, and stays so.
    pub(super) const fn fold(&mut self, mask: u32, state: LrState) -> bool {
        if matches!(state, LrState::Active | LrState::PendingActive) {
            self.active |= mask;
        }
        let pending = matches!(state, LrState::Pending | LrState::PendingActive) && self.drop_latch & mask == 0;
        if pending {
            self.latch |= mask & (self.edge | self.listed_latch);
        }
        pending
    }

    /// After the list registers were read: the interrupts of `mask` are in software now.
    pub(super) const fn end_fold(&mut self, mask: u32) {
        self.active = self.active & !(self.drop_active & mask) | self.add_active & mask;
        self.listed &= !mask;
        self.listed_latch &= !mask;
        self.drop_latch &= !mask;
        self.drop_active &= !mask;
        self.add_active &= !mask;
    }
}
