//! Registers: what they hold, in which widths, and what they start with.

use phalanx_arch_api::{AccessSize, Direction};

use super::bench::SGI_FRAME;
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::{Gic, Version};
use crate::vgic::GICD_BASE;

on_both!(control_keeps_group_enables, 1, 4, control);
fn control<G: Gic>(bench: &mut Bench<G>) {
    let fixed = if G::VERSION == Version::V3 { 0x50 } else { 0 };
    assert_eq!(bench.read(0, offset::CTLR), fixed);
    bench.write(0, offset::CTLR, u32::MAX);
    assert_eq!(bench.read(0, offset::CTLR), fixed | 3);
    bench.write(0, offset::CTLR, 2);
    assert_eq!(bench.read(0, offset::CTLR), fixed | 2);
}

#[test]
fn type_registers_v2() {
    let mut bench = Bench::<HardwareV2>::new(5, 4);
    assert_eq!(bench.read(0, offset::TYPER), 4 << 5 | 2);
    bench.write(0, offset::TYPER, 0);
    assert_eq!(bench.read(0, offset::TYPER), 4 << 5 | 2);
    assert_eq!(bench.read(0, offset::IIDR) & 0xfff, 0x43b);
    assert_eq!(bench.read(0, 0xfe8) >> 4 & 0xf, 2);
    assert_eq!([0xff0, 0xff4, 0xff8, 0xffc].map(|offset| bench.read(0, offset)), [0x0d, 0xf0, 0x05, 0xb1]);
}

#[test]
fn type_registers_v3() {
    let mut bench = Bench::<HardwareV3>::new(18, 4);
    let typer = bench.read(0, offset::TYPER);
    assert_eq!((typer & 0x1f, typer >> 19 & 0x1f, typer >> 25 & 1), (2, 9, 1));
    assert_eq!(typer >> 16 & 3, 0, "no LPIs, no message-based SPIs");
    assert_eq!(bench.read(0, 0xffe8) >> 4 & 0xf, 3);
    assert_eq!([0xfff0, 0xfff4, 0xfff8, 0xfffc].map(|offset| bench.read(0, offset)), [0x0d, 0xf0, 0x05, 0xb1]);
    for vcpu in 0..18_u64 {
        let gpa = Bench::<HardwareV3>::redistributor(vcpu as u8);
        let typer = bench.complete(3, gpa + 8, AccessSize::B8, Direction::Read);
        let affinity = (vcpu % 16) | ((vcpu / 16) << 8);
        assert_eq!(typer, affinity << 32 | vcpu << 8 | u64::from(vcpu == 17) << 4);
        assert_eq!(bench.complete(3, gpa + 8, AccessSize::B4, Direction::Read), typer & 0xffff_ffff);
        assert_eq!(bench.complete(3, gpa + 12, AccessSize::B4, Direction::Read), typer >> 32);
        assert_eq!(bench.complete(3, gpa + 0xffe8, AccessSize::B4, Direction::Read) >> 4 & 0xf, 3);
    }
    let behind = Bench::<HardwareV3>::redistributor(18);
    assert_eq!(bench.access(0, behind, AccessSize::B4, Direction::Read), None);
}

#[test]
fn a_redistributor_wakes_at_once() {
    let mut bench = Bench::<HardwareV3>::new(2, 4);
    let waker = Bench::<HardwareV3>::redistributor(1) + 0x14;
    assert_eq!(bench.complete(0, waker, AccessSize::B4, Direction::Read), 6);
    bench.complete(0, waker, AccessSize::B4, Direction::Write(4));
    assert_eq!(bench.complete(0, waker, AccessSize::B4, Direction::Read), 0);
    bench.complete(0, waker, AccessSize::B4, Direction::Write(2));
    assert_eq!(bench.complete(0, waker, AccessSize::B4, Direction::Read), 6);
}

on_both!(bit_registers_set_and_clear, 2, 4, bits);
fn bits<G: Gic>(bench: &mut Bench<G>) {
    let pairs = [
        (offset::ISENABLER, offset::ICENABLER),
        (offset::ISPENDR, offset::ICPENDR),
        (offset::ISACTIVER, offset::ICACTIVER),
    ];
    for (set, clear) in pairs {
        for (bank, exists) in [(4, true), (8, true), (12, false)] {
            bench.write(0, set + bank, 0xf0f0_1234);
            let value = bench.read(1, set + bank);
            assert_eq!(value, if exists { 0xf0f0_1234 } else { 0 }, "{set:#x} + {bank}");
            assert_eq!(bench.read(0, clear + bank), value);
            bench.write(1, clear + bank, 0xf000_0034);
            assert_eq!(bench.read(1, set + bank), if exists { 0x00f0_1200 } else { 0 });
            bench.write(1, clear + bank, u32::MAX);
            assert_eq!(bench.read(0, set + bank), 0);
        }
        bench.write_private(1, set, 0x0a0f_0000);
        assert_eq!(bench.read_private(1, set) & 0xffff_0000, 0x0a0f_0000);
        assert_eq!(bench.read_private(0, set) & 0xffff_0000, 0);
        bench.write_private(1, clear, 0x0a0e_0000);
        assert_eq!(bench.read_private(1, clear) & 0xffff_0000, 0x0001_0000);
        bench.write_private(1, clear, u32::MAX);
    }
}

