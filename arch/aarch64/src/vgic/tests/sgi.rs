//! Software-generated interrupts: who gets them, and from whom.

use phalanx_arch_api::{AccessSize, Direction, VcpuIndex};

use super::hardware::{self, SPURIOUS};
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::Gic;
use crate::vgic::Targets;
use crate::vgic::{GICD_BASE, SgiRequest};

#[test]
fn sgi1r_is_decoded() {
    let decode = SgiRequest::from_system_register;
    assert_eq!(decode(0x0500_8001), SgiRequest { sgi: 5, targets: Targets::Set(0x8001) });
    assert_eq!(decode(3 << 16 | 0x8000), SgiRequest { sgi: 0, targets: Targets::Set(1 << 63) });
    assert_eq!(decode(1 << 40 | 0x0f00_ffff), SgiRequest { sgi: 15, targets: Targets::Others });
    for elsewhere in [1 << 48, 1 << 55, 1 << 44, 1 << 32, 4 << 16, 0x80 << 16] {
        assert_eq!(decode(elsewhere | 1), SgiRequest { sgi: 0, targets: Targets::Set(0) }, "{elsewhere:#x}");
    }
}

#[test]
fn sgir_is_decoded() {
    let decode = SgiRequest::from_sgir;
    assert_eq!(decode(0x0081_0003), SgiRequest { sgi: 3, targets: Targets::Set(0x81) });
    assert_eq!(decode(0x01ff_800f), SgiRequest { sgi: 15, targets: Targets::Others });
    assert_eq!(decode(0x02ff_0000), SgiRequest { sgi: 0, targets: Targets::Sender });
    assert_eq!(decode(0x03ff_0001), SgiRequest { sgi: 1, targets: Targets::Set(0) });
}

on_both!(an_sgi_goes_to_those_that_are_named, 4, 4, named);
fn named<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    let mut send = |from: u8, targets| {
        bench.send(from, SgiRequest { sgi: 2, targets });
        [0, 1, 2, 3].map(|vcpu| bench.handle_all(vcpu).len())
    };
    assert_eq!(send(1, Targets::Set(0b1101)), [1, 0, 1, 1]);
    assert_eq!(send(1, Targets::Others), [1, 0, 1, 1]);
    assert_eq!(send(1, Targets::Sender), [0, 1, 0, 0]);
    assert_eq!(send(2, Targets::Set(u64::MAX)), [1, 1, 1, 1]);
    assert_eq!(send(0, Targets::Set(0xffff_fff0)), [0; 4]);
}

on_both!(an_sgi_to_oneself_costs_one_list_register, 2, 4, itself);
fn itself<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.go(1);
    let before = hardware::here(|cpu, _| cpu.writes);
    let own = SgiRequest { sgi: 6, targets: Targets::Sender };
    assert_eq!(bench.vgic.send_sgi::<G>(VcpuIndex(1), own), 0);
    assert_eq!(hardware::here(|cpu, _| cpu.writes), before + 1);
    assert_eq!(bench.listed(1)[0].priority, 0xa0);
    assert_eq!(bench.handle_all(1).iter().map(|raw| raw & 0x3ff).collect::<std::vec::Vec<_>>(), [6]);
    // Twice before it is taken is once; once while it is active is once more.
    bench.send(1, own);
    bench.send(1, own);
    let raw = bench.acknowledge(1);
    bench.send(1, own);
    assert_eq!(bench.acknowledge(1), SPURIOUS);
    bench.end(1, raw);
    assert_eq!(bench.handle_all(1).len(), 1);
}

on_both!(an_sgi_from_another_vcpu_takes_the_direct_way_too, 2, 4, another);
fn another<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.go(0);
    let before = hardware::here(|cpu, _| cpu.writes);
    bench.send(1, SgiRequest { sgi: 3, targets: Targets::Others });
    bench.go(0);
    assert_eq!(hardware::here(|cpu, _| cpu.writes), before + 1);
    assert_eq!(bench.handle(0) & 0x3ff, 3);
}

