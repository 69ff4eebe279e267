//! Priorities and timers of the local APIC.

use guest_rt::apic::{self, icr, reg};
use guest_rt::report::{Sweep, check};
use guest_rt::{clock, cpu, cpuid, irq, msr, timer};

const VECTOR: u8 = 0x61;
const LOWER: u8 = 0x41;
const MILLISECOND: u64 = 1000;

/// Lets pending interrupts in for a moment.
fn open() {
    cpu::enable_interrupts();
    cpu::pause();
    cpu::disable_interrupts();
}

fn is_requested(vector: u8) -> bool {
    apic::read(reg::IRR + u32::from(vector) / 32) >> (vector % 32) & 1 != 0
}

fn send_self(vector: u8) {
    apic::send(0, icr::TO_SELF | icr::ASSERT | u32::from(vector));
}

pub(crate) fn run() {
    irq::forget(VECTOR);
    irq::forget(LOWER);
    priorities();
    disabled();
    count_down();
    periodic();
    deadline();
}

fn priorities() {
    let mut sweep = Sweep::new("lapic-priorities");
    apic::write(reg::TPR, 0x60);
    send_self(VECTOR);
    open();
    sweep.expect("held back by TPR", (irq::received(VECTOR), is_requested(VECTOR)), (0, true));
    apic::write(reg::TPR, 0x50);
    open();
    sweep.expect("let through", (irq::received(VECTOR), is_requested(VECTOR)), (1, false));
    apic::write(reg::TPR, 0);
    send_self(LOWER);
    send_self(VECTOR);
    send_self(VECTOR);
    open();
    open();
    sweep.expect("once a request", (irq::received(LOWER), irq::received(VECTOR)), (1, 2));
    sweep.expect("nothing in service", apic::read(reg::PPR), 0);
    sweep.finish();
}

/// Software-disabled: interrupts are dropped and the LVT stays masked.
fn disabled() {
    let mut sweep = Sweep::new("lapic-disabled");
    irq::forget(VECTOR);
    let svr = apic::read(reg::SVR);
    apic::write(reg::SVR, svr & !0x100);
    apic::write(reg::LVT_TIMER, u32::from(VECTOR));
    sweep.expect("LVT", apic::read(reg::LVT_TIMER) & apic::MASKED, apic::MASKED);
    send_self(VECTOR);
    open();
    sweep.expect("dropped", irq::received(VECTOR), 0);
    apic::write(reg::SVR, svr);
    open();
    sweep.expect("not kept", irq::received(VECTOR), 0);
    sweep.finish();
}

fn count_down() {
    let mut sweep = Sweep::new("lapic-count-down");
    irq::forget(VECTOR);
    let hz = timer::hz();
    sweep.judge(hz > 1_000_000, "frequency", hz);
    apic::start_timer(VECTOR, 0, (hz / 100) as u32);
    let (first, second) = (apic::read(reg::CURRENT_COUNT), apic::read(reg::CURRENT_COUNT));
    sweep.judge(first >= second && u64::from(first) <= hz / 100, "counts down", format_args!("{first} {second}"));
    sweep.expect("not yet", is_requested(VECTOR), false);
    let fired = clock::within(500 * MILLISECOND, || is_requested(VECTOR));
    sweep.expect("fires", (fired, apic::read(reg::CURRENT_COUNT)), (true, 0));
    open();
    clock::delay(20 * MILLISECOND);
    open();
    sweep.expect("once", irq::received(VECTOR), 1);
    apic::start_timer(VECTOR, apic::MASKED, 1000);
    clock::delay(5 * MILLISECOND);
    sweep.expect("masked", is_requested(VECTOR), false);
    apic::stop_timer();
    sweep.finish();
}

fn periodic() {
    irq::forget(VECTOR);
    apic::start_timer(VECTOR, apic::PERIODIC, (timer::hz() / 200) as u32);
    cpu::enable_interrupts();
    let enough = clock::within(2000 * MILLISECOND, || irq::received(VECTOR) >= 10);
    cpu::disable_interrupts();
    apic::stop_timer();
    open();
    irq::forget(VECTOR);
    clock::delay(20 * MILLISECOND);
    open();
    check("lapic-periodic", (enough, irq::received(VECTOR)), (true, 0));
}

/// The deadline reads back until it has passed, then reads 0; 0 disarms; the past fires at once.
fn deadline() {
    if !cpuid::has_tsc_deadline() {
        return;
    }
    let mut sweep = Sweep::new("lapic-deadline");
    irq::forget(VECTOR);
    apic::use_deadline(VECTOR);
    let far = cpu::tsc() + clock::tsc_hz() * 1000;
    apic::set_deadline(far);
    sweep.expect("armed", msr::read(msr::TSC_DEADLINE), far);
    apic::set_deadline(0);
    sweep.expect("disarmed", msr::read(msr::TSC_DEADLINE), 0);
    apic::set_deadline(1);
    sweep.expect("in the past", clock::within(100 * MILLISECOND, || is_requested(VECTOR)), true);
    sweep.expect("over", msr::read(msr::TSC_DEADLINE), 0);
    open();
    sweep.expect("once", irq::received(VECTOR), 1);
    let due = cpu::tsc() + clock::tsc_hz() / 100;
    apic::set_deadline(due);
    let fired = clock::within(500 * MILLISECOND, || is_requested(VECTOR));
    sweep.expect("in 10 ms, not before", (fired, cpu::tsc() >= due), (true, true));
    open();
    apic::write(reg::LVT_TIMER, u32::from(VECTOR));
    apic::set_deadline(1);
    sweep.expect("no other mode takes it", (msr::read(msr::TSC_DEADLINE), is_requested(VECTOR)), (0, false));
    apic::stop_timer();
    sweep.finish();
}
