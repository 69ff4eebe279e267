//! Random sequences: whatever happens, each guest is signalled what the naive model signals.
//!
//! A failing sequence is named by its seed, which the test prints.

use std::vec::Vec;

use phalanx_arch_api::VcpuIndex;

use super::hardware::{self, EOI_MODE, SPURIOUS};
use super::naive::Naive;
use super::random::Random;
use super::{Bench, HardwareV2, HardwareV3, offset};
use crate::gic::{Gic, Version};
use crate::vgic::{SgiRequest, VIRTUAL_TIMER};

/// What a sequence is made of.
#[derive(Clone, Copy, Debug)]
struct Setup {
    vcpus: u8,
    registers: usize,
    intids: &'static [u32],
    /// All candidates have room: EOImode 1 and writes of active states, whose order hardware does not tell, take part.
    roomy: bool,
}

const FEW: &[u32] = &[0, 1, 5, 20, VIRTUAL_TIMER, 30, 32, 33, 45, 63, 64, 70, 95];
const MANY: &[u32] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    15,
    16,
    20,
    VIRTUAL_TIMER,
    30,
    31,
    32,
    33,
    34,
    35,
    40,
    41,
    42,
    43,
    50,
    51,
    63,
    64,
    65,
    70,
    80,
    95,
];
const PRIORITIES: &[u8] = &[0, 0x08, 0x40, 0x80, 0xa0, 0xa0, 0xa0, 0xc0, 0xf0];
const STEPS: u32 = 150;

struct Run<G> {
    bench: Bench<G>,
    naive: Naive,
    random: Random,
    setup: Setup,
    /// What each vCPU acknowledged and has not ended; and what it has ended and not deactivated.
    running: Vec<Vec<u32>>,
    dropped: Vec<Vec<u32>>,
    /// The virtual timer's condition.
    timer: Vec<bool>,
}

impl<G: Gic> Run<G> {
    fn new(setup: Setup, seed: u64) -> Self {
        let lists = vec![Vec::new(); setup.vcpus.into()];
        let mut run = Self {
            bench: Bench::new(setup.vcpus, setup.registers),
            naive: Naive::new(G::VERSION, setup.vcpus, setup.intids),
            random: Random::new(seed),
            setup,
            running: lists.clone(),
            dropped: lists,
            timer: vec![false; setup.vcpus.into()],
        };
        for vcpu in 0..setup.vcpus {
            run.naive.interfaces[usize::from(vcpu)].split = setup.roomy && run.random.flip();
            run.write_vmcr(vcpu);
        }
        if run.random.below(4) != 0 {
            run.open();
        }
        run
    }

    /// Most interrupts are enabled and have a target: otherwise little happens.
    fn open(&mut self) {
        self.control(3);
        for intid in self.setup.intids {
            for vcpu in 0..self.setup.vcpus {
                if *intid < 32 || vcpu == 0 {
                    self.bench.set_bit(vcpu, offset::ISENABLER, *intid);
                    self.naive.get(vcpu, *intid).enabled = true;
                    let priority = self.random.pick(PRIORITIES);
                    self.priority(vcpu, *intid, priority);
                }
            }
            if *intid >= 32 {
                self.target(0, *intid);
            }
        }
    }

    fn control(&mut self, value: u32) {
        self.naive.control = value;
        let vcpu = self.running_vcpu();
        self.bench.write(vcpu, offset::CTLR, value);
    }

    /// A vCPU that is loaded.
    fn running_vcpu(&mut self) -> u8 {
        loop {
            let vcpu = self.random.below(self.setup.vcpus.into()) as u8;
            if self.bench.place[usize::from(vcpu)].is_some() {
                return vcpu;
            }
        }
    }

    fn write_vmcr(&mut self, vcpu: u8) {
        let interface = &self.naive.interfaces[usize::from(vcpu)];
        let mode = if interface.split { EOI_MODE } else { 0 };
        let vmcr = interface.mask << 24 | mode | interface.groups;
        self.bench.set_vmcr(vcpu, vmcr);
        // Which groups the guest lets through is looked at when list registers are filled.
        let wake = self.bench.vgic.on_maintenance::<G>(VcpuIndex(vcpu));
        self.bench.wake(wake);
    }

    fn is_active_anywhere(&mut self, vcpu: u8, intid: u32) -> bool {
        self.naive.get(vcpu, intid).active
    }

    fn priority(&mut self, vcpu: u8, intid: u32, priority: u8) {
        if self.setup.roomy || !self.is_active_anywhere(vcpu, intid) {
            self.bench.set_priority(vcpu, intid, priority);
            self.naive.get(vcpu, intid).priority = priority & 0xf8;
        }
    }

