//! A domain on the modelled hardware: vCPU n is loaded on CPU n, unless a test moves it.

use core::marker::PhantomData;
use std::vec::Vec;

use phalanx_arch_api::{Access, AccessSize, Direction, Gpa, VcpuIndex};

use super::hardware::{self, SPURIOUS, power_on};
use super::offset;
use crate::gic::{Gic, ListRegister, LrState, Version};
use crate::vgic::{GICD_BASE, GICR_BASE, GICR_FRAME_BYTES, GicAnswer, SgiRequest, Vgic};

/// Offset of SGIs and PPIs in a redistributor.
pub(super) const SGI_FRAME: u64 = 0x1_0000;
/// The physical INTID of the virtual timer: not the guest's number, so that a mix-up shows.
pub(super) const PHYSICAL: u32 = 28;

pub(super) struct Bench<G> {
    pub(super) vgic: Vgic,
    pub(super) vcpus: u8,
    /// The CPU where each vCPU is loaded.
    pub(super) place: Vec<Option<usize>>,
    version: PhantomData<G>,
}

impl<G: Gic> Bench<G> {
    /// As after a reset, with all vCPUs loaded and the CPU interfaces open; there are as many CPUs and one more.
    pub(super) fn new(vcpus: u8, registers: usize) -> Self {
        power_on(usize::from(vcpus) + 1, registers);
        let vgic = Vgic::new(G::VERSION, usize::from(vcpus));
        let mut bench = Self { vgic, vcpus, place: vec![None; usize::from(vcpus)], version: PhantomData };
        for vcpu in 0..vcpus {
            bench.load(vcpu, usize::from(vcpu));
            bench.set_vmcr(vcpu, 0xff << 24 | hardware::GROUPS);
        }
        bench
    }

    /// With both groups forwarded, and all interrupts enabled, of group 1, at priority 0xa0, SPIs going to vCPU 0.
    pub(super) fn open(&mut self) {
        self.write(0, offset::CTLR, 3);
        for vcpu in 0..self.vcpus {
            self.write_private(vcpu, offset::IGROUPR, u32::MAX);
            self.write_private(vcpu, offset::ISENABLER, u32::MAX);
            (0..8).for_each(|n| self.write_private(vcpu, offset::IPRIORITYR + 4 * n, 0xa0a0_a0a0));
        }
        for bank in 1..3 {
            self.write(0, offset::IGROUPR + 4 * bank, u32::MAX);
            self.write(0, offset::ISENABLER + 4 * bank, u32::MAX);
        }
        for n in 8..24 {
            self.write(0, offset::IPRIORITYR + 4 * n, 0xa0a0_a0a0);
            if G::VERSION == Version::V2 {
                self.write(0, offset::ITARGETSR + 4 * n, 0x0101_0101);
            }
        }
    }

    /// Makes the CPU of a vCPU the one that acts.
    pub(super) fn go(&self, vcpu: u8) {
        hardware::go_to(self.place[usize::from(vcpu)].expect("the vCPU is loaded"));
    }

    pub(super) fn load(&mut self, vcpu: u8, cpu: usize) {
        self.place[usize::from(vcpu)] = Some(cpu);
        self.go(vcpu);
        self.vgic.load::<G>(VcpuIndex(vcpu));
        self.enter(vcpu);
    }

    pub(super) fn put(&mut self, vcpu: u8) {
        self.go(vcpu);
        self.vgic.put::<G>(VcpuIndex(vcpu));
        self.place[usize::from(vcpu)] = None;
    }

    /// What the run loop does before it enters the guest, maintenance included.
    pub(super) fn enter(&mut self, vcpu: u8) {
        self.go(vcpu);
        let mut wake = 0;
        for _ in 0..100 {
            if self.vgic.needs_sync(VcpuIndex(vcpu)) {
                wake |= self.vgic.sync::<G>(VcpuIndex(vcpu));
            } else if hardware::here(|cpu, count| cpu.maintenance(count)) {
                wake |= self.vgic.on_maintenance::<G>(VcpuIndex(vcpu));
            } else {
                hardware::here(|cpu, count| cpu.check(count));
                return self.wake(wake);
            }
        }
        panic!("the maintenance interrupt does not go away");
    }

