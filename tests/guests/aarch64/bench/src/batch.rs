//! Batches: how a row is made of many runs of one loop.

use core::fmt::{self, Display};
use guest_arm_rt::{report, start_info};

/// Operations in a batch.
pub(crate) const OPERATIONS: u64 = 64;
const BATCHES: usize = 8;

/// What a loop returns: the ticks between its two readings of the counter, and the operations that did not complete.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) ticks: u64,
    pub(crate) missed: u64,
}

/// Runs the loop for warm-up, then in batches; the row is the quickest batch divided by its operations.
pub(crate) fn measure(name: &str, run: fn() -> Batch) {
    run();
    let batches: [Batch; BATCHES] = core::array::from_fn(|_| run());
    let missed: u64 = batches.iter().map(|b| b.missed).sum();
    report::check(Name(name, "-complete"), missed, 0);
    if missed != 0 {
        return;
    }
    let ticks = batches.map(|b| b.ticks);
    report::row(name, ticks.iter().min().unwrap_or(&0) / OPERATIONS);
    if start_info::has_word("counting") {
        let steady = ticks[BATCHES / 2..].iter().all(|&t| t == ticks[BATCHES - 1]);
        report::check(Name(name, "-steady"), if steady { &ticks[..0] } else { &ticks[..] }, &[]);
    }
}

struct Name<'a>(&'a str, &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}
