//! What the vCPUs of a domain share.

use core::sync::atomic::{AtomicU64, Ordering};

use alloc::boxed::Box;
use phalanx_arch_api::{DomainEnv, Hpa, Ticks};

use crate::gic::Version;
use crate::id::IdRegisters;
use crate::power::PowerSwitch;
use crate::vcpu::Vcpu;
use crate::vgic::Vgic;

/// The architectural part of a domain.
pub struct Domain {
    /// In the order of creation; its VMID is one more.
    pub(crate) number: u32,
    /// VTTBR_EL2: root of the stage-2 tables, and VMID.
    pub(crate) vttbr: u64,
    /// The interrupt controller.
    pub(crate) vgic: Vgic,
    /// Power switch of each vCPU.
    pub(crate) power: Box<[PowerSwitch]>,
    /// What the guest sees of its processor.
    pub(crate) id: IdRegisters,
    /// CNTVOFF_EL2: the machine's counter when the domain was switched on.
    counter_offset: AtomicU64,
}

impl Domain {
    pub(crate) fn new(number: u32, vcpus: usize, root: Hpa, version: Version, id: IdRegisters, now: Ticks) -> Self {
        // 64 domains at most: every implementation has VMIDs of 8 bits.
        let vmid = u64::from(number) + 1;
        Self {
            number,
            vttbr: vmid << 48 | root.as_u64(),
            vgic: Vgic::new(version, vcpus),
            power: (0..vcpus).map(|_| PowerSwitch::new()).collect(),
            id,
            counter_offset: AtomicU64::new(now),
        }
    }

    /// The power switch of a vCPU.
    #[inline(always)]
    pub(crate) fn switch(&self, vcpu: &Vcpu) -> &PowerSwitch {
        &self.power[usize::from(vcpu.index)]
    }

    /// As at power-on. No vCPU of the domain runs.
    pub(crate) fn reset(&self, now: Ticks) {
        self.vgic.reset();
        self.power.iter().for_each(PowerSwitch::turn_off);
        self.set_power_on(now);
    }

    /// The guest's virtual counter is 0 at this moment.
    pub(crate) fn set_power_on(&self, now: Ticks) {
        self.counter_offset.store(now, Ordering::Relaxed);
    }

    /// The machine's counter at which the guest's virtual counter was 0.
    pub(crate) fn counter_offset(&self) -> u64 {
        self.counter_offset.load(Ordering::Relaxed)
    }

    /// Wakes every vCPU in the set.
    pub(crate) fn wake_all<E: DomainEnv>(&self, env: &E, mut vcpus: u64) {
        while vcpus != 0 {
            let index = vcpus.trailing_zeros() as u8;
            vcpus &= vcpus - 1;
            env.wake(phalanx_arch_api::VcpuIndex(index));
        }
    }

    /// Drives the line of an SPI.
    pub(crate) fn set_line<E: DomainEnv>(&self, env: &E, line: u32, asserted: bool) {
        if let Some(vcpu) = self.vgic.set_spi_level(line, asserted) {
            env.wake(vcpu);
        }
    }
}
