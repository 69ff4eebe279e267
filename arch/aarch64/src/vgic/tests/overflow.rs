//! More interrupts than list registers.

use std::vec::Vec;

use super::hardware::{self, EOI_MODE, GROUPS, SPURIOUS};
use super::{Bench, HardwareV2, HardwareV3, offset, on_both};
use crate::gic::{Conditions, Gic};
use crate::vgic::SgiRequest;
use crate::vgic::Targets;

on_both!(all_come_by_priority, 1, 4, by_priority);
fn by_priority<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for intid in 32..96 {
        bench.set_edge(0, intid);
        bench.set_priority(0, intid, ((95 - intid) / 8 * 8 + 0x20) as u8);
    }
    bench.write(0, offset::ISPENDR + 4, u32::MAX);
    bench.write(0, offset::ISPENDR + 8, u32::MAX);
    let all = bench.handle_all(0);
    let priorities: Vec<u32> = all.iter().map(|intid| (95 - intid) / 8).collect();
    assert!(priorities.is_sorted(), "{all:?}");
    assert_eq!(all.len(), 64);
    assert_eq!(hardware::here(|cpu, _| cpu.conditions), Conditions::default());
}

on_both!(one_list_register_is_enough, 1, 1, one);
fn one<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for intid in 32..40 {
        bench.set_edge(0, intid);
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    assert_eq!(bench.handle_all(0), (32..40).collect::<Vec<_>>());
}

on_both!(the_most_important_one_displaces_others, 1, 4, displaces);
fn displaces<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for intid in 32..44 {
        bench.line(intid, true);
    }
    bench.set_priority(0, 50, 0x10);
    bench.line(50, true);
    assert_eq!(bench.acknowledge(0), 50);
    bench.line(50, false);
    bench.end(0, 50);
    assert_eq!(bench.acknowledge(0), 32);
}

on_both!(nothing_takes_the_direct_way_while_others_wait, 1, 2, no_short_cut);
fn no_short_cut<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_priority(0, 0, 0xf0);
    let sgi = SgiRequest { sgi: 0, targets: Targets::Sender };
    bench.send(0, sgi);
    assert_eq!(bench.handle(0), 0);
    for intid in 32..35 {
        bench.set_edge(0, intid);
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    assert_eq!(bench.handle(0), 32);
    bench.send(0, sgi);
    assert_eq!(bench.handle_all(0), [33, 34, 0]);
}

on_both!(nested_interrupts_end_without_their_list_registers, 1, 2, nested);
fn nested<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    let mut running = Vec::new();
    for (intid, priority) in (32..48).zip((0..16).rev()) {
        bench.set_priority(0, intid, priority * 8 + 0x20);
        bench.line(intid, true);
        let raw = bench.acknowledge(0);
        assert_eq!(raw, intid);
        running.push(raw);
    }
    assert_eq!(bench.read(0, offset::ISACTIVER + 4), 0xffff);
    for (raw, left) in running.into_iter().rev().zip((0..16).rev()) {
        bench.line(raw, false);
        bench.end(0, raw);
        assert_eq!(bench.read(0, offset::ISACTIVER + 4), (1 << left) - 1, "{raw}");
    }
    assert_eq!(bench.acknowledge(0), SPURIOUS);
}

on_both!(pending_ones_come_while_active_ones_hold_all_list_registers, 1, 4, active_hold);
fn active_hold<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_vmcr(0, 0xff << 24 | EOI_MODE | GROUPS);
    for intid in 32..52 {
        bench.set_edge(0, intid);
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    // EOImode 1: all of them are acknowledged and stay active.
    let all: Vec<u32> = (0..20).map(|_| bench.handle(0)).collect();
    assert_eq!(all, (32..52).collect::<Vec<_>>());
    assert_eq!(bench.read(0, offset::ISACTIVER + 4), 0xf_ffff);
    for (n, intid) in (1..).zip(all) {
        bench.deactivate(0, intid);
        assert_eq!(bench.read(0, offset::ISACTIVER + 4).count_ones(), 20 - n);
    }
}

on_both!(a_group_that_the_guest_keeps_out_does_not_block, 1, 4, groups);
fn groups<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.write(0, offset::IGROUPR + 4, !0xff);
    bench.set_vmcr(0, 0xff << 24 | 2);
    for intid in 32..48 {
        bench.set_edge(0, intid);
        bench.set_priority(0, intid, if intid < 40 { 0x20 } else { 0x80 });
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    assert_eq!(bench.handle_all(0), (40..48).collect::<Vec<_>>());
    bench.set_vmcr(0, 0xff << 24 | 3);
    assert_eq!(bench.handle_all(0), (32..40).collect::<Vec<_>>());
}

on_both!(what_does_not_fit_survives_a_move, 2, 4, moves);
fn moves<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    for intid in 32..44 {
        bench.set_edge(0, intid);
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    let raw = bench.acknowledge(0);
    bench.put(0);
    bench.load(0, 2);
    assert!(bench.bit(0, offset::ISACTIVER, raw));
    bench.end(0, raw);
    assert_eq!(bench.handle_all(0), (33..44).collect::<Vec<_>>());
}

on_both!(an_active_one_that_is_pending_again_waits_too, 1, 2, again);
fn again<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_priority(0, 32, 0x80);
    for (intid, priority) in [(32, 0x80), (33, 0x40), (34, 0x48), (35, 0x50)] {
        bench.set_edge(0, intid);
        bench.set_priority(0, intid, priority);
    }
    bench.set_bit(0, offset::ISPENDR, 32);
    assert_eq!(bench.acknowledge(0), 32);
    for intid in 32..36 {
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    bench.end(0, 32);
    assert_eq!(bench.handle_all(0), [33, 34, 35, 32]);
}

on_both!(active_ones_keep_their_list_registers, 1, 4, keep);
fn keep<G: Gic>(bench: &mut Bench<G>) {
    bench.open();
    bench.set_vmcr(0, 0xff << 24 | EOI_MODE | GROUPS);
    for intid in 32..48 {
        bench.set_edge(0, intid);
        bench.set_bit(0, offset::ISPENDR, intid);
    }
    let active = [0; 3].map(|_| bench.handle(0));
    assert_eq!(active, [32, 33, 34]);
    assert_eq!(bench.read(0, offset::ISACTIVER + 4), 0b111);
    // EOImode 1: any order is exact for those that have one.
    for (intid, left) in [(34, 0b011), (32, 0b010), (33, 0)] {
        bench.deactivate(0, intid);
        assert_eq!(bench.read(0, offset::ISACTIVER + 4), left);
    }
}
