//! What ends a WFI.

use phalanx_arch_api::VcpuIndex;

use super::hardware;
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::Gic;
use crate::vgic::SgiRequest;
use crate::vgic::Targets;

const SPI: u32 = 60;

fn wakes<G: Gic>(bench: &mut Bench<G>) -> bool {
    bench.enter(0);
    let wakes = bench.vgic.wakes::<G>(VcpuIndex(0));
    assert_eq!(wakes, hardware::here(|cpu, count| cpu.signalled(count).is_some()));
    wakes
}

on_both!(only_what_is_signalled, 2, 4, signalled);
fn signalled<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    assert!(!wakes(bench));
    bench.set_priority(0, SPI, 0x80);
    bench.line(SPI, true);
    for (vmcr, expected) in
        [(0xff << 24 | 2, true), (0xff << 24 | 1, false), (0x88 << 24 | 2, true), (0x80 << 24 | 2, false), (0, false)]
    {
        bench.set_vmcr(0, vmcr);
        assert_eq!(wakes(bench), expected, "{vmcr:#x}");
    }
    bench.set_vmcr(0, 0xff << 24 | 3);
    assert_eq!(bench.acknowledge(0), SPI);
    assert!(!wakes(bench));
}

on_both!(only_above_the_running_priority, 2, 4, running);
fn running<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_priority(0, 61, 0x80);
    bench.line(61, true);
    assert_eq!(bench.acknowledge(0), 61);
    for (priority, points, expected) in [
        (0x80, 0, false),
        (0x78, 0, true),
        (0x88, 0, false),
        // Binary points: with 5, bits 5 to 7 decide; of the common one, bits 6 and 7.
        (0x68, 5 << 18, true),
        (0x78, 5 << 21 | 1 << 4, true),
        (0x00, 7 << 18, true),
    ] {
        bench.set_priority(0, SPI, priority);
        bench.line(SPI, true);
        bench.set_vmcr(0, 0xff << 24 | 3 | points);
        assert_eq!(wakes(bench), expected, "{priority:#x} {points:#x}");
        bench.line(SPI, false);
    }
    bench.set_priority(0, 61, 0x80);
    bench.set_priority(0, SPI, 0x88);
    bench.line(SPI, true);
    bench.set_vmcr(0, 0xff << 24 | 3 | 4 << 18);
    assert!(!wakes(bench));
}

on_both!(what_was_not_looked_at_does_too, 2, 4, unseen);
fn unseen<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.go(1);
    assert_eq!(bench.vgic.send_sgi::<G>(VcpuIndex(1), SgiRequest { sgi: 1, targets: Targets::Others }), 1);
    bench.go(0);
    assert!(bench.vgic.wakes::<G>(VcpuIndex(0)));
    assert!(wakes(bench));
    bench.handle_all(0);
    bench.set_bit(0, offset::ICENABLER, SPI);
    bench.line(SPI, true);
    assert!(!wakes(bench));
}