    fn target(&mut self, vcpu: u8, intid: u32) {
        let target = self.random.below(self.setup.vcpus.into()) as u8;
        self.bench.set_target(vcpu, intid, target);
        self.naive.get(vcpu, intid).target = target;
    }

    /// A write of one bit: to the vCPU's own registers, or to another one's redistributor.
    fn write_bit(&mut self, vcpu: u8, intid: u32) {
        let owner = if G::VERSION == Version::V3 && self.random.below(4) == 0 {
            self.random.below(self.setup.vcpus.into()) as u8
        } else {
            vcpu
        };
        let sgi_v2 = G::VERSION == Version::V2 && intid < 16;
        let active = if self.setup.roomy && !sgi_v2 { 6 } else { 4 };
        let register = [
            offset::ISENABLER,
            offset::ICENABLER,
            offset::ISPENDR,
            offset::ICPENDR,
            offset::ISACTIVER,
            offset::ICACTIVER,
        ][self.random.below(active) as usize];
        let (place, mask) = (register + u64::from(intid / 32 * 4), 1_u32 << (intid % 32));
        let gpa = if intid < 32 { Bench::<G>::private(owner, place) } else { crate::vgic::GICD_BASE + place };
        let write = phalanx_arch_api::Direction::Write(mask.into());
        self.bench.complete(vcpu, gpa, phalanx_arch_api::AccessSize::B4, write);
        let target = self.naive.get(owner, intid).target;
        let interrupt = self.naive.get(owner, intid);
        match register {
            offset::ISENABLER => interrupt.enabled = true,
            offset::ICENABLER => interrupt.enabled = sgi_v2,
            offset::ISPENDR => interrupt.latch |= !sgi_v2,
            offset::ICPENDR => interrupt.latch = false,
            offset::ISACTIVER if !interrupt.active => {
                let holder = if intid < 32 {
                    owner
                } else if target == 0xff {
                    vcpu
                } else {
                    target
                };
                (interrupt.active, interrupt.owner) = (true, holder);
            }
            offset::ICACTIVER => interrupt.active = false,
            _ => {}
        }
    }

    fn group(&mut self, vcpu: u8, intid: u32) {
        let group1 = self.random.below(4) != 0;
        let place = offset::IGROUPR + u64::from(intid / 32 * 4);
        let old = if intid < 32 { self.bench.read_private(vcpu, place) } else { self.bench.read(vcpu, place) };
        let value = old & !(1 << (intid % 32)) | u32::from(group1) << (intid % 32);
        if intid < 32 {
            self.bench.write_private(vcpu, place, value);
        } else {
            self.bench.write(vcpu, place, value);
        }
        self.naive.get(vcpu, intid).group1 = group1;
    }

    fn line(&mut self, vcpu: u8, intid: u32, asserted: bool) {
        match intid {
            0..16 => {
                let target = self.random.below(self.setup.vcpus.into()) as u8;
                self.naive.send(vcpu, target, intid);
                let targets = crate::vgic::Targets::Set(1 << target);
                self.bench.send(vcpu, SgiRequest { sgi: intid, targets });
            }
            VIRTUAL_TIMER => self.timer(vcpu, asserted),
            16..32 => {
                self.naive.set_line(vcpu, intid, asserted);
                self.bench.vgic.set_ppi_level(VcpuIndex(vcpu), intid, asserted);
                self.bench.enter(vcpu);
            }
            _ => {
                self.naive.set_line(vcpu, intid, asserted);
                self.bench.line(intid, asserted);
            }
        }
    }

    /// The timer's condition changes; it does not fall while the guest is about to be told, as it would get a late
    /// interrupt then.
    fn timer(&mut self, vcpu: u8, asserted: bool) {
        let told = self.naive.is_forwarded(vcpu, VIRTUAL_TIMER) && !self.naive.get(vcpu, VIRTUAL_TIMER).active;
        if asserted || !told {
            self.timer[usize::from(vcpu)] = asserted;
            self.naive.get(vcpu, VIRTUAL_TIMER).line = asserted;
        }
    }

    fn config(&mut self, vcpu: u8, intid: u32) {
        let place = offset::ICFGR + u64::from(intid / 16 * 4);
        let edge = self.random.flip();
        // The manuals leave open what becomes of an interrupt that is pending or active meanwhile.
        let interrupt = self.naive.get(vcpu, intid);
        if interrupt.active || interrupt.pending() || interrupt.line {
            return;
        }
        interrupt.edge = edge;
        let shift = intid % 16 * 2;
        let value = self.bench.read(vcpu, place) & !(3 << shift) | u32::from(edge) << (shift + 1);
        self.bench.write(vcpu, place, value);
    }

