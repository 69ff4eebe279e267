//! Levels of a table tree with 4 KiB tables of 512 entries.

use crate::addr::FRAME_SHIFT;

/// Entries in one table: 4 KiB of 8 bytes.
pub const ENTRIES: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 9;

/// A level, counted from the leaves as the x86 manuals do (Arm counts from the root: its level 3 is [`Level::L1`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Entries of 4 KiB.
    L1 = 1,
    /// Entries of 2 MiB.
    L2 = 2,
    /// Entries of 1 GiB.
    L3 = 3,
    /// Entries of 512 GiB, always tables.
    L4 = 4,
}

impl Level {
    /// log2 of [`Level::bytes`].
    #[must_use]
    pub const fn shift(self) -> u32 {
        FRAME_SHIFT + INDEX_BITS * (self as u32 - 1)
    }

    /// Bytes that one entry of this level translates.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        1 << self.shift()
    }

    /// The level of the tables that this level's entries point to.
    #[must_use]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::L1 => None,
            Self::L2 => Some(Self::L1),
            Self::L3 => Some(Self::L2),
            Self::L4 => Some(Self::L3),
        }
    }

    /// The entry that translates `address` in its table of this level.
    #[must_use]
    pub const fn index(self, address: u64) -> usize {
        (address >> self.shift()) as usize & (ENTRIES - 1)
    }
}