on_both!(a_disabled_sgi_waits, 1, 4, disabled);
fn disabled<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.write(0, offset::CTLR, 0);
    bench.send(0, SgiRequest { sgi: 1, targets: Targets::Sender });
    assert!(bench.bit(0, offset::ISPENDR, 1));
    assert_eq!(bench.handle(0), SPURIOUS);
    bench.write(0, offset::CTLR, 2);
    assert_eq!(bench.handle(0), 1);
    assert!(!bench.bit(0, offset::ISPENDR, 1));
}

#[test]
fn v2_sgis_come_once_for_each_source() {
    let mut bench = Bench::<HardwareV2>::new(4, 4);
    bench.open();
    for from in [3, 0, 2, 0] {
        bench.write(from, offset::SGIR, 0x0002_0004);
    }
    assert_eq!(bench.read(1, offset::SPENDSGIR + 4) & 0xff, 0b1101);
    let mut sources: std::vec::Vec<u32> = bench.handle_all(1);
    sources.sort_unstable();
    assert_eq!(sources, [4, 2 << 10 | 4, 3 << 10 | 4]);
    assert_eq!(bench.read(1, offset::CPENDSGIR + 4), 0);
}

#[test]
fn v2_another_source_waits_while_one_is_active() {
    let mut bench = Bench::<HardwareV2>::new(3, 4);
    bench.open();
    bench.write(1, offset::SGIR, 0x0001_0004);
    let first = bench.acknowledge(0);
    assert_eq!(first, 1 << 10 | 4);
    bench.write(2, offset::SGIR, 0x0001_0004);
    assert!(bench.bit(0, offset::ISPENDR, 4) && bench.bit(0, offset::ISACTIVER, 4));
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    bench.end(0, first);
    assert_eq!(bench.handle(0), 2 << 10 | 4);
}

#[test]
fn v2_pending_sgis_are_set_and_cleared_by_source() {
    let mut bench = Bench::<HardwareV2>::new(4, 4);
    bench.open();
    bench.write(2, offset::SPENDSGIR + 8, 0x0a00_0003);
    assert_eq!(bench.read(2, offset::CPENDSGIR + 8), 0x0a00_0003);
    assert_eq!(bench.read(2, offset::ISPENDR) & 0xffff, 1 << 8 | 1 << 11);
    let byte = GICD_BASE + offset::CPENDSGIR + 11;
    bench.complete(2, byte, AccessSize::B1, Direction::Write(2));
    assert_eq!(bench.complete(2, byte, AccessSize::B1, Direction::Read), 8);
    bench.write(2, offset::CPENDSGIR + 8, 1);
    let mut raws = bench.handle_all(2);
    raws.sort_unstable();
    assert_eq!(raws, [1 << 10 | 8, 3 << 10 | 11]);
    // The other registers do not reach them.
    bench.write(2, offset::ISPENDR, 0xffff);
    assert_eq!(bench.read(2, offset::ISPENDR) & 0xffff, 0);
}

#[test]
fn v3_sgis_have_no_source() {
    let mut bench = Bench::<HardwareV3>::new(4, 4);
    bench.open();
    for from in 1..4 {
        bench.send(from, SgiRequest::from_system_register(0x0400_0001));
    }
    assert_eq!(bench.handle_all(0), [4]);
    bench.write_private(0, offset::ISPENDR, 1 << 9);
    assert_eq!(bench.handle_all(0), [9]);
    bench.write_private(0, offset::ISPENDR, 1 << 9);
    bench.write_private(0, offset::ICPENDR, 1 << 9);
    assert_eq!(bench.handle_all(0), []);
}

#[test]
fn v3_affinity_one_counts_sixteens() {
    let mut bench = Bench::<HardwareV3>::new(20, 4);
    bench.open();
    bench.send(0, SgiRequest::from_system_register(1 << 16 | 1 << 24 | 0b1010));
    let got: std::vec::Vec<usize> = (0..20).map(|vcpu| bench.handle_all(vcpu).len()).collect();
    assert_eq!((got[17], got[19], got.iter().sum::<usize>()), (1, 1, 2));
}