    /// Lets the vCPUs in the set look; those that are not loaded do when they are.
    pub(super) fn wake(&mut self, set: u64) {
        for vcpu in (0..self.vcpus).filter(|vcpu| set >> vcpu & 1 != 0) {
            if self.place[usize::from(vcpu)].is_some() {
                self.enter(vcpu);
            }
        }
    }

    pub(super) fn access(&mut self, vcpu: u8, gpa: u64, size: AccessSize, direction: Direction) -> Option<GicAnswer> {
        self.go(vcpu);
        self.vgic.access::<G>(VcpuIndex(vcpu), Access { gpa: Gpa::new(gpa), size, direction })
    }

    /// An access to the controller; the vCPUs that it concerns look at once.
    pub(super) fn complete(&mut self, vcpu: u8, gpa: u64, size: AccessSize, direction: Direction) -> u64 {
        let answer = self.access(vcpu, gpa, size, direction).expect("the controller's address");
        self.wake(answer.wake);
        answer.value
    }

    pub(super) fn read(&mut self, vcpu: u8, offset: u64) -> u32 {
        self.complete(vcpu, GICD_BASE + offset, AccessSize::B4, Direction::Read) as u32
    }

    pub(super) fn write(&mut self, vcpu: u8, offset: u64, value: u32) {
        self.complete(vcpu, GICD_BASE + offset, AccessSize::B4, Direction::Write(value.into()));
    }

    /// A register of SGIs and PPIs: in the distributor, or in the vCPU's own redistributor.
    pub(super) fn private(vcpu: u8, offset: u64) -> u64 {
        match G::VERSION {
            Version::V2 => GICD_BASE + offset,
            Version::V3 => Self::redistributor(vcpu) + SGI_FRAME + offset,
        }
    }

    pub(super) fn redistributor(vcpu: u8) -> u64 {
        GICR_BASE + GICR_FRAME_BYTES * u64::from(vcpu)
    }

    pub(super) fn read_private(&mut self, vcpu: u8, offset: u64) -> u32 {
        self.complete(vcpu, Self::private(vcpu, offset), AccessSize::B4, Direction::Read) as u32
    }

    pub(super) fn write_private(&mut self, vcpu: u8, offset: u64, value: u32) {
        self.complete(vcpu, Self::private(vcpu, offset), AccessSize::B4, Direction::Write(value.into()));
    }

    /// The bit registers and priorities by INTID: private ones are those of `vcpu`.
    pub(super) fn set_bit(&mut self, vcpu: u8, offset: u64, intid: u32) {
        let (place, value) = (offset + u64::from(intid / 32 * 4), 1 << (intid % 32));
        if intid < 32 { self.write_private(vcpu, place, value) } else { self.write(vcpu, place, value) }
    }

    pub(super) fn bit(&mut self, vcpu: u8, offset: u64, intid: u32) -> bool {
        let place = offset + u64::from(intid / 32 * 4);
        let word = if intid < 32 { self.read_private(vcpu, place) } else { self.read(vcpu, place) };
        word >> (intid % 32) & 1 != 0
    }

    pub(super) fn set_priority(&mut self, vcpu: u8, intid: u32, priority: u8) {
        let place = offset::IPRIORITYR + u64::from(intid);
        let gpa = if intid < 32 { Self::private(vcpu, place) } else { GICD_BASE + place };
        self.complete(vcpu, gpa, AccessSize::B1, Direction::Write(priority.into()));
    }