on_both!(groups_are_stored, 2, 4, groups);
fn groups<G: Gic>(bench: &mut Bench<G>) {
    let reset = if G::VERSION == Version::V3 { u32::MAX } else { 0 };
    assert_eq!(bench.read_private(1, offset::IGROUPR), reset);
    for bank in 1..3 {
        assert_eq!(bench.read(0, offset::IGROUPR + 4 * bank), reset);
        bench.write(0, offset::IGROUPR + 4 * bank, 0x1234_5678);
        assert_eq!(bench.read(1, offset::IGROUPR + 4 * bank), 0x1234_5678);
    }
    bench.write_private(1, offset::IGROUPR, 0xdead_beef);
    assert_eq!((bench.read_private(0, offset::IGROUPR), bench.read_private(1, offset::IGROUPR)), (reset, 0xdead_beef));
    assert_eq!(bench.read(0, offset::IGROUPR + 12), 0);
}

on_both!(sgi_enables_are_fixed_in_v2, 1, 4, sgi_enables);
fn sgi_enables<G: Gic>(bench: &mut Bench<G>) {
    let fixed = if G::VERSION == Version::V2 { 0xffff } else { 0 };
    assert_eq!(bench.read_private(0, offset::ISENABLER), fixed);
    bench.write_private(0, offset::ISENABLER, 0xffff_ffff);
    bench.write_private(0, offset::ICENABLER, 0xffff_ffff);
    assert_eq!(bench.read_private(0, offset::ISENABLER), fixed);
}

on_both!(priorities_have_five_bits, 2, 4, priorities);
fn priorities<G: Gic>(bench: &mut Bench<G>) {
    bench.write(0, offset::IPRIORITYR + 64, 0xff0f_08a7);
    assert_eq!(bench.read(1, offset::IPRIORITYR + 64), 0xf808_08a0);
    bench.set_priority(0, 65, 0x53);
    assert_eq!(bench.read(0, offset::IPRIORITYR + 64), 0xf808_50a0);
    let byte = bench.complete(0, GICD_BASE + offset::IPRIORITYR + 67, AccessSize::B1, Direction::Read);
    assert_eq!(byte, 0xf8);
    bench.set_priority(1, 30, 0xc8);
    bench.write_private(1, offset::IPRIORITYR, 0x1020_3040);
    let private =
        [0, 28].map(|n| (bench.read_private(0, offset::IPRIORITYR + n), bench.read_private(1, offset::IPRIORITYR + n)));
    assert_eq!(private, [(0, 0x1020_3040), (0, 0x00c8_0000)]);
    bench.write(0, offset::IPRIORITYR + 96, u32::MAX);
    assert_eq!(bench.read(0, offset::IPRIORITYR + 96), 0, "there is no INTID 96");
}

on_both!(only_spis_are_configured, 1, 4, configuration);
fn configuration<G: Gic>(bench: &mut Bench<G>) {
    for n in 0..2 {
        bench.write_private(0, offset::ICFGR + 4 * n, 0x5555_5555);
    }
    assert_eq!(bench.read_private(0, offset::ICFGR), 0xaaaa_aaaa);
    bench.write_private(0, offset::ICFGR + 4, u32::MAX);
    assert_eq!(bench.read_private(0, offset::ICFGR + 4), 0);
    for n in 2..6 {
        bench.write(0, offset::ICFGR + 4 * n, 0xc300_00ff);
        assert_eq!(bench.read(0, offset::ICFGR + 4 * n), 0x8200_00aa);
        bench.write(0, offset::ICFGR + 4 * n, 0);
        assert_eq!(bench.read(0, offset::ICFGR + 4 * n), 0);
    }
    bench.write(0, offset::ICFGR + 24, u32::MAX);
    assert_eq!(bench.read(0, offset::ICFGR + 24), 0);
}

#[test]
fn targets_v2() {
    let mut bench = Bench::<HardwareV2>::new(3, 4);
    for vcpu in 0..3 {
        assert_eq!(bench.read(vcpu, offset::ITARGETSR + 4), 0x0101_0101 << vcpu);
        bench.write(vcpu, offset::ITARGETSR + 4, 0);
        let byte = bench.complete(vcpu, GICD_BASE + offset::ITARGETSR + 31, AccessSize::B1, Direction::Read);
        assert_eq!(byte, 1 << vcpu);
    }
    assert_eq!(bench.read(0, offset::ITARGETSR + 32), 0);
    bench.write(0, offset::ITARGETSR + 32, 0xff02_0401);
    assert_eq!(bench.read(1, offset::ITARGETSR + 32), 0x0702_0401, "vCPUs that do not exist are no targets");
    assert_eq!(bench.read(0, offset::IROUTER + 8 * 32), 0);
    let mut single = Bench::<HardwareV2>::new(1, 4);
    single.write(0, offset::ITARGETSR + 32, u32::MAX);
    assert_eq!((single.read(0, offset::ITARGETSR), single.read(0, offset::ITARGETSR + 32)), (0, 0));
}

