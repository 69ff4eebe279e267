//! Lines: level-sensitive and edge-triggered interrupts.

use phalanx_arch_api::VcpuIndex;

use super::hardware::SPURIOUS;
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::Gic;

const SPI: u32 = 33;

on_both!(a_level_comes_again_until_it_falls, 1, 4, level);
fn level<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    assert_eq!((bench.handle(0), bench.handle(0), bench.handle(0)), (SPI, SPI, SPI));
    let raw = bench.acknowledge(0);
    assert!(bench.bit(0, offset::ISPENDR, SPI) && bench.bit(0, offset::ISACTIVER, SPI));
    bench.line(SPI, false);
    assert!(!bench.bit(0, offset::ISPENDR, SPI) && bench.bit(0, offset::ISACTIVER, SPI));
    bench.end(0, raw);
    assert_eq!(bench.handle(0), SPURIOUS);
}

on_both!(a_level_that_falls_is_taken_back, 1, 4, falls);
fn falls<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    bench.line(SPI, false);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    assert!(bench.listed(0).is_empty());
}

on_both!(an_edge_comes_once_and_stays, 1, 4, edge);
fn edge<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_edge(0, SPI);
    bench.line(SPI, true);
    bench.line(SPI, true);
    bench.line(SPI, false);
    let raw = bench.acknowledge(0);
    assert_eq!(raw, SPI);
    bench.line(SPI, true);
    bench.line(SPI, false);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    bench.end(0, raw);
    assert_eq!((bench.handle(0), bench.handle(0)), (SPI, SPURIOUS));
}

on_both!(pending_by_a_write, 1, 4, by_write);
fn by_write<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for edge in [false, true] {
        bench.set_bit(0, offset::ISPENDR, SPI);
        assert_eq!((bench.handle(0), bench.handle(0)), (SPI, SPURIOUS), "edge {edge}");
        bench.set_bit(0, offset::ISPENDR, SPI);
        bench.set_bit(0, offset::ICPENDR, SPI);
        assert_eq!(bench.handle(0), SPURIOUS);
        bench.set_edge(0, SPI);
    }
    // A level cannot be cleared while its line is asserted.
    bench.line(40, true);
    bench.set_bit(0, offset::ICPENDR, 40);
    assert_eq!(bench.handle(0), 40);
    bench.line(40, false);
    assert_eq!(bench.handle(0), SPURIOUS);
}

on_both!(disabled_interrupts_wait, 1, 4, disabled);
fn disabled<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(SPI, true);
    bench.set_bit(0, offset::ICENABLER, SPI);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    assert!(bench.bit(0, offset::ISPENDR, SPI));
    bench.set_bit(0, offset::ISENABLER, SPI);
    let raw = bench.acknowledge(0);
    assert_eq!(raw, SPI);
    bench.set_bit(0, offset::ICENABLER, SPI);
    assert!(bench.bit(0, offset::ISACTIVER, SPI));
    bench.end(0, raw);
    assert!(!bench.bit(0, offset::ISACTIVER, SPI));
    assert_eq!(bench.acknowledge(0), SPURIOUS);
}

on_both!(active_by_a_write_blocks, 1, 4, active);
fn active<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_bit(0, offset::ISACTIVER, SPI);
    bench.line(SPI, true);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    bench.set_bit(0, offset::ICACTIVER, SPI);
    assert_eq!(bench.acknowledge(0), SPI);
    bench.set_bit(0, offset::ICACTIVER, SPI);
    assert!(!bench.bit(0, offset::ISACTIVER, SPI));
    bench.set_bit(0, offset::ISACTIVER, 50);
    bench.deactivate(0, 50);
    assert!(!bench.bit(0, offset::ISACTIVER, 50), "the guest may deactivate it, too");
}

on_both!(groups_are_let_through_one_by_one, 1, 4, groups);
fn groups<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.write(0, offset::IGROUPR + 4, !(1 << (SPI - 32)));
    bench.write(0, offset::CTLR, 2);
    bench.line(SPI, true);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    bench.write(0, offset::CTLR, 1);
    assert!(!bench.listed(0)[0].group1);
    assert_eq!(bench.acknowledge(0), SPI);
}

on_both!(a_private_level, 2, 4, private);
fn private<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    let set = |bench: &mut Bench<G>, asserted| {
        bench.vgic.set_ppi_level(VcpuIndex(1), 30, asserted);
        bench.enter(1);
    };
    set(bench, true);
    assert!(!bench.vgic.needs_sync(VcpuIndex(1)));
    bench.vgic.set_ppi_level(VcpuIndex(1), 30, true);
    assert!(!bench.vgic.needs_sync(VcpuIndex(1)), "nothing changed");
    assert_eq!((bench.handle(1), bench.handle(1), bench.handle(0)), (30, 30, SPURIOUS));
    set(bench, false);
    assert_eq!(bench.handle(1), SPURIOUS);
    for intid in [0, 15, 32, 95, 1000, u32::MAX] {
        bench.vgic.set_ppi_level(VcpuIndex(1), intid, true);
    }
    bench.vgic.set_ppi_level(VcpuIndex(9), 30, true);
    assert!(!bench.vgic.needs_sync(VcpuIndex(1)));
}

on_both!(only_spis_have_lines, 2, 4, only_spis);
fn only_spis<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for intid in [0, 15, 27, 31, 96, 1019, 1023, u32::MAX] {
        assert_eq!(bench.vgic.set_spi_level(intid, true), None, "{intid}");
    }
    assert_eq!(bench.vgic.set_spi_level(95, true), Some(VcpuIndex(0)));
}
