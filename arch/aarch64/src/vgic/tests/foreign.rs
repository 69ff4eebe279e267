//! GICv3: a vCPU that writes into the redistributor of another one.

use phalanx_arch_api::{AccessSize, Direction, VcpuIndex};

use super::bench::SGI_FRAME;
use super::hardware::SPURIOUS;
use super::{Bench, HardwareV3, offset};
use crate::vgic::SgiRequest;

type V3 = Bench<HardwareV3>;

fn opened() -> V3 {
    let mut bench = V3::new(2, 4);
    bench.open();
    bench
}

/// vCPU 0 writes; the answer names vCPU 1, and it looks.
fn write(bench: &mut V3, register: u64, value: u32) {
    let gpa = V3::redistributor(1) + SGI_FRAME + register;
    let answer = bench.access(0, gpa, AccessSize::B4, Direction::Write(value.into())).expect("a redistributor");
    assert_eq!((answer.wake, bench.vgic.needs_sync(VcpuIndex(1))), (2, true));
    bench.wake(answer.wake);
}

fn read(bench: &mut V3, register: u64) -> u32 {
    let gpa = V3::redistributor(1) + SGI_FRAME + register;
    bench.complete(0, gpa, AccessSize::B4, Direction::Read);
    bench.complete(0, gpa, AccessSize::B4, Direction::Read) as u32
}

#[test]
fn pending_states() {
    let mut bench = opened();
    write(&mut bench, offset::ISPENDR, 1 << 20 | 1 << 3);
    assert_eq!(read(&mut bench, offset::ISPENDR), 1 << 20 | 1 << 3);
    write(&mut bench, offset::ICPENDR, 1 << 3);
    assert_eq!((bench.handle(1), bench.handle(1)), (20, SPURIOUS));
    bench.send(1, SgiRequest::from_system_register(0x0500_0002));
    write(&mut bench, offset::ICPENDR, 1 << 5);
    assert_eq!(bench.handle(1), SPURIOUS);
    bench.send(1, SgiRequest::from_system_register(0x0500_0002));
    assert_eq!(bench.handle(1), 5);
    assert_eq!(bench.handle(0), SPURIOUS);
}

#[test]
fn an_sgi_after_the_clear_is_kept() {
    let mut bench = opened();
    let gpa = V3::redistributor(1) + SGI_FRAME + offset::ICPENDR;
    let _ = bench.access(0, gpa, AccessSize::B4, Direction::Write(1 << 5));
    // vCPU 1 has not looked yet, and sends to itself.
    bench.send(1, SgiRequest::from_system_register(0x0500_0002));
    bench.enter(1);
    assert_eq!(bench.handle(1), 5);
}

#[test]
fn active_states() {
    let mut bench = opened();
    write(&mut bench, offset::ISACTIVER, 1 << 20);
    write(&mut bench, offset::ISPENDR, 1 << 20);
    assert_eq!(bench.acknowledge(1), SPURIOUS);
    write(&mut bench, offset::ICACTIVER, 1 << 20);
    assert_eq!(bench.acknowledge(1), 20);
    assert_eq!(read(&mut bench, offset::ISACTIVER), 1 << 20);
    write(&mut bench, offset::ICACTIVER, 1 << 20);
    assert_eq!(read(&mut bench, offset::ISACTIVER), 0);
    bench.end(1, 20);
}

#[test]
fn enables_priorities_and_groups() {
    let mut bench = opened();
    bench.fire(1);
    write(&mut bench, offset::ICENABLER, 1 << 27);
    assert!(bench.listed(1).is_empty());
    write(&mut bench, offset::ISENABLER, 1 << 27);
    assert!(!bench.physical_active(1));
    write(&mut bench, offset::IPRIORITYR + 24, 0x4000_0000);
    bench.fire(1);
    assert_eq!(bench.listed(1)[0].priority, 0x40);
    assert_eq!(bench.handle(1), 27);
    write(&mut bench, offset::IGROUPR, !(1 << 27));
    bench.fire(1);
    assert!(!bench.listed(1)[0].group1);
}

#[test]
fn a_vcpu_that_is_not_loaded() {
    let mut bench = opened();
    bench.send(0, SgiRequest::from_system_register(0x0400_0002));
    bench.put(1);
    bench.send(0, SgiRequest::from_system_register(0x0300_0002));
    write(&mut bench, offset::ISPENDR, 1 << 21);
    assert_eq!(read(&mut bench, offset::ISPENDR), 1 << 21 | 1 << 3 | 1 << 4);
    write(&mut bench, offset::ICPENDR, 1 << 3);
    bench.load(1, 2);
    let mut all = bench.handle_all(1);
    all.sort_unstable();
    assert_eq!(all, [4, 21]);
}
