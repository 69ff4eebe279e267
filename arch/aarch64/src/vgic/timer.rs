//! The virtual timer: a physical interrupt that stays active until the guest ends the virtual one.
//!
//! The hypervisor only drops the physical interrupt's priority. A list register with the physical INTID deactivates it
//! together with the virtual one (IHI 0048 5.2.2, IHI 0069 6.1 "HW"), and the timer can fire again. While its vCPU is
//! elsewhere or the guest wants no timer interrupt, the physical active state is kept here.

use phalanx_arch_api::VcpuIndex;

use super::Vgic;
use super::bank::{Bank, Groups};
use super::cell::TIMER_SLOT;
use crate::gic::{Gic, ListRegister, LrState};

/// INTID of the guest's virtual timer.
pub const VIRTUAL_TIMER: u32 = 27;

const MASK: u32 = 1 << VIRTUAL_TIMER;

/// The physical side of the virtual timer. The virtual line ([`Bank::line`]) is up while the physical interrupt has
/// fired and the guest has not acknowledged it.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    /// Physical INTID; 0 before it fired for the first time.
    physical: u32,
    /// The physical interrupt is active because of this vCPU.
    outstanding: bool,
    /// It fired while the guest did not want it, or was not through with it.
    waiting: bool,
    /// A list register was filled with the physical INTID.
    listed: bool,
}

impl Timer {
    pub(super) const fn new() -> Self {
        Self { physical: 0, outstanding: false, waiting: false, listed: false }
    }

    /// The physical INTID, once it is known.
    pub(super) const fn physical(&self) -> Option<u32> {
        if self.physical == 0 { None } else { Some(self.physical) }
    }

    /// The physical interrupt that is active because of this vCPU.
    pub(super) const fn outstanding(&self) -> Option<u32> {
        if self.outstanding { Some(self.physical) } else { None }
    }

    /// The physical interrupt fired. True if its INTID is news.
    const fn fire(&mut self, bank: &mut Bank, physical: u32) -> bool {
        let news = self.physical != physical;
        self.physical = physical;
        self.outstanding = true;
        bank.line |= MASK;
        news
    }

    /// Before the list registers are read.
    pub(super) const fn begin_fold(&mut self, bank: &mut Bank) {
        if self.listed {
            // Unless a list register says otherwise, the guest ended it, and hardware deactivated the physical one.
            bank.line &= !MASK;
            self.outstanding = false;
            self.listed = false;
        }
    }

    /// It is in a list register, with this physical INTID.
    pub(super) const fn fold(&mut self, bank: &mut Bank, hardware: Option<u32>, pending: bool) {
        let Some(physical) = hardware else { return };
        self.physical = physical;
        self.outstanding = true;
        if pending {
            bank.line |= MASK;
        }
    }

    /// The guest cleared pending states: whether the timer still fires shows when it may.
    pub(super) const fn look_again(&self, bank: &mut Bank, mask: u32) {
        bank.line &= !(mask & MASK);
    }

    /// Deactivates the physical interrupt where nothing virtual stands for it, or where the guest wants it again: then
    /// it fires once more, if the timer's condition still holds.
    pub(super) fn settle<G: Gic>(&mut self, bank: &mut Bank, groups: Groups) {
        if !self.outstanding {
            return;
        }
        let (active, fired) = (bank.active & MASK != 0, bank.line & MASK != 0);
        let wanted = !active && bank.forwarded(groups) & MASK != 0;
        if !fired && !active || wanted && self.waiting {
            bank.line &= !MASK;
            self.outstanding = false;
            self.waiting = false;
            G::set_active(self.physical, false);
        } else {
            self.waiting = fired && !wanted;
        }
    }

    /// Completes a list register: with the physical INTID, unless there is more to tell than that one can.
    pub(super) const fn list(&mut self, bank: &Bank, register: &mut ListRegister) {
        let more = match register.state {
            LrState::Pending => false,
            _ => (bank.line | bank.latch) & MASK != 0,
        };
        if self.outstanding && !more {
            register.hardware = Some(self.physical);
            register.eoi_maintenance = false;
            self.listed = true;
        }
    }
}

impl Vgic {
    /// The virtual timer of `vcpu`, which is loaded here, fired: the physical PPI `physical` is active and its priority
    /// dropped. There is nothing more to do for it: it stays active until the guest has ended the virtual interrupt.
    ///
    /// HOT: with an idle, enabled interrupt and its list register free, this is one write of a list register.
    /// Returns the vCPUs to wake (bit n: vCPU n), nearly always none.
    #[inline(always)]
    #[must_use = "vCPUs have to be woken"]
    pub fn inject_virtual_timer<G: Gic>(&self, vcpu: VcpuIndex, physical: u32) -> u64 {
        match self.cell(vcpu) {
            Some(cell) if cell.inject::<G>(TIMER_SLOT, 0) => 0,
            _ => self.inject_by_software::<G>(vcpu, physical),
        }
    }

    #[inline(never)]
    fn inject_by_software<G: Gic>(&self, vcpu: VcpuIndex, physical: u32) -> u64 {
        self.change::<G>(vcpu, |private, _| {
            if private.timer.fire(&mut private.bank, physical) {
                private.stale = true;
            }
        })
    }
}
