//! Pages that guests and tests share. Guests use them without caches.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_aarch64::host::cache;
use phalanx_arch_api::{Hpa, Hva};

/// Bytes of a page.
pub(crate) const PAGE: u64 = 4096;
const WORDS: usize = 512;
const PAGES: usize = 8;

#[repr(C, align(4096))]
struct Ram([[AtomicU64; WORDS]; PAGES]);

static RAM: Ram = Ram([const { [const { AtomicU64::new(0) }; WORDS] }; PAGES]);

/// One of the pages.
#[derive(Clone, Copy)]
pub(crate) struct Page(pub(crate) usize);

impl Page {
    /// Where it is.
    pub(crate) fn place(self) -> Hpa {
        Hpa::new(RAM.0[self.0].as_ptr().addr() as u64)
    }

    /// A word of it, by its offset in bytes.
    pub(crate) fn read(self, offset: usize) -> u64 {
        RAM.0[self.0][offset / 8].load(Ordering::Relaxed)
    }

    /// Writes a word.
    pub(crate) fn write(self, offset: usize, value: u64) {
        RAM.0[self.0][offset / 8].store(value, Ordering::Relaxed);
    }
}

/// Makes the pages look the same with and without caches.
pub(super) fn publish() {
    cache::clean_invalidate(Hva::new(Page(0).place().as_u64()), PAGE * PAGES as u64);
}
