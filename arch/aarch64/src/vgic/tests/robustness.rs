//! Whatever the guest does: no panic, no endless loop, nothing UNPREDICTABLE in a list register.

use phalanx_arch_api::{AccessSize, Direction, VcpuIndex};

use super::random::Random;
use super::{Bench, HardwareV2, HardwareV3, on_both};
use crate::gic::{Gic, Version};
use crate::vgic::{GICD_BASE, GICD_BYTES, GICR_BASE, GICR_FRAME_BYTES, SgiRequest};

const SIZES: [AccessSize; 4] = [AccessSize::B1, AccessSize::B2, AccessSize::B4, AccessSize::B8];

on_both!(every_offset_in_every_width, 2, 4, every_offset);
fn every_offset<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    let redistributors = if G::VERSION == Version::V3 { 2 } else { 0 };
    let frames = [(GICD_BASE, GICD_BYTES), (GICR_BASE, GICR_FRAME_BYTES * redistributors)];
    for (base, bytes) in frames {
        // All where registers are, and some of the rest.
        let dense = |offset: &u64| matches!(offset % 0x1_0000, 0..0x1040 | 0x5ff0..0x6340 | 0xff80..);
        for gpa in (0..bytes).filter(|offset| dense(offset) || offset % 61 == 0).map(|offset| base + offset) {
            for size in SIZES {
                for direction in [Direction::Write(u64::MAX), Direction::Read, Direction::Write(0)] {
                    let value = bench.complete(1, gpa, size, direction);
                    assert_eq!(value & !size.all_ones(), 0, "{gpa:#x} {size:?}");
                    assert!(value == 0 || gpa.is_multiple_of(size.bytes().into()), "{gpa:#x} {size:?}");
                }
            }
        }
    }
}

on_both!(other_addresses_are_somebody_elses, 2, 4, others);
fn others<G: Gic>(bench: &mut Bench<G>) {
    let end = GICR_BASE + 2 * GICR_FRAME_BYTES;
    for gpa in [0, GICD_BASE - 1, GICD_BASE + GICD_BYTES, GICR_BASE - 8, end, 0x0900_0000, 0xffff_ffff_ffff] {
        for size in SIZES {
            assert_eq!(bench.access(0, gpa, size, Direction::Read), None, "{gpa:#x}");
            assert_eq!(bench.access(0, gpa, size, Direction::Write(1)), None);
        }
    }
    let redistributor = bench.access(0, GICR_BASE, AccessSize::B4, Direction::Read);
    assert_eq!(redistributor.is_some(), G::VERSION == Version::V3);
}

/// Accesses and guest operations without any model: what comes out is not looked at, only that list registers are valid
/// and that maintenance comes to an end ([`Bench::enter`]).
fn noise<G: Gic>(vcpus: u8, registers: usize, seed: u64) {
    println!("{:?}, {vcpus} vCPUs, {registers} list registers, seed {seed}", G::VERSION);
    let mut random = Random::new(seed);
    let mut bench = Bench::<G>::new(vcpus, registers);
    if random.flip() {
        bench.open();
    }
    for _ in 0..400 {
        let vcpu = random.below(vcpus.into()) as u8;
        match random.below(8) {
            0..4 => {
                let base = match (G::VERSION, random.below(3)) {
                    (Version::V3, 0) => GICR_BASE + random.below(vcpus.into()) * GICR_FRAME_BYTES,
                    (Version::V3, 1) => GICR_BASE + random.below(vcpus.into()) * GICR_FRAME_BYTES + 0x1_0000,
                    _ => GICD_BASE,
                };
                let near = random.pick(&[0x10, 0x400, 0x500, 0xd00, 0x1000, 0x1_0000]);
                let size = random.pick(&SIZES);
                let gpa = base + random.below(near) / u64::from(size.bytes()) * u64::from(size.bytes());
                let value = random.next() & random.next();
                let direction = if random.below(3) == 0 { Direction::Read } else { Direction::Write(value) };
                bench.complete(vcpu, gpa, size, direction);
            }
            4 => {
                let value = random.next();
                let system = SgiRequest::from_system_register(value & 0xff_ffff_ffff_ffff);
                bench.send(vcpu, if random.flip() { system } else { SgiRequest::from_sgir(value as u32) });
            }
            5 => {
                let (intid, asserted) = (random.below(100) as u32, random.flip());
                bench.line(intid, asserted);
                bench.vgic.set_ppi_level(VcpuIndex(vcpu), intid, asserted);
                if !bench.physical_active(vcpu) {
                    bench.fire(vcpu);
                }
            }
            6 => {
                let vmcr = random.next() as u32 | 0x80 << 24;
                bench.set_vmcr(vcpu, vmcr);
                let _ = bench.acknowledge(vcpu);
            }
            _ => {
                let raw = random.below(1 << 13) as u32;
                bench.end(vcpu, raw);
                bench.deactivate(vcpu, raw & 0x1c3f);
            }
        }
        bench.enter(vcpu);
    }
}

#[test]
fn noise_v2() {
    for seed in 0..150 {
        noise::<HardwareV2>(seed as u8 % 8 + 1, [1, 2, 4, 16][seed as usize % 4], seed);
    }
}

#[test]
fn noise_v3() {
    for seed in 0..150 {
        noise::<HardwareV3>(seed as u8 % 8 + 1, [1, 2, 4, 16][seed as usize % 4], seed);
    }
}
