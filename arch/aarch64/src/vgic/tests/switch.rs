//! vCPUs that come, go, and begin a new life.

use phalanx_arch_api::VcpuIndex;

use super::hardware::{self, SPURIOUS};
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::{Conditions, Gic, InterfaceState};
use crate::vgic::SgiRequest;
use crate::vgic::Targets;

on_both!(the_first_load_clears_what_was_there, 1, 4, first);
fn first<G: Gic>(bench: &mut Bench<G>) {
    assert!(bench.listed(0).is_empty());
    hardware::here(|cpu, _| {
        assert!(cpu.enabled);
        assert_eq!((cpu.conditions, cpu.unlisted), (Conditions::default(), 0));
        assert_eq!((cpu.state.apr0, cpu.state.apr1), (0, 0));
    });
}

on_both!(the_interface_moves, 2, 4, moves);
fn moves<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_bit(0, offset::ISPENDR, 33);
    bench.send(0, SgiRequest { sgi: 1, targets: Targets::Sender });
    let raw = bench.acknowledge(0);
    bench.set_vmcr(0, 0xb0 << 24 | 2);
    bench.put(0);
    hardware::here(|cpu, count| {
        assert!(!cpu.enabled && !cpu.maintenance(count));
        assert!(cpu.registers[..4].iter().all(|raw| *raw == 0));
    });
    bench.vgic.put::<G>(VcpuIndex(0));
    bench.load(0, 2);
    assert_eq!(hardware::here(|cpu, _| cpu.state.vmcr), 0xb0 << 24 | 2);
    assert_eq!(bench.listed(0).len(), 2);
    assert_eq!(bench.acknowledge(0), SPURIOUS, "the active priority came along");
    bench.end(0, raw);
    assert_eq!(bench.handle_all(0).len(), 1);
}

on_both!(what_is_sent_meanwhile_waits, 2, 4, meanwhile);
fn meanwhile<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.put(0);
    bench.send(1, SgiRequest { sgi: 2, targets: Targets::Others });
    bench.line(50, true);
    bench.vgic.set_ppi_level(VcpuIndex(0), 30, true);
    assert!(bench.vgic.needs_sync(VcpuIndex(0)));
    bench.load(0, 0);
    bench.line(50, false);
    bench.vgic.set_ppi_level(VcpuIndex(0), 30, false);
    bench.enter(0);
    assert_eq!(bench.handle_all(0).iter().map(|raw| raw & 0x3ff).collect::<std::vec::Vec<_>>(), [2]);
}

on_both!(a_new_life_begins_with_nothing_active, 2, 4, restart);
fn restart<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.fire(1);
    assert_eq!(bench.acknowledge(1), 27);
    bench.send(0, SgiRequest { sgi: 2, targets: Targets::Others });
    bench.go(1);
    assert_eq!(bench.vgic.restart::<G>(VcpuIndex(1)), 0);
    assert_eq!(hardware::here(|cpu, _| cpu.state), InterfaceState::default());
    assert_eq!((bench.bit(1, offset::ISACTIVER, 27), bench.physical_active(1)), (false, false));
    bench.set_vmcr(1, 0xff << 24 | 3);
    assert_eq!(bench.handle(1) & 0x3ff, 2);
}

on_both!(more_vcpus_than_there_can_be, 1, 4, too_many);
fn too_many<G: Gic>(bench: &mut Bench<G>) {
    for vcpu in [1, 8, 63, 64, 200, 255] {
        let vcpu = VcpuIndex(vcpu);
        let _ = bench.vgic.send_sgi::<G>(vcpu, SgiRequest { sgi: 3, targets: Targets::Set(u64::MAX) });
        let _ = bench.vgic.inject_virtual_timer::<G>(vcpu, 27);
        assert_eq!((bench.vgic.needs_sync(vcpu), bench.vgic.sync::<G>(vcpu)), (false, 0));
        bench.vgic.load::<G>(vcpu);
        bench.vgic.put::<G>(vcpu);
        assert_eq!(bench.vgic.restart::<G>(vcpu), 0);
    }
    for vcpus in [0, 9, 65, 1000] {
        let _ = crate::vgic::Vgic::new(G::VERSION, vcpus);
    }
}
