//! What belongs to one vCPU: its attention word, the direct ways into a list register, and its private state.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use spin::Mutex;

use super::bits::byte;
use super::private::{Private, SGI_COUNT, SGIS};
use crate::gic::{Gic, Version};

/// Attention: bits 0 to 15 are SGIs from other vCPUs; this one asks for a fold and a fill.
const LOOK: u32 = 1 << 31;

/// Direct ways 0 to 15 are SGIs; this one is the virtual timer.
pub(super) const TIMER_SLOT: usize = 16;

/// A list register's value, prepared, and the list register that it goes to.
#[derive(Debug)]
struct Direct {
    raw: AtomicU64,
    home: AtomicU8,
}

/// One vCPU. `#[repr(align)]`: no two share a line of the cache.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Cell {
    /// What others did to it since its last fold. Set with `Release`, taken with `Acquire`.
    attention: AtomicU32,
    /// Bit n: `direct[n]` may be used, if its home is empty. Only the CPU where it is loaded sets bits, in its lock.
    open: AtomicU32,
    direct: [Direct; TIMER_SLOT + 1],
    /// GICv2: the vCPUs that sent each SGI in `attention`.
    sources: [AtomicU8; SGI_COUNT as usize],
    /// PPI levels that were driven last, to leave the lock alone where nothing changes.
    pub(super) levels: AtomicU32,
    pub(super) private: Mutex<Private>,
}

impl Cell {
    pub(super) const fn new(version: Version) -> Self {
        Self {
            attention: AtomicU32::new(0),
            open: AtomicU32::new(0),
            direct: [const { Direct { raw: AtomicU64::new(0), home: AtomicU8::new(0) } }; TIMER_SLOT + 1],
            sources: [const { AtomicU8::new(0) }; SGI_COUNT as usize],
            levels: AtomicU32::new(0),
            private: Mutex::new(Private::new(version)),
        }
    }

    pub(super) fn reset(&self, version: Version) {
        self.attention.store(0, Ordering::Relaxed);
        self.close();
        self.sources.iter().for_each(|sources| sources.store(0, Ordering::Relaxed));
        self.levels.store(0, Ordering::Relaxed);
        *self.private.lock() = Private::new(version);
    }

    /// Asks for a fold and a fill.
    pub(super) fn alert(&self) {
        self.attention.fetch_or(LOOK, Ordering::Release);
    }

    /// Somebody did something to this vCPU.
    #[inline(always)]
    pub(super) fn has_attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed) != 0
    }

    /// An SGI from another vCPU.
    #[inline(always)]
    pub(super) fn post_sgi(&self, version: Version, sgi: u32, sender: u8) {
        if version == Version::V2
            && let Some(sources) = self.sources.get(sgi as usize)
        {
            sources.fetch_or(1 << (sender & 7), Ordering::Release);
        }
        self.attention.fetch_or(1 << (sgi & 15), Ordering::Release);
    }

    /// Takes the attention word: the SGIs in it, if they are all that there is.
    #[inline(always)]
    pub(super) fn take_only_sgis(&self) -> Option<u32> {
        let attention = self.attention.load(Ordering::Relaxed);
        if attention & LOOK != 0 {
            return None;
        }
        self.attention.compare_exchange(attention, 0, Ordering::Acquire, Ordering::Relaxed).ok()
    }

    /// Takes the attention word: the SGIs in it.
    pub(super) fn take_attention(&self) -> u32 {
        self.attention.swap(0, Ordering::Acquire) & SGIS
    }

    /// Takes the SGIs of the attention word and leaves the rest.
    pub(super) fn take_sgis(&self) -> u32 {
        self.attention.fetch_and(!SGIS, Ordering::Acquire) & SGIS
    }

    /// The senders of an SGI that was in the attention word. GICv3 does not tell them apart.
    #[inline(always)]
    pub(super) fn take_sources(&self, version: Version, sgi: u32) -> u8 {
        match (version, self.sources.get(sgi as usize)) {
            (Version::V2, Some(sources)) => sources.swap(0, Ordering::Acquire),
            _ => 1,
        }
    }

    /// Writes the prepared list register of a direct way, joined with `more`. False: the way is closed.
    ///
    /// HOT. An interrupt that is in a list register is always in its home; so where that is empty, it is nowhere.
    #[inline(always)]
    pub(super) fn inject<G: Gic>(&self, slot: usize, more: u64) -> bool {
        let Some(direct) = self.direct.get(slot) else { return false };
        let home = direct.home.load(Ordering::Relaxed);
        if self.open.load(Ordering::Relaxed) >> slot & G::empty() >> (home & 31) & 1 == 0 {
            return false;
        }
        G::write_raw(usize::from(home), direct.raw.load(Ordering::Relaxed) | more);
        true
    }

    /// Prepares a direct way.
    pub(super) fn prepare(&self, slot: usize, raw: u64) {
        if let Some(direct) = self.direct.get(slot) {
            direct.raw.store(raw, Ordering::Relaxed);
        }
    }

    /// An interrupt goes into list register `n`: its home from now on.
    pub(super) fn set_home(&self, slot: usize, n: u32) {
        if let Some(direct) = self.direct.get(slot) {
            direct.home.store(byte(n), Ordering::Relaxed);
        }
    }

    /// Opens these direct ways and closes the others.
    pub(super) fn open(&self, slots: u32) {
        self.open.store(slots, Ordering::Relaxed);
    }

    /// Closes all direct ways.
    pub(super) fn close(&self) {
        self.open(0);
    }
}
