//! Reading the log and comparing it.

use crate::pages::{FRAMES, PAGE, Pages, is_excluded};
use guest_rt::hypercall::{DIRTY_LOG, EAGAIN, call};
use guest_rt::racy::Racy;
use guest_rt::report::{Hex, Sweep};

/// Where the log of all RAM is written, among the data that is not compared.
static BITMAP: Racy<Pages> = Racy::new(Pages::NONE);

/// Reads the log of `frames` frames from `first`, again where a CPU was late. Returns the number of pages, or an error.
pub(crate) fn read(first: u64, frames: u64, buffer: u64) -> i64 {
    loop {
        let count = call(DIRTY_LOG, [first, frames, buffer]);
        if count != EAGAIN {
            return count;
        }
    }
}

/// Reads the log of all RAM: the number of pages, or an error, and the pages.
pub(crate) fn read_all() -> (i64, Pages) {
    let count = read(0, FRAMES, BITMAP.get() as u64);
    // SAFETY: the hypervisor wrote it, and nobody writes it now; volatile because the compiler does not know.
    (count, unsafe { BITMAP.get().read_volatile() })
}

/// What a reading should tell.
pub(crate) struct Expected {
    name: &'static str,
    /// Pages that were written.
    written: Pages,
    /// Pages that the processor may count as written: page tables that it walked.
    walked: Pages,
}

impl Expected {
    /// Nothing yet, in the round called `name`.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, written: Pages::NONE, walked: Pages::NONE }
    }

    /// The page of this address was written.
    pub(crate) fn page(&mut self, address: u64) {
        self.written.add(address);
    }

    /// This range was written.
    pub(crate) fn range(&mut self, address: u64, bytes: u64) {
        self.written.add_range(address, bytes);
    }

    /// The processor walked this table, and had nothing to write there.
    pub(crate) fn walked(&mut self, address: u64) {
        self.walked.add(address);
    }

    /// Reads the log and compares every page that the guest does not write at any time.
    pub(crate) fn compare(&self) {
        let (count, got) = read_all();
        let mut sweep = Sweep::new(self.name);
        let bits: u32 = got.0.iter().map(|word| word.count_ones()).sum();
        sweep.expect("the number of pages", count, bits.into());
        self.judge(&got, &mut sweep);
        sweep.finish();
    }

    /// Compares what some readings told.
    pub(crate) fn judge(&self, got: &Pages, sweep: &mut Sweep) {
        for frame in (0..FRAMES).filter(|frame| !is_excluded(*frame)) {
            if self.written.has(frame) || !self.walked.has(frame) {
                sweep.expect(Hex(frame * PAGE), got.has(frame), self.written.has(frame));
            }
        }
    }
}
