//! The three sets of interrupt vectors in the page ("Interrupt Acceptance for Fixed Interrupts").

use super::page::ApicPage;
use super::registers::{IRR, ISR, TMR};

/// 256 bits, one a vector, in eight 32-bit registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum VectorSet {
    /// ISR: interrupts in service.
    InService = ISR,
    /// TMR: those that came level-triggered.
    LevelTriggered = TMR,
    /// IRR: those that wait.
    Requested = IRR,
}

impl VectorSet {
    /// The register that holds `vector`.
    #[inline(always)]
    const fn register(self, vector: u8) -> u8 {
        self as u8 + (vector >> 5)
    }

    /// Register `index` (0 to 7) of the eight.
    #[inline(always)]
    const fn word(self, index: u8) -> u8 {
        self as u8 + (index & 7)
    }
}

#[inline(always)]
const fn bit(vector: u8) -> u32 {
    1 << (vector & 31)
}

impl ApicPage {
    /// Adds `vector` to `set`.
    #[inline(always)]
    pub(super) fn insert(&self, set: VectorSet, vector: u8) {
        let register = set.register(vector);
        self.set(register, self.get(register) | bit(vector));
    }

    /// Takes `vector` out of `set`.
    #[inline(always)]
    pub(super) fn remove(&self, set: VectorSet, vector: u8) {
        let register = set.register(vector);
        self.set(register, self.get(register) & !bit(vector));
    }

    /// Whether `vector` is in `set`.
    #[inline(always)]
    pub(super) fn contains(&self, set: VectorSet, vector: u8) -> bool {
        self.get(set.register(vector)) & bit(vector) != 0
    }

    /// The highest vector, that of the highest priority; 0 when the set is empty (no legal vector is).
    ///
    /// Most often one interrupt at a time waits or is in service, and this is asked after it left: empty is the short way.
    #[inline(always)]
    pub(super) fn highest(&self, set: VectorSet) -> u8 {
        let any = (0..8).fold(0, |any, index| any | self.get(set.word(index)));
        if any == 0 { 0 } else { self.highest_of_some(set) }
    }

    #[inline(never)]
    fn highest_of_some(&self, set: VectorSet) -> u8 {
        let highest_in = |index: u8| {
            let bit = self.get(set.word(index)).checked_ilog2()?;
            Some(index << 5 | (bit & 31) as u8)
        };
        (0..8).rev().find_map(highest_in).unwrap_or(0)
    }

    /// The set as a bitmap: vector n is bit n mod 64 of word n / 64, as in the EOI-exit bitmap.
    pub(super) fn bitmap(&self, set: VectorSet) -> [u64; 4] {
        let word = |index: u8| u64::from(self.get(set.word(index)));
        [0, 2, 4, 6].map(|low| word(low) | word(low + 1) << 32)
    }
}
