//! vCPUs that come and go, and the moments at which one looks at what others did.

use phalanx_arch_api::VcpuIndex;

use super::cell::Cell;
use super::fold::registers;
use super::private::Private;
use super::shared::Shared;
use super::{VIRTUAL_TIMER, Vgic};
use crate::gic::{Conditions, Gic, InterfaceState};

impl Vgic {
    /// Whether others did something to this vCPU: one load. Then [`Vgic::sync`] before it enters the guest.
    #[inline(always)]
    #[must_use]
    pub fn needs_sync(&self, vcpu: VcpuIndex) -> bool {
        self.cell(vcpu).is_some_and(Cell::has_attention)
    }

    /// Takes what others did to this vCPU, which is loaded here. Returns the vCPUs to wake (bit n: vCPU n), nearly always
    /// none: those that get an SPI which this one had.
    #[must_use = "vCPUs have to be woken"]
    pub fn sync<G: Gic>(&self, vcpu: VcpuIndex) -> u64 {
        match self.cell(vcpu) {
            Some(cell) if self.take_sgis_directly::<G>(cell) => 0,
            _ => self.change::<G>(vcpu, |_, _| {}),
        }
    }

    /// The maintenance interrupt came for this vCPU, which is loaded here. Returns the vCPUs to wake, as [`Vgic::sync`].
    #[must_use = "vCPUs have to be woken"]
    pub fn on_maintenance<G: Gic>(&self, vcpu: VcpuIndex) -> u64 {
        self.change::<G>(vcpu, |_, _| {})
    }

    /// Brings the vCPU into the virtual CPU interface of this CPU.
    pub fn load<G: Gic>(&self, vcpu: VcpuIndex) {
        let Some(cell) = self.cell(vcpu) else { return };
        let mut private = cell.private.lock();
        let mut shared = self.shared.lock();
        private.loaded = true;
        private.used = registers::<G>();
        private.conditions = None;
        if let Some(physical) = private.timer.outstanding() {
            G::set_active(physical, true);
        }
        G::restore(&private.interface);
        G::set_enabled(true);
        let sgis = cell.take_attention();
        super::fold::take_sgis(G::VERSION, cell, &mut private, sgis);
        self.fill::<G>(vcpu.0, cell, &mut private, &mut shared);
        if private.owed != 0 {
            cell.alert();
        }
    }

    /// Takes the vCPU out of the virtual CPU interface of this CPU. vCPUs that have to be woken because of it are when
    /// this one runs again.
    pub fn put<G: Gic>(&self, vcpu: VcpuIndex) {
        let Some(cell) = self.cell(vcpu) else { return };
        let mut private = cell.private.lock();
        if !private.loaded {
            return;
        }
        let mut shared = self.shared.lock();
        let released = self.fold::<G>(vcpu.0, cell, &mut private, &mut shared);
        private.owed |= self.pass_on(vcpu.0, released, &shared);
        for n in super::bits::ones(private.used) {
            G::write_raw(n as usize, 0);
        }
        private.interface = G::save();
        G::set_maintenance(Conditions::default());
        G::set_enabled(false);
        if let Some(physical) = private.timer.outstanding() {
            G::set_active(physical, false);
        }
        cell.close();
        private.loaded = false;
    }

    /// The vCPU, which is loaded here, begins a new life (PSCI `CPU_ON`): its CPU interface is as after a reset, and
    /// nothing private is active. Returns the vCPUs to wake, as [`Vgic::sync`].
    #[must_use = "vCPUs have to be woken"]
    pub fn restart<G: Gic>(&self, vcpu: VcpuIndex) -> u64 {
        G::restore(&InterfaceState::default());
        self.change::<G>(vcpu, |private, _| {
            private.bank.active = 0;
            private.timer.look_again(&mut private.bank, 1 << VIRTUAL_TIMER);
        })
    }

    /// Folds, changes something, fills. `vcpu` is loaded here. Returns the vCPUs to wake.
    pub(super) fn change<G: Gic>(&self, vcpu: VcpuIndex, change: impl FnOnce(&mut Private, &mut Shared)) -> u64 {
        let Some(cell) = self.cell(vcpu) else { return 0 };
        let mut private = cell.private.lock();
        let mut shared = self.shared.lock();
        if !private.loaded {
            change(&mut private, &mut shared);
            return 0;
        }
        let released = self.fold::<G>(vcpu.0, cell, &mut private, &mut shared);
        change(&mut private, &mut shared);
        self.fill::<G>(vcpu.0, cell, &mut private, &mut shared);
        let wake = core::mem::take(&mut private.owed) | self.pass_on(vcpu.0, released, &shared);
        drop(shared);
        drop(private);
        self.alert(wake)
    }

    /// The vCPUs that get the SPIs which `me` released.
    fn pass_on(&self, me: u8, released: [u32; 2], shared: &Shared) -> u64 {
        let groups = self.groups();
        (0..).zip(released).fold(0, |set, (index, mask)| set | shared.concerned(index, mask, groups, me))
    }
}
