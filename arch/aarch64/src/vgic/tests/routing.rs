//! SPIs that go to one vCPU and then to another.

use phalanx_arch_api::{AccessSize, Direction, VcpuIndex};

use super::hardware::SPURIOUS;
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::{Gic, Version};
use crate::vgic::GICD_BASE;

const SPI: u32 = 40;

on_both!(an_spi_goes_where_it_is_routed, 8, 4, routed);
fn routed<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    for target in [3, 0, 7, 5] {
        bench.set_target(2, SPI, target);
        for vcpu in 0..8 {
            assert_eq!(bench.handle(vcpu), if vcpu == target { SPI } else { SPURIOUS }, "vCPU {vcpu}, to {target}");
        }
        assert_eq!(bench.vgic.set_spi_level(SPI, false), None);
        bench.enter(target);
        assert_eq!(bench.vgic.set_spi_level(SPI, true), Some(VcpuIndex(target)));
        bench.enter(target);
    }
}

on_both!(an_active_spi_stays_where_it_is, 3, 4, active);
fn active<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    assert_eq!(bench.acknowledge(0), SPI);
    bench.set_target(1, SPI, 2);
    assert_eq!((bench.acknowledge(1), bench.acknowledge(2)), (SPURIOUS, SPURIOUS));
    assert!(bench.bit(2, offset::ISACTIVER, SPI));
    bench.end(0, SPI);
    assert_eq!((bench.acknowledge(0), bench.acknowledge(2)), (SPURIOUS, SPI));
}

on_both!(an_edge_during_that_goes_to_the_new_target, 3, 4, edge);
fn edge<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_edge(0, SPI);
    bench.set_bit(0, offset::ISPENDR, SPI);
    assert_eq!(bench.acknowledge(0), SPI);
    bench.set_target(0, SPI, 1);
    bench.line(SPI, true);
    assert_eq!(bench.acknowledge(1), SPURIOUS);
    bench.end(0, SPI);
    assert_eq!((bench.handle(0), bench.handle(1)), (SPURIOUS, SPI));
}

on_both!(nobody_is_a_target_too, 2, 4, nobody);
fn nobody<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_target(0, SPI, 6);
    bench.line(SPI, true);
    assert_eq!((bench.handle(0), bench.handle(1)), (SPURIOUS, SPURIOUS));
    bench.set_target(0, SPI, 1);
    assert_eq!((bench.handle(0), bench.handle(1)), (SPURIOUS, SPI));
}

on_both!(changes_by_others_reach_the_holder, 2, 4, others);
fn others<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    bench.set_bit(1, offset::ICENABLER, SPI);
    assert!(bench.listed(0).is_empty());
    bench.set_bit(1, offset::ISENABLER, SPI);
    bench.set_priority(1, SPI, 0x30);
    assert_eq!(bench.listed(0)[0].priority, 0x30);
    assert_eq!(bench.acknowledge(0), SPI);
    // The first read makes the holder look.
    let _ = bench.bit(1, offset::ISACTIVER, SPI);
    assert!(bench.bit(1, offset::ISACTIVER, SPI));
    bench.line(SPI, false);
    bench.set_bit(1, offset::ICACTIVER, SPI);
    assert!(!bench.bit(1, offset::ISACTIVER, SPI) && bench.listed(0).is_empty());
    bench.set_edge(1, SPI);
    bench.set_bit(1, offset::ISPENDR, SPI);
    assert_eq!(bench.listed(0).len(), 1);
    bench.set_bit(1, offset::ICPENDR, SPI);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
}

on_both!(a_vcpu_that_is_put_passes_on_when_it_is_back, 3, 4, put);
fn put<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    // The holder is told, but put before it looks.
    bench.go(1);
    let (register, size, value) = match G::VERSION {
        Version::V2 => (offset::ITARGETSR + 40, AccessSize::B1, 1 << 2),
        Version::V3 => (offset::IROUTER + 8 * 40, AccessSize::B8, 2),
    };
    let answer = bench.access(1, GICD_BASE + register, size, Direction::Write(value));
    assert_eq!(answer.map(|answer| answer.wake & 1), Some(1));
    bench.put(0);
    bench.load(0, 3);
    assert_eq!((bench.acknowledge(0), bench.acknowledge(2)), (SPURIOUS, SPI));
}
