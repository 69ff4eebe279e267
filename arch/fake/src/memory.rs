//! The machine's RAM.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Gpa, Hfn, Hpa, Hva};

use crate::table::walk;

/// What RAM holds after power-on: garbage.
const GARBAGE: u64 = 0xa5a5_a5a5_a5a5_a5a5;

/// A contiguous piece of RAM.
#[derive(Debug)]
pub struct Memory {
    start: Hpa,
    words: Box<[AtomicU64]>,
}

impl Memory {
    /// `frames` frames from `first` on, full of garbage.
    #[must_use]
    pub fn new(first: Hfn, frames: u64) -> Self {
        let words = (0..frames * FRAME_SIZE / 8).map(|_| AtomicU64::new(GARBAGE)).collect();
        Self { start: first.start(), words }
    }

    /// The first frame.
    #[must_use]
    pub const fn first(&self) -> Hfn {
        Hfn::containing(self.start)
    }

    /// The number of frames.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.words.len() as u64 * 8 / FRAME_SIZE
    }

    /// Where physical address 0 would be if the RAM were seen through a direct map: the base of one.
    #[must_use]
    pub fn direct_map(&self) -> Hva {
        let first = self.words.as_ptr().expose_provenance() as u64;
        Hva::new(first.wrapping_sub(self.start.as_u64()))
    }

    /// The aligned word at `hpa`, or `None` where that is not RAM.
    #[must_use]
    pub fn read_u64(&self, hpa: Hpa) -> Option<u64> {
        self.word(hpa).map(|word| word.load(Relaxed))
    }

    /// Writes the aligned word at `hpa`. `None` where that is not RAM.
    pub fn write_u64(&self, hpa: Hpa, value: u64) -> Option<()> {
        self.word(hpa).map(|word| word.store(value, Relaxed))
    }

    /// A hash of the guest's RAM from `gpa` on, seen through the tables at `root`. `None` where a part is not mapped.
    #[must_use]
    pub fn hash(&self, root: Hpa, gpa: Gpa, bytes: u64) -> Option<u64> {
        (0..bytes / 8).try_fold(bytes, |hash, word| {
            let hpa = walk(self, root, gpa.checked_add(8 * word)?)?;
            Some(crate::random::mix(hash ^ self.read_u64(hpa)?))
        })
    }

    fn word(&self, hpa: Hpa) -> Option<&AtomicU64> {
        let offset = hpa.checked_sub(self.start).filter(|offset| offset.is_multiple_of(8))?;
        self.words.get(usize::try_from(offset / 8).ok()?)
    }
}
