//! Interrupts: a count for every INTID, and a function where a test wants one.

use crate::gic;
use crate::trap::Frame;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// INTIDs that the virtual machine has: SGIs, PPIs and 64 SPIs; and the special ones at the end.
const TRACKED: usize = 96;
/// INTID: nothing is pending.
pub const NONE: u32 = 1023;

static HANDLERS: [AtomicUsize; TRACKED] = [const { AtomicUsize::new(0) }; TRACKED];
static COUNTS: [AtomicU64; TRACKED] = [const { AtomicU64::new(0) }; TRACKED];
static SPURIOUS: AtomicU64 = AtomicU64::new(0);

/// Runs `handler` with the raw acknowledged value in place of counting and ending; a handler ends its interrupt itself.
pub fn set_handler(intid: u32, handler: fn(u32)) {
    HANDLERS[intid as usize].store(handler as usize, Relaxed);
}

/// Counts `intid` again instead of running a handler.
pub fn clear_handler(intid: u32) {
    HANDLERS[intid as usize].store(0, Relaxed);
}

/// How many interrupts of `intid` were counted.
pub fn received(intid: u32) -> u64 {
    COUNTS[intid as usize].load(Relaxed)
}

/// Sets the count of `intid` to 0.
pub fn forget(intid: u32) {
    COUNTS[intid as usize].store(0, Relaxed);
}

/// Counts one interrupt of `intid` from a handler.
pub fn note(intid: u32) {
    COUNTS[intid as usize].fetch_add(1, Relaxed);
}

/// How often an interrupt was gone when it was acknowledged.
pub fn spurious() -> u64 {
    SPURIOUS.load(Relaxed)
}

/// Acknowledges one interrupt and runs its handler, or counts and ends it.
pub(crate) fn handle(_: &mut Frame) {
    let raw = gic::acknowledge();
    let intid = gic::intid(raw) as usize;
    if intid >= TRACKED {
        SPURIOUS.fetch_add(1, Relaxed);
        return;
    }
    let handler = HANDLERS[intid].load(Relaxed);
    if handler == 0 {
        COUNTS[intid].fetch_add(1, Relaxed);
        return gic::end(raw);
    }
    // SAFETY: `set_handler` stored a function of this type.
    let handler: fn(u32) = unsafe { core::mem::transmute(handler) };
    handler(raw);
}
