//! The timer interrupt and how often it came.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use guest_arm_rt::timer::virtual_timer;
use guest_arm_rt::{clock, cpu, gic, irq, println, report, timer};

static COUNT: AtomicU64 = AtomicU64::new(0);
static HZ: AtomicU64 = AtomicU64::new(0);
/// Ticks in a period.
static PERIOD: AtomicU64 = AtomicU64::new(0);
/// When the next interrupt is due.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Greatest lateness in ticks.
static LATEST: AtomicU64 = AtomicU64::new(0);
/// The virtual and the physical counter at the start, and at the end.
static STARTED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
static STOPPED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Starts `hz` interrupts a second and turns interrupts on.
pub(crate) fn start(hz: u64) {
    let hz = hz.max(1);
    HZ.store(hz, Relaxed);
    PERIOD.store(clock::hz() / hz, Relaxed);
    println!("# witness: {hz} Hz, virtual timer");
    irq::set_handler(timer::VIRTUAL, on_deadline);
    gic::enable(timer::VIRTUAL);
    note_counters(&STARTED);
    NEXT.store(cpu::ticks() + PERIOD.load(Relaxed), Relaxed);
    virtual_timer::set_deadline(NEXT.load(Relaxed));
    virtual_timer::set_control(timer::ENABLE);
    cpu::enable_interrupts();
}

/// The next deadline is the last one plus a period, so a late tick delays no other.
fn on_deadline(raw: u32) {
    COUNT.fetch_add(1, Relaxed);
    let due = NEXT.load(Relaxed);
    LATEST.fetch_max(cpu::ticks().saturating_sub(due), Relaxed);
    NEXT.store(due + PERIOD.load(Relaxed), Relaxed);
    virtual_timer::set_deadline(due + PERIOD.load(Relaxed));
    // A deadline that has passed already asserts the line again, and hardware takes the interrupt once more after its end.
    // QEMU's GICv2 does not look at the line then; it does when the line changes.
    virtual_timer::set_control(0);
    gic::end(raw);
    virtual_timer::set_control(timer::ENABLE);
}

fn note_counters(place: &[AtomicU64; 2]) {
    place[0].store(cpu::ticks(), Relaxed);
    place[1].store(cpu::physical_ticks(), Relaxed);
}

/// Ticks so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Relaxed)
}

/// Turns interrupts and the timer off.
pub(crate) fn stop() {
    cpu::disable_interrupts();
    note_counters(&STOPPED);
    virtual_timer::set_control(0);
}

/// Checks the number of ticks and the two counters against the time that passed; `tolerance` in percent.
pub(crate) fn report(tolerance: u64) {
    let hz = HZ.load(Relaxed);
    let [millis, physical_millis] =
        [0, 1].map(|which| (STOPPED[which].load(Relaxed) - STARTED[which].load(Relaxed)) * 1000 / clock::hz());
    let expected = millis * hz / 1000;
    let late = LATEST.load(Relaxed) * 1_000_000 / clock::hz();
    println!(
        "# witness: {} ticks of {expected} in {millis} ms (physical counter: {physical_millis} ms), latest {late} us",
        count()
    );
    report::check("ticks", settle(count(), expected, tolerance), expected);
    report::check("clocks", settle(physical_millis, millis, tolerance), millis);
}

/// `want` if `got` differs from it by at most `tolerance` percent and two, else `got`.
fn settle(got: u64, want: u64, tolerance: u64) -> u64 {
    if got.abs_diff(want) <= want * tolerance / 100 + 2 { want } else { got }
}
