//! Words that follow from a seed.

/// A sequence in which no two seeds look alike.
pub(crate) struct Pattern {
    seed: u64,
    word: u64,
}

impl Pattern {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self { seed, word: seed }
    }

    /// The next word.
    pub(crate) fn next(&mut self) -> u64 {
        let word = (self.word ^ self.word >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.word = word.wrapping_add(self.seed | 1);
        self.word
    }
}
