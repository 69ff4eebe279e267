//! A second vCPU writes while this one reads the log.
//!
//! It writes the same pages over and over, without a pause: its processor knows them as written all the time. After each
//! reading this vCPU waits until the other has written all of them again; so each reading must tell all of them.

use crate::log::{self, Expected};
use crate::pages::area;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use guest_rt::report::{self, Sweep};
use guest_rt::{acpi, apic, clock, cpu, println, smp};

/// Pages that the other vCPU writes.
const PAGES: u64 = 24;
/// Readings.
const READINGS: u64 = 200;
/// Time for the other vCPU to write all pages, in microseconds.
const PATIENCE: u64 = 10_000_000;

/// How often the other vCPU has written all of its pages.
static PASSES: AtomicU64 = AtomicU64::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

fn written_by_the_other() -> impl Iterator<Item = u64> {
    (0..PAGES).map(|page| area(1000 + page * 5))
}

/// What the other vCPU does.
fn write_all_the_time(_index: usize) {
    while !STOP.load(SeqCst) {
        for address in written_by_the_other() {
            // SAFETY: memory that only this vCPU writes.
            unsafe { (address as *mut u64).write_volatile(PASSES.load(SeqCst)) };
        }
        PASSES.fetch_add(1, SeqCst);
    }
    STOP.store(false, SeqCst);
    cpu::stop();
}

/// Waits until every page has been written since the call.
fn pass() -> bool {
    let start = PASSES.load(SeqCst);
    clock::within(PATIENCE, || PASSES.load(SeqCst) >= start + 2)
}

pub(crate) fn run() {
    let own = apic::id();
    let mut other = None;
    acpi::for_each_cpu(|id| other = Some(id).filter(|id| *id != own).or(other));
    let Some(other) = other else { return println!("# one vCPU: nobody writes meanwhile") };
    report::check("second-vcpu", smp::start(other, 1, write_all_the_time), true);
    pass();
    // What the start wrote: the page that the other began in.
    log::read_all();
    while_it_writes();
    after_it_has_stopped();
}

fn while_it_writes() {
    let mut expected = Expected::new("second");
    written_by_the_other().for_each(|address| expected.page(address));
    let mut sweep = Sweep::new("written-meanwhile");
    for reading in 0..READINGS {
        sweep.expect(format_args!("the other's pass before reading {reading}"), pass(), true);
        let (_, got) = log::read_all();
        expected.judge(&got, &mut sweep);
    }
    sweep.finish();
}

/// Its last writes are in one more reading, and then there are none.
fn after_it_has_stopped() {
    STOP.store(true, SeqCst);
    report::check("second-stopped", clock::within(PATIENCE, || !STOP.load(SeqCst)), true);
    log::read_all();
    Expected::new("after-the-second").compare();
}
