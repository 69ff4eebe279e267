//! A set of interrupt vectors: the shape of IRR, ISR and TMR ("Interrupt Acceptance for Fixed Interrupts").

/// 256 bits, one a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VectorSet {
    words: [u64; 4],
}

impl VectorSet {
    /// No vector.
    pub(super) const EMPTY: Self = Self { words: [0; 4] };

    /// Adds `vector`.
    #[inline]
    pub(super) fn insert(&mut self, vector: u8) {
        if let Some(word) = self.words.get_mut(usize::from(vector >> 6)) {
            *word |= 1 << (vector & 63);
        }
    }

    /// Takes `vector` out.
    #[inline]
    pub(super) fn remove(&mut self, vector: u8) {
        if let Some(word) = self.words.get_mut(usize::from(vector >> 6)) {
            *word &= !(1 << (vector & 63));
        }
    }

    /// Adds `vector` when `member`, takes it out otherwise.
    #[inline]
    pub(super) fn assign(&mut self, vector: u8, member: bool) {
        if member { self.insert(vector) } else { self.remove(vector) }
    }

    /// Whether `vector` is in the set.
    #[inline]
    pub(super) fn contains(&self, vector: u8) -> bool {
        self.words.get(usize::from(vector >> 6)).is_some_and(|word| word >> (vector & 63) & 1 != 0)
    }

    /// The highest vector, that of the highest priority; 0 when the set is empty (no legal vector is).
    #[inline]
    pub(super) fn highest(&self) -> u8 {
        let [w0, w1, w2, w3] = self.words;
        if w3 | w2 != 0 {
            if w3 != 0 { 192 | highest_bit(w3) } else { 128 | highest_bit(w2) }
        } else if w1 | w0 != 0 {
            if w1 != 0 { 64 | highest_bit(w1) } else { highest_bit(w0) }
        } else {
            0
        }
    }

    /// The 32-bit register `index` (0 to 7) of the eight that show the set to software.
    #[inline]
    pub(super) fn register(&self, index: u8) -> u32 {
        let word = self.words.get(usize::from(index >> 1)).copied().unwrap_or(0);
        (word >> (32 * (index & 1)) & 0xffff_ffff) as u32
    }
}

/// The index of the highest bit of a word that is not zero.
#[inline]
fn highest_bit(word: u64) -> u8 {
    (word.checked_ilog2().unwrap_or(0) & 63) as u8
}
