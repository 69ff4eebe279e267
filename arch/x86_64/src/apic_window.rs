//! The entry of a domain's second-level tables that maps the page of its local APICs, where the processor answers accesses to it.

use core::sync::atomic::{AtomicU64, Ordering};

/// The entry, and what it holds while the page is there.
#[derive(Debug)]
pub struct ApicWindow {
    entry: &'static AtomicU64,
    open: u64,
}

impl ApicWindow {
    /// The window that is open with what `entry` holds now.
    ///
    /// # Safety
    /// Nobody else changes the entry, and what it holds maps nothing but the page of the local APICs.
    pub(crate) unsafe fn new(entry: &'static AtomicU64) -> Self {
        Self { entry, open: entry.load(Ordering::Relaxed) }
    }

    /// Takes the page away. CPUs may remember it; a vCPU that must not see it forgets it before its next entry.
    pub fn close(&self) {
        self.entry.store(0, Ordering::Release);
    }

    /// Brings the page back. No vCPU of the domain runs.
    pub fn open(&self) {
        self.entry.store(self.open, Ordering::Release);
    }
}
