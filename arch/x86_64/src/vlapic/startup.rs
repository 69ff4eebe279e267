//! INIT and start-up IPIs on their way, in one word so that their order survives ("MP Initialization Protocol").

use core::sync::atomic::{AtomicU32, Ordering};

/// Bits 7:0 hold the vector of a start-up IPI.
const SIPI: u32 = 1 << 8;
const INIT: u32 = 1 << 9;

/// At most one INIT followed by at most one start-up IPI.
///
/// Posts are `Release` and the take is `Acquire`, as for the vectors beside it.
#[derive(Debug)]
pub(super) struct StartupSlot(AtomicU32);

impl StartupSlot {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// INIT overtakes: a start-up IPI that waits here was sent before it and is void.
    pub(super) fn post_init(&self) {
        self.0.store(INIT, Ordering::Release);
    }

    /// Of several start-up IPIs the first counts, as the processor leaves its wait state with it.
    pub(super) fn post_sipi(&self, vector: u8) {
        let add = |slot: u32| (slot & SIPI == 0).then_some(slot | SIPI | u32::from(vector));
        // An error says that one waits already: then there is nothing to add.
        let _ = self.0.fetch_update(Ordering::Release, Ordering::Relaxed, add);
    }

    /// Takes both: whether INIT came, and the vector of the start-up IPI after it.
    pub(super) fn take(&self) -> (bool, Option<u8>) {
        let slot = self.0.swap(0, Ordering::Acquire);
        let sipi = (slot & SIPI != 0).then_some((slot & 0xff) as u8);
        (slot & INIT != 0, sipi)
    }
}
