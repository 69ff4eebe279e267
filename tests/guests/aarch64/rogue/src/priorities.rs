//! Priorities: the mask, the running priority, and preemption.

use crate::sgis::drain;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use guest_arm_rt::gic::{self, FIRST_SPI, PRIORITY};
use guest_arm_rt::irq::{self, NONE};
use guest_arm_rt::report::Sweep;
use guest_arm_rt::{clock, cpu};

const LOW: u32 = 8;
const HIGH: u32 = 9;
const SPI: u32 = FIRST_SPI + 40;
/// The running priority when nothing is active.
const IDLE: u8 = 0xff;

/// Deepest nesting of handlers, and how deep it is now.
static DEEPEST: AtomicU64 = AtomicU64::new(0);
static DEPTH: AtomicU64 = AtomicU64::new(0);

pub(crate) fn run() {
    drain();
    mask();
    running();
    preemption();
    gic::reset();
}

/// Only what is more important than the mask gets through.
fn mask() {
    let mut sweep = Sweep::new("priority-mask");
    gic::send_self(LOW);
    for mask in [0, 0x10, 0x98, PRIORITY] {
        sweep.expect("the mask keeps its upper bits", gic::set_mask(mask) & 0xf0, mask & 0xf0);
        sweep.expect(format_args!("mask {mask:#x}"), gic::intid(gic::acknowledge()), NONE);
    }
    gic::set_mask(PRIORITY + 0x10);
    let raw = gic::acknowledge();
    sweep.expect("let through", gic::intid(raw), LOW);
    gic::end(raw);
    gic::set_mask(0xff);
    sweep.finish();
}

fn running() {
    let mut sweep = Sweep::new("priority-running");
    sweep.expect("idle", gic::running_priority(), IDLE);
    gic::set_priority(HIGH, 0x20);
    gic::send_self(LOW);
    let low = gic::acknowledge();
    sweep.expect("one", (gic::intid(low), gic::running_priority()), (LOW, PRIORITY));
    gic::send_self(LOW);
    sweep.expect("not again while active", gic::intid(gic::acknowledge()), NONE);
    gic::send_self(HIGH);
    sweep.expect("pending", gic::highest_pending(), HIGH);
    let high = gic::acknowledge();
    sweep.expect("nested", (gic::intid(high), gic::running_priority()), (HIGH, 0x20));
    gic::end(high);
    sweep.expect("back", gic::running_priority(), PRIORITY);
    gic::end(low);
    sweep.expect("idle again", gic::running_priority(), IDLE);
    let again = gic::acknowledge();
    sweep.expect("the second request", gic::intid(again), LOW);
    gic::end(again);
    sweep.finish();
}

/// A handler with IRQs on is interrupted by what is more important, and by nothing else.
fn preemption() {
    let mut sweep = Sweep::new("preemption");
    DEEPEST.store(0, Relaxed);
    for (intid, priority) in [(LOW, 0xc0), (HIGH, 0x80), (SPI, 0x40)] {
        gic::set_priority(intid, priority);
        irq::set_handler(intid, nest);
        irq::forget(intid);
    }
    gic::set_edge(SPI, true);
    gic::route(SPI, cpu::affinity(), 0);
    gic::enable(SPI);
    gic::send_self(LOW);
    cpu::enable_interrupts();
    let all = clock::within(500_000, || [LOW, HIGH, SPI].iter().all(|&intid| irq::received(intid) == 1));
    cpu::disable_interrupts();
    sweep.expect("all came", (all, DEPTH.load(Relaxed), DEEPEST.load(Relaxed)), (true, 0, 3));
    [LOW, HIGH, SPI].into_iter().for_each(irq::clear_handler);
    gic::disable(SPI);
    sweep.finish();
}

/// Raises the next one, lets it in, and counts the depth at which it was.
fn nest(raw: u32) {
    let depth = DEPTH.fetch_add(1, Relaxed) + 1;
    DEEPEST.fetch_max(depth, Relaxed);
    match gic::intid(raw) {
        LOW => gic::send_self(HIGH),
        HIGH => gic::set_pending(SPI),
        _ => {
            // Less important: has to wait until the end.
            gic::send_self(3);
        }
    }
    let _ = nested_window();
    irq::note(gic::intid(raw));
    DEPTH.fetch_sub(1, Relaxed);
    gic::end(raw);
}

/// Takes interrupts for a moment; the vector's registers are kept, since the nested exception overwrites them.
fn nested_window() -> bool {
    let (elr, spsr) = (guest_arm_rt::read_register!("elr_el1"), guest_arm_rt::read_register!("spsr_el1"));
    cpu::enable_interrupts();
    clock::within(20_000, || false);
    cpu::disable_interrupts();
    // SAFETY: as they were.
    unsafe {
        guest_arm_rt::write_register!("elr_el1", elr);
        guest_arm_rt::write_register!("spsr_el1", spsr);
    }
    true
}