    fn acknowledge(&mut self, vcpu: u8) {
        let raw = self.bench.acknowledge(vcpu);
        if raw == SPURIOUS {
            assert_eq!(self.naive.signalled(vcpu), None, "vCPU {vcpu}");
            return;
        }
        self.naive.acknowledge(vcpu, raw);
        self.running[usize::from(vcpu)].push(raw);
    }

    fn end(&mut self, vcpu: u8) {
        let Some(raw) = self.running[usize::from(vcpu)].pop() else { return };
        if self.naive.interfaces[usize::from(vcpu)].split {
            self.dropped[usize::from(vcpu)].push(raw);
        }
        self.naive.end(vcpu, raw);
        self.bench.end(vcpu, raw);
    }

    fn deactivate(&mut self, vcpu: u8) {
        let dropped = &mut self.dropped[usize::from(vcpu)];
        if !dropped.is_empty() {
            let raw = dropped.swap_remove(self.random.below(dropped.len() as u64) as usize);
            self.naive.deactivate(vcpu, raw);
            self.bench.deactivate(vcpu, raw);
        }
    }

    /// Puts a vCPU, or loads it somewhere else. At least one stays.
    fn migrate(&mut self, vcpu: u8) {
        match self.bench.place[usize::from(vcpu)] {
            Some(cpu) if self.bench.place.iter().flatten().count() > 1 => {
                self.bench.put(vcpu);
                hardware::go_to(cpu);
                hardware::here(|cpu, _| assert_eq!((cpu.active, cpu.maintenance(16)), (0, false), "left behind"));
            }
            Some(_) => {}
            None => {
                let free = (0..=usize::from(self.setup.vcpus)).filter(|cpu| !self.bench.place.contains(&Some(*cpu)));
                let free: Vec<usize> = free.collect();
                let cpu = self.random.pick(&free);
                self.bench.load(vcpu, cpu);
            }
        }
    }

    fn step(&mut self) {
        let vcpu = self.running_vcpu();
        let intid = self.random.pick(self.setup.intids);
        match self.random.below(32) {
            0..7 => self.line(vcpu, intid, true),
            7..10 => self.line(vcpu, intid, false),
            10..16 => self.acknowledge(vcpu),
            16..22 => self.end(vcpu),
            22..24 => self.deactivate(vcpu),
            24..27 => self.write_bit(vcpu, intid),
            27 => {
                let priority = self.random.pick(PRIORITIES);
                self.priority(vcpu, intid, priority);
            }
            28 if intid >= 32 => self.target(vcpu, intid),
            28 => {
                let spis: Vec<u32> = self.setup.intids.iter().copied().filter(|intid| *intid >= 32).collect();
                let spi = self.random.pick(&spis);
                self.config(vcpu, spi);
            }
            29 => self.migrate((u32::from(vcpu) + intid) as u8 % self.setup.vcpus),
            30 => match self.random.below(8) {
                0 => {
                    let value = self.random.below(4) as u32;
                    self.control(value);
                }
                1..4 => self.group(vcpu, intid),
                _ => self.control(3),
            },
            _ => {
                let masks = [0xff, 0xf0, 0xa0, 0x48, 0];
                self.naive.interfaces[usize::from(vcpu)].mask = self.random.pick(&masks);
                self.naive.interfaces[usize::from(vcpu)].groups = self.random.pick(&[3, 3, 3, 2, 1]);
                self.write_vmcr(vcpu);
            }
        }
    }

    /// Physical timers fire.
    fn fire(&mut self) {
        for vcpu in 0..self.setup.vcpus {
            let loaded = self.bench.place[usize::from(vcpu)].is_some();
            if loaded && self.timer[usize::from(vcpu)] && !self.bench.physical_active(vcpu) {
                self.bench.fire(vcpu);
                assert!(self.bench.physical_active(vcpu), "nobody waits for the end of a timer interrupt");
            }
        }
    }

    /// No vCPU that was not woken misses anything; and each one is signalled what it should be.
    fn check(&mut self) {
        for vcpu in 0..self.setup.vcpus {
            if self.bench.place[usize::from(vcpu)].is_none() {
                continue;
            }
            let expected = self.naive.signalled(vcpu);
            self.bench.go(vcpu);
            let early = hardware::here(|cpu, count| cpu.signalled(count).is_some());
            assert!(early || expected.is_none(), "vCPU {vcpu} was not woken");
            self.bench.enter(vcpu);
            let listed = self.bench.listed(vcpu);
            self.bench.go(vcpu);
            let found =
                hardware::here(|cpu, count| cpu.signalled(count).map(|n| hardware::decode(cpu.registers[n]).priority));
            assert_eq!(found, expected, "vCPU {vcpu}, listed {listed:?}");
            assert_eq!(self.bench.vgic.wakes::<G>(VcpuIndex(vcpu)), expected.is_some());
        }
    }

