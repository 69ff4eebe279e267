//! Lines of devices and of emulated timers.

use core::sync::atomic::Ordering;

use phalanx_arch_api::VcpuIndex;

use super::Vgic;
use super::shared::NOBODY;
use super::timer::VIRTUAL_TIMER;

impl Vgic {
    /// Drives the line of an SPI, from any CPU. An INTID that is none is ignored.
    ///
    /// `Some(vcpu)`: that vCPU has to look at it; its attention word is set, the caller wakes it. A line that falls takes
    /// a pending interrupt back the next time that its vCPU looks.
    #[must_use = "the vCPU has to be woken"]
    pub fn set_spi_level(&self, intid: u32, asserted: bool) -> Option<VcpuIndex> {
        let groups = self.groups();
        let mut shared = self.shared.lock();
        let (owner, target) = (shared.owner(intid), shared.target(intid));
        let (bank, bit) = shared.find(intid)?;
        let mask = 1 << bit;
        let (level, listed) = (bank.edge & mask == 0, bank.listed & mask != 0);
        let was_up = bank.line & mask != 0;
        let rises = bank.set_line(mask, asserted) != 0;
        let held = listed || bank.active & mask != 0;
        let vcpu = if held { owner } else { target };
        if !asserted && was_up && level && listed {
            self.alert_one(vcpu);
            return None;
        }
        // A level that is held is looked at again when it ends.
        if !rises || held && level || bank.forwarded(groups) & mask == 0 {
            return None;
        }
        drop(shared);
        self.alert_one(vcpu)
    }

    /// Drives a private level of a vCPU: an emulated timer (not the virtual one). The vCPU looks at it at its next
    /// [`Vgic::sync`]; if it does not run on this CPU, the caller wakes it.
    pub fn set_ppi_level(&self, vcpu: VcpuIndex, intid: u32, asserted: bool) {
        let Some(cell) = self.cell(vcpu) else { return };
        if !(16..32).contains(&intid) || intid == VIRTUAL_TIMER {
            return;
        }
        let mask = 1 << intid;
        if (cell.levels.load(Ordering::Relaxed) & mask != 0) == asserted {
            return;
        }
        let mut private = cell.private.lock();
        private.bank.set_line(mask, asserted);
        cell.levels.store(private.bank.line & !(1 << VIRTUAL_TIMER), Ordering::Relaxed);
        drop(private);
        cell.alert();
    }

    fn alert_one(&self, vcpu: u8) -> Option<VcpuIndex> {
        if vcpu == NOBODY {
            return None;
        }
        self.cell(VcpuIndex(vcpu))?.alert();
        Some(VcpuIndex(vcpu))
    }
}
