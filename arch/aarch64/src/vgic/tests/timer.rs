//! The virtual timer: its physical interrupt is active for exactly as long as the guest's.

use super::bench::PHYSICAL;
use super::hardware::{self, SPURIOUS};
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::{Gic, LrState};
use crate::vgic::VIRTUAL_TIMER;

on_both!(a_timer_interrupt_costs_one_list_register, 2, 4, direct);
fn direct<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for round in 0..5 {
        bench.go(1);
        let before = hardware::here(|cpu, _| cpu.writes);
        bench.fire(1);
        let writes = hardware::here(|cpu, _| cpu.writes) - before;
        // The first one tells the physical INTID.
        assert!(round == 0 || writes == 1, "{writes} writes");
        let listed = bench.listed(1);
        assert_eq!((listed[0].intid, listed[0].hardware, listed[0].priority), (VIRTUAL_TIMER, Some(PHYSICAL), 0xa0));
        assert!(bench.physical_active(1));
        assert_eq!(bench.handle_all(1), [VIRTUAL_TIMER]);
        assert!(!bench.physical_active(1));
    }
}

on_both!(hardware_deactivates_the_physical_one, 1, 4, by_hardware);
fn by_hardware<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.fire(0);
    assert_eq!(bench.handle_all(0), [VIRTUAL_TIMER]);
    assert!(!bench.bit(0, offset::ISPENDR, VIRTUAL_TIMER));
    assert_eq!(hardware::here(|cpu, _| cpu.active_writes), 0);
}

on_both!(a_disabled_timer_stays_active_until_it_is_wanted, 1, 4, disabled);
fn disabled<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_bit(0, offset::ICENABLER, VIRTUAL_TIMER);
    bench.fire(0);
    assert!(bench.listed(0).is_empty() && bench.physical_active(0));
    assert!(bench.bit(0, offset::ISPENDR, VIRTUAL_TIMER));
    // Whether the condition still holds shows then.
    bench.set_bit(0, offset::ISENABLER, VIRTUAL_TIMER);
    assert!(bench.listed(0).is_empty() && !bench.physical_active(0));
    bench.fire(0);
    assert_eq!(bench.handle_all(0), [VIRTUAL_TIMER]);
}

on_both!(disabling_takes_it_back, 1, 4, disabling);
fn disabling<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.fire(0);
    bench.set_bit(0, offset::ICENABLER, VIRTUAL_TIMER);
    assert_eq!(bench.acknowledge(0), SPURIOUS);
    bench.set_bit(0, offset::ISENABLER, VIRTUAL_TIMER);
    assert!(!bench.physical_active(0));
    bench.fire(0);
    let raw = bench.acknowledge(0);
    bench.set_bit(0, offset::ICENABLER, VIRTUAL_TIMER);
    assert!(bench.physical_active(0), "it is active, whether enabled or not");
    bench.end(0, raw);
    assert!(!bench.physical_active(0));
}

on_both!(clearing_deactivates_the_physical_one, 1, 4, clearing);
fn clearing<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.fire(0);
    bench.set_bit(0, offset::ICPENDR, VIRTUAL_TIMER);
    assert!(!bench.physical_active(0) && bench.listed(0).is_empty());
    bench.fire(0);
    let raw = bench.acknowledge(0);
    assert!(bench.bit(0, offset::ISACTIVER, VIRTUAL_TIMER));
    bench.set_bit(0, offset::ICACTIVER, VIRTUAL_TIMER);
    assert!(!bench.physical_active(0) && bench.listed(0).is_empty());
    bench.end(0, raw);
    bench.fire(0);
    assert_eq!(bench.handle_all(0), [VIRTUAL_TIMER]);
}

on_both!(software_may_set_it_too, 1, 4, by_software);
fn by_software<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_bit(0, offset::ISPENDR, VIRTUAL_TIMER);
    assert_eq!((bench.listed(0)[0].hardware, bench.physical_active(0)), (None, false));
    let raw = bench.acknowledge(0);
    bench.fire(0);
    assert_eq!(bench.listed(0)[0].state, LrState::Active);
    bench.end(0, raw);
    // It fired while the guest was busy: it fires again, if it still has a reason.
    assert!(!bench.physical_active(0));
    bench.fire(0);
    let raw = bench.acknowledge(0);
    bench.set_bit(0, offset::ISPENDR, VIRTUAL_TIMER);
    assert_eq!(bench.listed(0)[0].hardware, None);
    bench.end(0, raw);
    assert!(!bench.physical_active(0), "deactivated by software");
    assert_eq!(bench.handle_all(0), [VIRTUAL_TIMER]);
}

on_both!(the_active_state_moves_with_the_vcpu, 1, 4, moves);
fn moves<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    let active = |cpu: usize| {
        hardware::go_to(cpu);
        hardware::here(|cpu, _| cpu.active >> PHYSICAL & 1 != 0)
    };
    bench.fire(0);
    bench.put(0);
    assert!(!active(0));
    bench.load(0, 1);
    assert!(active(1) && !active(0));
    let raw = bench.acknowledge(0);
    bench.put(0);
    assert!(!active(1));
    bench.load(0, 0);
    assert!(active(0));
    assert_eq!(bench.listed(0)[0].state, LrState::Active);
    bench.end(0, raw);
    assert!(!active(0));
    bench.put(0);
    bench.load(0, 1);
    assert!(!active(1));
}

on_both!(a_timer_finds_a_place_where_all_are_taken, 1, 2, no_place);
fn no_place<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.fire(0);
    assert_eq!(bench.handle_all(0), [VIRTUAL_TIMER]);
    bench.set_priority(0, VIRTUAL_TIMER, 0x80);
    for intid in 40..44 {
        bench.line(intid, true);
    }
    bench.fire(0);
    assert_eq!(bench.acknowledge(0), VIRTUAL_TIMER);
    bench.end(0, VIRTUAL_TIMER);
    assert!(!bench.physical_active(0));
}

on_both!(a_latch_is_taken_once, 1, 4, latch_once);
fn latch_once<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_bit(0, offset::ISPENDR, VIRTUAL_TIMER);
    bench.fire(0);
    assert_eq!(bench.listed(0)[0].hardware, Some(PHYSICAL));
    assert_eq!(bench.handle(0), VIRTUAL_TIMER);
    bench.fire(0);
    bench.set_bit(0, offset::ICENABLER, VIRTUAL_TIMER);
    bench.set_bit(0, offset::ISENABLER, VIRTUAL_TIMER);
    assert!(!bench.bit(0, offset::ISPENDR, VIRTUAL_TIMER));
}