    /// Routes an SPI to one vCPU.
    pub(super) fn set_target(&mut self, vcpu: u8, intid: u32, target: u8) {
        match G::VERSION {
            Version::V2 => {
                let gpa = GICD_BASE + offset::ITARGETSR + u64::from(intid);
                self.complete(vcpu, gpa, AccessSize::B1, Direction::Write(1 << target));
            }
            Version::V3 => {
                let (gpa, target) = (GICD_BASE + offset::IROUTER + 8 * u64::from(intid), u64::from(target));
                let route = target & 15 | (target >> 4) << 8;
                self.complete(vcpu, gpa, AccessSize::B8, Direction::Write(route));
            }
        }
    }

    pub(super) fn set_edge(&mut self, vcpu: u8, intid: u32) {
        let offset = offset::ICFGR + u64::from(intid / 16 * 4);
        let value = self.read(vcpu, offset) | 2 << (intid % 16 * 2);
        self.write(vcpu, offset, value);
    }

    pub(super) fn set_vmcr(&mut self, vcpu: u8, vmcr: u32) {
        self.go(vcpu);
        hardware::here(|cpu, _| cpu.state.vmcr = vmcr);
    }

    pub(super) fn send(&mut self, vcpu: u8, request: SgiRequest) {
        self.go(vcpu);
        let wake = self.vgic.send_sgi::<G>(VcpuIndex(vcpu), request);
        self.wake(wake);
    }

    pub(super) fn line(&mut self, intid: u32, asserted: bool) {
        if let Some(vcpu) = self.vgic.set_spi_level(intid, asserted) {
            self.wake(1 << vcpu.0);
        }
    }

    /// The physical timer interrupt fires on the CPU of a vCPU, and is injected.
    pub(super) fn fire(&mut self, vcpu: u8) {
        self.go(vcpu);
        hardware::here(|cpu, _| {
            assert_eq!(cpu.active >> PHYSICAL & 1, 0, "an active interrupt fired");
            cpu.active |= 1 << PHYSICAL;
        });
        let wake = self.vgic.inject_virtual_timer::<G>(VcpuIndex(vcpu), PHYSICAL);
        self.wake(wake);
        self.enter(vcpu);
    }

    pub(super) fn physical_active(&self, vcpu: u8) -> bool {
        self.go(vcpu);
        hardware::here(|cpu, _| cpu.active >> PHYSICAL & 1 != 0)
    }

    /// The guest acknowledges: the raw value, [`SPURIOUS`] for nothing.
    pub(super) fn acknowledge(&mut self, vcpu: u8) -> u32 {
        self.enter(vcpu);
        let raw = hardware::here(|cpu, count| cpu.acknowledge(count));
        self.enter(vcpu);
        raw
    }

    pub(super) fn end(&mut self, vcpu: u8, raw: u32) {
        self.enter(vcpu);
        hardware::here(|cpu, count| cpu.end(raw, count));
        self.enter(vcpu);
    }

    pub(super) fn deactivate(&mut self, vcpu: u8, raw: u32) {
        self.enter(vcpu);
        hardware::here(|cpu, count| cpu.deactivate(raw, count));
        self.enter(vcpu);
    }

    /// The guest handles one interrupt from beginning to end.
    pub(super) fn handle(&mut self, vcpu: u8) -> u32 {
        let raw = self.acknowledge(vcpu);
        if raw != SPURIOUS {
            self.end(vcpu, raw);
        }
        raw
    }

    /// The guest handles everything that is pending.
    pub(super) fn handle_all(&mut self, vcpu: u8) -> Vec<u32> {
        let all: Vec<u32> =
            core::iter::from_fn(|| Some(self.handle(vcpu)).filter(|raw| *raw != SPURIOUS)).take(500).collect();
        assert!(all.len() < 500, "interrupts do not end: {all:?}");
        all
    }

    /// What the list registers of a vCPU's CPU hold.
    pub(super) fn listed(&self, vcpu: u8) -> Vec<ListRegister> {
        self.go(vcpu);
        let registers = hardware::here(|cpu, count| cpu.listed(count));
        registers.into_iter().filter(|register| register.state != LrState::Invalid).collect()
    }
}
