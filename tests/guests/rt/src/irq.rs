//! Interrupts: a count for every vector, and a function where a test wants one.

use crate::apic;
use crate::trap::Frame;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The vector of a non-maskable interrupt.
pub const NMI: u8 = 2;
/// The vector for spurious interrupts, which get no EOI.
pub const SPURIOUS: u8 = 0xff;

static HANDLERS: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];
static COUNTS: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];

/// Runs `handler` for `vector` in place of counting; an interrupt handler sends its own EOI.
pub fn set_handler(vector: u8, handler: fn(&mut Frame)) {
    HANDLERS[usize::from(vector)].store(handler as usize, Relaxed);
}

/// How many interrupts of `vector` were counted.
pub fn received(vector: u8) -> u64 {
    COUNTS[usize::from(vector)].load(Relaxed)
}

/// Sets the count of `vector` to 0.
pub fn forget(vector: u8) {
    COUNTS[usize::from(vector)].store(0, Relaxed);
}

/// Runs the handler of `vector`; false if it has none.
pub(crate) fn handle(vector: u8, frame: &mut Frame) -> bool {
    let handler = HANDLERS[usize::from(vector)].load(Relaxed);
    if handler == 0 {
        return false;
    }
    // SAFETY: `set_handler` stored a function of this type.
    let handler: fn(&mut Frame) = unsafe { core::mem::transmute(handler) };
    handler(frame);
    true
}

/// Counts an interrupt without handler, and ends it at the local APIC where that has to be.
pub(crate) fn count(vector: u8) {
    COUNTS[usize::from(vector)].fetch_add(1, Relaxed);
    if vector != NMI && vector != SPURIOUS {
        apic::end_of_interrupt();
    }
}

/// Counts one interrupt of `vector` from a handler.
pub fn note(vector: u8) {
    COUNTS[usize::from(vector)].fetch_add(1, Relaxed);
}
