//! The SGIs and PPIs of one vCPU, and what its list registers hold.

use super::bank::{Bank, Field};
use super::bits::{byte, ones};
use super::timer::{Timer, VIRTUAL_TIMER};
use crate::gic::{Conditions, InterfaceState, ListRegister, LrState, Version};

/// The SGIs in the bank.
pub(super) const SGIS: u32 = 0xffff;
/// Number of SGIs.
pub(super) const SGI_COUNT: u32 = 16;

/// State of one vCPU behind its lock.
#[derive(Clone, Debug)]
pub(super) struct Private {
    pub(super) bank: Bank,
    pub(super) timer: Timer,
    /// Its list registers are in use on some CPU.
    pub(super) loaded: bool,
    /// What else the interface keeps, while it is not loaded.
    pub(super) interface: InterfaceState,
    /// Priorities or groups changed since the direct ways were prepared.
    pub(super) stale: bool,
    /// List registers that held something at the last fold.
    pub(super) used: u32,
    /// Conditions of the maintenance interrupt; `None`: not written yet.
    pub(super) conditions: Option<Conditions>,
    /// SPIs that are in its list registers, by bank.
    pub(super) listed_spis: [u32; 2],
    /// vCPUs to wake, found when nobody could be told.
    pub(super) owed: u64,
    /// GICR_WAKER.ProcessorSleep.
    pub(super) asleep: bool,
    /// GICv2: for each SGI the vCPUs from which it is pending.
    sources: [u8; SGI_COUNT as usize],
    /// GICv2: for each active SGI the vCPU that had sent it.
    active_source: [u8; SGI_COUNT as usize],
}

impl Private {
    pub(super) const fn new(version: Version) -> Self {
        let (enabled, group1) = match version {
            Version::V2 => (SGIS, 0),
            Version::V3 => (0, u32::MAX),
        };
        Self {
            bank: Bank::new(enabled, group1, SGIS),
            timer: Timer::new(),
            loaded: false,
            interface: InterfaceState { vmcr: 0, apr0: 0, apr1: 0 },
            stale: true,
            used: 0,
            conditions: None,
            listed_spis: [0; 2],
            owed: 0,
            asleep: true,
            sources: [0; SGI_COUNT as usize],
            active_source: [0; SGI_COUNT as usize],
        }
    }

    /// An SGI is pending, on GICv2 from each vCPU in `sources`.
    pub(super) fn post_sgi(&mut self, sgi: u32, sources: u8) {
        if let Some(place) = self.sources.get_mut(sgi as usize) {
            *place |= sources;
            self.bank.latch |= 1 << sgi;
        }
    }

    /// GICv2: the vCPUs from which an SGI is pending.
    pub(super) fn sgi_sources(&self, sgi: u32) -> u8 {
        self.sources.get(sgi as usize).copied().unwrap_or(0)
    }

    /// GICv2: an SGI is no longer pending from these vCPUs.
    pub(super) fn withdraw_sgi(&mut self, sgi: u32, sources: u8) {
        if let Some(place) = self.sources.get_mut(sgi as usize) {
            *place &= !sources;
            if *place == 0 {
                self.bank.latch &= !(1 << sgi);
            }
        }
    }

    /// A list register with a private interrupt, at a fold.
    pub(super) fn fold(&mut self, register: ListRegister) {
        let mask = 1 << (register.intid & 31);
        let pending = self.bank.fold(mask, register.state);
        if register.intid == VIRTUAL_TIMER {
            self.timer.fold(&mut self.bank, register.hardware, pending);
        }
        if let (Some(source), Some(active)) =
            (self.sources.get_mut(register.intid as usize), self.active_source.get_mut(register.intid as usize))
        {
            *active = register.source & 7;
            *source |= u8::from(pending) << *active;
        }
    }

    /// What goes into a list register for a private interrupt that is a candidate. `again`: if active, it may be listed as
    /// pending too.
    pub(super) fn list(&mut self, bit: u32, active: bool, again: bool) -> ListRegister {
        let mask = 1 << bit;
        let mut register = ListRegister {
            intid: bit,
            priority: self.bank.priority(bit),
            group1: self.bank.group1 & mask != 0,
            state: if active { LrState::Active } else { LrState::Pending },
            ..ListRegister::default()
        };
        if bit < SGI_COUNT {
            self.list_sgi(&mut register, active, again);
        } else {
            register.eoi_maintenance = true;
            if bit == VIRTUAL_TIMER {
                self.timer.list(&self.bank, &mut register);
            }
            self.bank.list(mask, !active);
        }
        register
    }

    /// One source at a time; the end of it brings the next one.
    fn list_sgi(&mut self, register: &mut ListRegister, active: bool, again: bool) {
        let (sgi, mask) = (register.intid, 1 << register.intid);
        let waiting = self.sgi_sources(sgi);
        if active {
            register.source = self.active_source.get(sgi as usize).copied().unwrap_or(0);
            let same = waiting == 0 || waiting >> register.source & 1 != 0;
            if self.bank.latch & mask == 0 || !again || !same {
                register.eoi_maintenance = self.bank.latch & mask != 0;
                self.bank.list(mask, false);
                return;
            }
            register.state = LrState::PendingActive;
        } else {
            register.source = byte(waiting.trailing_zeros()) & 7;
        }
        self.withdraw_sgi(sgi, 1 << register.source);
        let more = self.bank.latch & mask;
        self.bank.latch |= mask;
        self.bank.list(mask, true);
        self.bank.latch |= more;
        register.eoi_maintenance = more != 0;
    }

    /// A register with a bit for each interrupt. `foreign`: another CPU may have the list registers.
    pub(super) fn write(&mut self, version: Version, field: Field, value: u32, foreign: bool) {
        let value = match field {
            // IHI 0048 4.3.7, 4.3.8, 4.3.5: SGIs become pending by other registers; here, they are always enabled.
            Field::SetPending | Field::ClearPending | Field::ClearEnable if version == Version::V2 => value & !SGIS,
            _ => value,
        };
        self.bank.write(field, value, if foreign { u32::MAX } else { 0 });
        match field {
            Field::Group => self.stale = true,
            Field::ClearPending => self.timer.look_again(&mut self.bank, value),
            _ => {}
        }
    }

    /// Priority and bit of the most important active interrupt.
    pub(super) fn most_important_active(&self) -> Option<(u8, u32)> {
        ones(self.bank.active).map(|bit| (self.bank.priority(bit), bit)).min()
    }
}
