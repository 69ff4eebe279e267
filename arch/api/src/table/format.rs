//! The descriptor of one table format.

use super::{Entry, Level, MemoryType, Permissions};
use crate::{Gpa, Hpa, Hva};

/// An address that a table translates.
pub trait InputAddress: Copy + 'static {
    /// The address with this numeric value.
    fn from_bits(bits: u64) -> Self;
    /// The numeric value.
    fn to_bits(self) -> u64;
}

impl InputAddress for Gpa {
    fn from_bits(bits: u64) -> Self {
        Self::new(bits)
    }

    fn to_bits(self) -> u64 {
        self.as_u64()
    }
}

impl InputAddress for Hva {
    fn from_bits(bits: u64) -> Self {
        Self::new(bits)
    }

    fn to_bits(self) -> u64 {
        self.as_u64()
    }
}

/// How one kind of table spells its entries. All functions are pure.
///
/// The value 0 is an absent entry in every format; that is what makes a zeroed frame an empty table.
pub trait TableFormat: 'static {
    /// What the tables translate: [`Gpa`] in a second level, [`Hva`] in the host's own.
    type Input: InputAddress;

    /// The level of the root table. Constant after boot.
    fn root() -> Level {
        Level::L4
    }

    /// Bits of a physical address that an entry can hold.
    const OUTPUT_BITS: u32;

    /// Whether a valid entry must be made absent, and the TLBs be told, before it may point elsewhere or change its
    /// size (Arm ARM, D8.16.1 "Using break-before-make when updating translation table entries").
    const NEEDS_BREAK_BEFORE_MAKE: bool;

    /// The highest level at which this machine takes leaves.
    fn largest_leaf() -> Level;

    /// Whether all of `first ..= last` are addresses that the tables can translate.
    fn reaches(first: Self::Input, last: Self::Input) -> bool {
        let bits = Self::root().shift() + 9;
        first.to_bits() <= last.to_bits() && last.to_bits() >> bits == 0
    }

    /// Whether a leaf can grant exactly these permissions.
    fn can_express(permissions: Permissions) -> bool {
        permissions.read
    }

    /// The entry that points to the table at `table`, with no restriction of its own.
    fn encode_table(table: Hpa) -> u64;

    /// The entry that translates to `output`, which is a multiple of `level.bytes()`.
    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64;

    /// What an entry in a table of this level means. Total.
    fn decode(level: Level, value: u64) -> Entry;

    /// The bit that the processor sets in a leaf of 4 KiB when it writes through it, as [`Self::encode_leaf`] sets it from
    /// the start; 0 where this machine's processors keep no such mark. Constant after boot.
    ///
    /// What a guest's own page-table walk touches counts as written, on every processor that has the mark (AMD APM vol. 2,
    /// 15.25.5; Intel SDM vol. 3C, 30.3.5).
    fn dirty_mark() -> u64 {
        0
    }
}