    /// Registers of states, from any vCPU: the second read shows what vCPUs that had to look have seen.
    fn compare_reads(&mut self) {
        let vcpu = self.running_vcpu();
        for bank in 0..3 {
            for register in [offset::ISENABLER, offset::ISPENDR, offset::ISACTIVER] {
                let read = |bench: &mut Bench<G>| match bank {
                    0 => bench.read_private(vcpu, register),
                    _ => bench.read(vcpu, register + 4 * u64::from(bank)),
                };
                read(&mut self.bench);
                let found = read(&mut self.bench);
                for bit in 0..32 {
                    let interrupt = self.naive.get(vcpu, bank * 32 + bit);
                    let expected = match register {
                        offset::ISENABLER => interrupt.enabled,
                        offset::ISPENDR => interrupt.pending(),
                        _ => interrupt.active,
                    };
                    // The timer's line is looked at when its interrupt ends, and when it is let through.
                    let timer = bank * 32 + bit == VIRTUAL_TIMER && register == offset::ISPENDR;
                    if timer && (interrupt.active || !self.naive.is_forwarded(vcpu, VIRTUAL_TIMER)) {
                        continue;
                    }
                    assert_eq!(found >> bit & 1 != 0, expected, "{register:#x}, INTID {}", bank * 32 + bit);
                }
            }
        }
    }

    /// In the end everything that is let through can be handled, and then no physical interrupt stays active for nothing.
    fn drain(&mut self) {
        self.control(3);
        for vcpu in 0..self.setup.vcpus {
            if self.bench.place[usize::from(vcpu)].is_none() {
                self.migrate(vcpu);
            }
            while !self.running[usize::from(vcpu)].is_empty() {
                self.end(vcpu);
            }
            while !self.dropped[usize::from(vcpu)].is_empty() {
                self.deactivate(vcpu);
            }
            for intid in (16..96).filter(|intid| *intid != VIRTUAL_TIMER) {
                self.line(vcpu, intid, false);
            }
        }
        for vcpu in 0..self.setup.vcpus {
            self.bench.set_vmcr(vcpu, 0xff << 24 | hardware::GROUPS);
            self.bench.handle_all(vcpu);
            let busy = self.bench.bit(vcpu, offset::ISACTIVER, VIRTUAL_TIMER);
            let wanted = self.bench.bit(vcpu, offset::ISENABLER, VIRTUAL_TIMER);
            assert!(busy || !wanted || !self.bench.physical_active(vcpu), "the physical interrupt stays active");
        }
    }
}

fn run<G: Gic>(setup: Setup, seed: u64) {
    println!("{:?} {setup:?} seed {seed}", G::VERSION);
    let mut run = Run::<G>::new(setup, seed);
    for _ in 0..STEPS {
        run.step();
        run.fire();
        run.check();
        if run.random.below(16) == 0 {
            run.compare_reads();
        }
    }
    run.drain();
}

fn all<G: Gic>(setup: Setup, seeds: u64) {
    (0..seeds).for_each(|seed| run::<G>(setup, seed));
}

/// Sequences of each kind.
const SEEDS: u64 = 200;

#[test]
fn v2_with_room() {
    all::<HardwareV2>(Setup { vcpus: 1, registers: 16, intids: FEW, roomy: true }, SEEDS);
    all::<HardwareV2>(Setup { vcpus: 4, registers: 16, intids: FEW, roomy: true }, SEEDS);
    all::<HardwareV2>(Setup { vcpus: 8, registers: 16, intids: FEW, roomy: true }, SEEDS / 2);
}

#[test]
fn v3_with_room() {
    all::<HardwareV3>(Setup { vcpus: 1, registers: 16, intids: FEW, roomy: true }, SEEDS);
    all::<HardwareV3>(Setup { vcpus: 3, registers: 16, intids: FEW, roomy: true }, SEEDS);
    all::<HardwareV3>(Setup { vcpus: 8, registers: 16, intids: FEW, roomy: true }, SEEDS / 2);
}

#[test]
fn v2_overflow() {
    for registers in [1, 2, 4, 16] {
        all::<HardwareV2>(Setup { vcpus: 1, registers, intids: MANY, roomy: false }, SEEDS / 2);
        all::<HardwareV2>(Setup { vcpus: 4, registers, intids: MANY, roomy: false }, SEEDS / 4);
    }
}

#[test]
fn v3_overflow() {
    for registers in [1, 2, 4, 16] {
        all::<HardwareV3>(Setup { vcpus: 2, registers, intids: MANY, roomy: false }, SEEDS / 2);
        all::<HardwareV3>(Setup { vcpus: 8, registers, intids: MANY, roomy: false }, SEEDS / 4);
    }
}
