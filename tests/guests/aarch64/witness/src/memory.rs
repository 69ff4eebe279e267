//! The memory that is watched: all RAM but the guest's image and its device tree.

use guest_arm_rt::paging;
use guest_arm_rt::start_info::{self, Range};

const MAX_RANGES: usize = 32;
const PAGE: u64 = 4096;

/// RAM ranges with a pattern that follows from the seed and the address of each 8-byte word.
pub(crate) struct Memory {
    seed: u64,
    ranges: [Range; MAX_RANGES],
    used: usize,
}

impl Memory {
    /// Takes what the memory map calls RAM, up to `limit` MiB.
    pub(crate) fn claim(seed: u64, limit: u64) -> Self {
        let mut memory = Self { seed, ranges: [Range::default(); MAX_RANGES], used: 0 };
        let mut taken = [start_info::image(), start_info::tree()];
        taken.sort_unstable_by_key(|range| range.start);
        let mut left = limit << 20;
        for ram in start_info::ram() {
            let mut start = ram.start;
            for range in taken {
                memory.add(start, range.start.min(ram.end), &mut left);
                start = start.max(range.end);
            }
            memory.add(start, ram.end, &mut left);
        }
        memory
    }

    fn add(&mut self, start: u64, end: u64, left: &mut u64) {
        let start = start.next_multiple_of(PAGE);
        let end = end.min(paging::IDENTITY_END) / PAGE * PAGE;
        if start < end && *left > 0 && self.used < MAX_RANGES {
            let bytes = (end - start).min(*left);
            *left -= bytes;
            self.ranges[self.used] = Range { start, end: start + bytes };
            self.used += 1;
        }
    }

    pub(crate) fn ranges(&self) -> &[Range] {
        &self.ranges[..self.used]
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.ranges().iter().map(|r| r.end - r.start).sum()
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.ranges().iter().flat_map(|r| (r.start..r.end).step_by(8))
    }

    /// Writes the pattern.
    pub(crate) fn fill(&self) {
        for address in self.words() {
            // SAFETY: RAM of the memory map outside the image; nothing else lives there.
            unsafe { (address as *mut u64).write_volatile(pattern(self.seed, address)) };
        }
    }

    /// Hash over the memory as it is.
    pub(crate) fn hash(&self) -> u64 {
        self.words().fold(self.seed, |hash, address| absorb(hash, load(address)))
    }

    /// Hash over the memory as it should be.
    pub(crate) fn expected_hash(&self) -> u64 {
        self.words().fold(self.seed, |hash, address| absorb(hash, pattern(self.seed, address)))
    }

    /// The first word that differs from the pattern: its address, what it holds, what it should hold.
    pub(crate) fn first_difference(&self) -> Option<(u64, u64, u64)> {
        let words = self.words().map(|address| (address, load(address), pattern(self.seed, address)));
        words.into_iter().find(|&(_, got, want)| got != want)
    }
}

fn load(address: u64) -> u64 {
    // SAFETY: as for the write in `fill`.
    unsafe { (address as *const u64).read_volatile() }
}

/// One step of a multiplicative hash (the multiplier is 2^64 divided by the golden ratio).
fn absorb(hash: u64, word: u64) -> u64 {
    (hash ^ word).rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The word at `address`: no two addresses and no two seeds look alike.
fn pattern(seed: u64, address: u64) -> u64 {
    absorb(absorb(seed, address), 0)
}