#[test]
fn routes_v3() {
    let mut bench = Bench::<HardwareV3>::new(18, 4);
    let gpa = GICD_BASE + offset::IROUTER + 8 * 40;
    bench.complete(0, gpa, AccessSize::B8, Direction::Write(0x1234_56ff_8076_5432));
    assert_eq!(bench.complete(0, gpa, AccessSize::B8, Direction::Read), 0x0000_00ff_0076_5432);
    bench.complete(0, gpa, AccessSize::B4, Direction::Write(0x8000_0101));
    assert_eq!(bench.complete(0, gpa, AccessSize::B4, Direction::Read), 0x101);
    assert_eq!(bench.complete(0, gpa + 4, AccessSize::B4, Direction::Read), 0xff);
    bench.complete(0, gpa + 4, AccessSize::B4, Direction::Write(0));
    assert_eq!(bench.complete(0, gpa, AccessSize::B8, Direction::Read), 0x101);
    for intid in [0, 31, 96, 1019] {
        let gpa = GICD_BASE + offset::IROUTER + 8 * intid;
        bench.complete(0, gpa, AccessSize::B8, Direction::Write(1));
        assert_eq!(bench.complete(0, gpa, AccessSize::B8, Direction::Read), 0, "{intid}");
    }
}

#[test]
fn with_affinity_routing_private_registers_of_the_distributor_are_reserved() {
    let mut bench = Bench::<HardwareV3>::new(2, 4);
    let reserved = [0x80, 0x100, 0x180, 0x200, 0x300, 0x400, 0x41c, 0x800, 0x820, 0xc00, 0xc04, 0xf00, 0xf10, 0xf20];
    for offset in reserved {
        bench.write(0, offset, u32::MAX);
        assert_eq!(bench.read(0, offset), 0, "{offset:#x}");
    }
    assert_eq!(bench.read_private(0, offset::ISENABLER), 0);
    assert!(bench.listed(0).is_empty());
}

on_both!(only_the_widths_of_the_manual, 2, 4, widths);
fn widths<G: Gic>(bench: &mut Bench<G>) {
    let ones = Direction::Write(u64::MAX);
    for offset in [offset::ISENABLER + 4, offset::IGROUPR + 4, offset::ICFGR + 8, offset::CTLR] {
        let before = bench.read(0, offset);
        for size in [AccessSize::B1, AccessSize::B2, AccessSize::B8] {
            let gpa = (GICD_BASE + offset) & !u64::from(size.bytes() - 1);
            bench.complete(0, gpa, size, ones);
            assert_eq!(bench.complete(0, gpa, size, Direction::Read), 0, "{offset:#x} {size:?}");
        }
        assert_eq!(bench.complete(0, GICD_BASE + offset + 2, AccessSize::B4, Direction::Read), 0);
        bench.complete(0, GICD_BASE + offset + 1, AccessSize::B4, ones);
        assert_eq!(bench.read(0, offset), before, "{offset:#x}");
    }
    let priorities = GICD_BASE + offset::IPRIORITYR + 40;
    bench.complete(0, priorities, AccessSize::B2, ones);
    bench.complete(0, priorities, AccessSize::B8, ones);
    assert_eq!(bench.complete(0, priorities, AccessSize::B4, Direction::Read), 0);
}

on_both!(a_reset_forgets_everything, 2, 4, reset);
fn reset<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.line(40, true);
    bench.set_bit(0, offset::ISPENDR, 30);
    (0..2).for_each(|vcpu| bench.put(vcpu));
    bench.vgic.reset();
    (0..2).for_each(|vcpu| bench.load(vcpu, usize::from(vcpu)));
    assert!(bench.listed(0).is_empty());
    assert_eq!(bench.read(0, offset::CTLR) & 3, 0);
    for offset in [offset::ISENABLER, offset::ISPENDR, offset::ISACTIVER] {
        let private = if G::VERSION == Version::V2 && offset == offset::ISENABLER { 0xffff } else { 0 };
        assert_eq!((bench.read_private(0, offset), bench.read(0, offset + 4)), (private, 0));
    }
    assert_eq!(bench.read(0, offset::IPRIORITYR + 40), 0);
}

#[test]
fn redistributor_frames_hold_only_their_registers() {
    let mut bench = Bench::<HardwareV3>::new(2, 4);
    let frame = Bench::<HardwareV3>::redistributor(0);
    for offset in [0x0, 0x10, 0x70, 0x78, 0x100, SGI_FRAME, SGI_FRAME + 0x104, SGI_FRAME + 0xd00, SGI_FRAME + 0xe00] {
        bench.complete(1, frame + offset, AccessSize::B4, Direction::Write(u64::MAX));
        assert_eq!(bench.complete(1, frame + offset, AccessSize::B4, Direction::Read), 0, "{offset:#x}");
    }
}
