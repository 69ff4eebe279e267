//! More pending interrupts than any list holds: all SGIs and all SPIs at once, in the order of their priorities.

use crate::sgis::drain;
use guest_arm_rt::gic::{self, FIRST_SPI};
use guest_arm_rt::irq::{self, NONE};
use guest_arm_rt::report::{Sweep, check};
use guest_arm_rt::{clock, cpu};

/// Interrupts that are made pending: 16 SGIs, 64 SPIs.
const SGIS: u32 = 16;
const SPIS: u32 = 64;
const ALL: usize = (SGIS + SPIS) as usize;

pub(crate) fn run() {
    in_order();
    by_interrupts();
    again_and_again();
    gic::reset();
    crate::sgis::still_work("overflow-afterwards");
}

fn intids() -> impl Iterator<Item = u32> {
    (0..SGIS).chain(FIRST_SPI..FIRST_SPI + SPIS)
}

/// Priorities that are all over the place, none below the mask.
fn priority(intid: u32) -> u8 {
    ((intid * 37 + 11) % 29 * 8) as u8
}

/// Makes all of them pending, the least important ones first.
fn arm() {
    for intid in intids() {
        gic::set_priority(intid, priority(intid));
        if intid >= FIRST_SPI {
            gic::set_edge(intid, true);
            gic::route(intid, cpu::affinity(), 0);
        }
        gic::enable(intid);
    }
    for intid in intids() {
        if intid >= FIRST_SPI {
            gic::set_pending(intid);
        } else {
            gic::send_self(intid);
        }
    }
}

/// With IRQs masked, acknowledged one by one: each once, the most important first.
fn in_order() {
    let mut sweep = Sweep::new("overflow-order");
    drain();
    arm();
    sweep.expect("pending", intids().filter(|&intid| gic::is_pending(intid)).count(), ALL);
    let (mut seen, mut count, mut last) = ([0_u8; 96], 0, 0);
    while count < ALL {
        let raw = next();
        let intid = gic::intid(raw);
        if intid == NONE {
            break;
        }
        count += 1;
        seen[intid as usize % 96] += 1;
        let now = priority(intid);
        sweep.judge(now >= last, format_args!("INTID {intid}"), format_args!("priority {now:#x} after {last:#x}"));
        last = now;
        gic::end(raw);
    }
    sweep.expect("taken", count, ALL);
    sweep.judge(intids().all(|intid| seen[intid as usize] == 1), "each once", format_args!("{seen:x?}"));
    sweep.expect("nothing left", gic::intid(next()), NONE);
    sweep.expect("pending", intids().filter(|&intid| gic::is_pending(intid)).count(), 0);
    sweep.finish();
}

/// Acknowledges; a list that has run empty gets a moment to be filled again.
fn next() -> u32 {
    let mut raw = gic::acknowledge();
    clock::within(200, || {
        if gic::intid(raw) == NONE {
            raw = gic::acknowledge();
        }
        gic::intid(raw) != NONE
    });
    raw
}

/// The same through the vector.
fn by_interrupts() {
    intids().for_each(irq::forget);
    arm();
    cpu::enable_interrupts();
    let all = clock::within(1_000_000, || intids().all(|intid| irq::received(intid) == 1));
    cpu::disable_interrupts();
    check("overflow-interrupts", all, true);
}

/// Many rounds, each armed before the one before is over.
fn again_and_again() {
    let mut sweep = Sweep::new("overflow-rounds");
    intids().for_each(irq::forget);
    for round in 0..50_u64 {
        arm();
        cpu::enable_interrupts();
        clock::delay(round % 7);
        cpu::disable_interrupts();
    }
    cpu::enable_interrupts();
    clock::within(1_000_000, || intids().all(|intid| !gic::is_pending(intid)));
    clock::delay(100);
    cpu::disable_interrupts();
    for intid in intids() {
        let count = irq::received(intid);
        sweep.judge((1..=50).contains(&count), intid, count);
    }
    sweep.expect("nothing left", gic::intid(next()), NONE);
    sweep.finish();
}
