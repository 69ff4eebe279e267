//! The timer interrupt and how often it came.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use guest_rt::trap::Frame;
use guest_rt::{apic, clock, cpu, cpuid, irq, println, report, start_info, timer};

const VECTOR: u8 = 0x50;

static COUNT: AtomicU64 = AtomicU64::new(0);
static HZ: AtomicU64 = AtomicU64::new(0);
/// TSC ticks in a period, in deadline mode.
static PERIOD: AtomicU64 = AtomicU64::new(0);
/// TSC at which the next tick is due, in deadline mode.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Greatest lateness in TSC ticks, in deadline mode.
static LATEST: AtomicU64 = AtomicU64::new(0);
static STARTED: AtomicU64 = AtomicU64::new(0);
static STOPPED: AtomicU64 = AtomicU64::new(0);
static PM_SEEN: AtomicU64 = AtomicU64::new(0);
/// PM timer ticks since the start.
static PM_TOTAL: AtomicU64 = AtomicU64::new(0);

/// Starts `hz` interrupts a second and turns interrupts on.
pub(crate) fn start(hz: u64) {
    let hz = hz.max(1);
    HZ.store(hz, Relaxed);
    PERIOD.store(clock::tsc_hz() / hz, Relaxed);
    let periodic = start_info::text("timer") == Some("periodic") || !cpuid::has_tsc_deadline();
    let count = (timer::hz() / hz) as u32;
    println!("# witness: {hz} Hz, {}", if periodic { "periodic" } else { "TSC deadline" });
    irq::set_handler(VECTOR, if periodic { on_periodic } else { on_deadline });
    PM_SEEN.store(u64::from(clock::pm_now()), Relaxed);
    STARTED.store(cpu::tsc(), Relaxed);
    if periodic {
        apic::start_timer(VECTOR, apic::PERIODIC, count);
    } else {
        NEXT.store(cpu::tsc() + PERIOD.load(Relaxed), Relaxed);
        apic::use_deadline(VECTOR);
        apic::set_deadline(NEXT.load(Relaxed));
    }
    cpu::enable_interrupts();
}

fn on_periodic(_: &mut Frame) {
    COUNT.fetch_add(1, Relaxed);
    note_pm();
    apic::end_of_interrupt();
}

/// The next deadline is the last one plus a period, so a late tick delays no other.
fn on_deadline(_: &mut Frame) {
    COUNT.fetch_add(1, Relaxed);
    note_pm();
    let due = NEXT.load(Relaxed);
    LATEST.fetch_max(cpu::tsc().saturating_sub(due), Relaxed);
    NEXT.store(due + PERIOD.load(Relaxed), Relaxed);
    apic::set_deadline(due + PERIOD.load(Relaxed));
    apic::end_of_interrupt();
}

fn note_pm() {
    let last = PM_SEEN.load(Relaxed) as u32;
    let passed = clock::pm_since(last);
    PM_TOTAL.fetch_add(u64::from(passed), Relaxed);
    PM_SEEN.store(u64::from(last.wrapping_add(passed)), Relaxed);
}

/// Ticks so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Turns interrupts and the timer off.
pub(crate) fn stop() {
    cpu::disable_interrupts();
    note_pm();
    STOPPED.store(cpu::tsc(), Relaxed);
    apic::stop_timer();
}

/// Checks the number of ticks and the two clocks against the time that passed; `tolerance` in percent.
pub(crate) fn report(tolerance: u64) {
    let (hz, tsc_hz) = (HZ.load(Relaxed), clock::tsc_hz().max(1));
    let elapsed = STOPPED.load(Relaxed) - STARTED.load(Relaxed);
    let millis = elapsed / (tsc_hz / 1000).max(1);
    let expected = millis * hz / 1000;
    let pm_millis = PM_TOTAL.load(Relaxed) * 1000 / clock::PM_HZ;
    let late = LATEST.load(Relaxed) / (tsc_hz / 1_000_000).max(1);
    println!("# witness: {} ticks of {expected} in {millis} ms (PM timer: {pm_millis} ms), latest {late} us", count());
    report::check("ticks", settle(count(), expected, tolerance), expected);
    report::check("clocks", settle(pm_millis, millis, tolerance), millis);
}

/// `want` if `got` differs from it by at most `tolerance` percent and two, else `got`.
fn settle(got: u64, want: u64, tolerance: u64) -> u64 {
    if got.abs_diff(want) <= want * tolerance / 100 + 2 { want } else { got }
}
