//! The mapper on formats of our own, over a memory that records every write.

mod basic;
mod harvest;
mod history;
mod model;
mod recorder;
mod refusal;

use super::{Entry, Level, Mapping, MemoryType, Permissions, TableFormat};
use crate::{Gpa, Hpa};

/// A format for tests: bit 0 present, 1 leaf, 2 to 4 rwx, 5 uncached, 6 written.
pub(super) enum Toy<const BREAK_BEFORE_MAKE: bool> {}

/// As x86: entries may be replaced in place.
pub(super) type InPlace = Toy<false>;
/// As Arm: break-before-make.
pub(super) type Strict = Toy<true>;

impl<const BREAK_BEFORE_MAKE: bool> TableFormat for Toy<BREAK_BEFORE_MAKE> {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = 48;
    const NEEDS_BREAK_BEFORE_MAKE: bool = BREAK_BEFORE_MAKE;

    fn largest_leaf() -> Level {
        Level::L3
    }

    fn encode_table(table: Hpa) -> u64 {
        table.as_u64() | 1
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        assert!(output.is_aligned(level.bytes()), "{output} in a leaf of {level:?}");
        let Permissions { read, write, execute } = permissions;
        let uncached = memory_type == MemoryType::Uncached;
        let bits = [true, true, read, write, execute, uncached, true];
        bits.iter().enumerate().fold(output.as_u64(), |value, (bit, set)| value | u64::from(*set) << bit)
    }

    fn decode(_level: Level, value: u64) -> Entry {
        let bit = |bit: u32| value >> bit & 1 != 0;
        let output = Hpa::new(value).align_down(4096);
        match (bit(0), bit(1)) {
            (false, _) => Entry::Absent,
            (true, false) => Entry::Table(output),
            (true, true) => Entry::Leaf {
                output,
                permissions: Permissions { read: bit(2), write: bit(3), execute: bit(4) },
                memory_type: if bit(5) { MemoryType::Uncached } else { MemoryType::WriteBack },
            },
        }
    }

    fn dirty_mark() -> u64 {
        MARK
    }
}

/// The toy's mark of a written page.
pub(super) const MARK: u64 = 1 << 6;
pub(super) const PAGE: u64 = 4 << 10;
pub(super) const LARGE: u64 = 2 << 20;
pub(super) const GIANT: u64 = 1 << 30;

/// A mapping of plain RAM.
pub(super) fn ram(input: u64, output: u64, bytes: u64) -> Mapping<Gpa> {
    Mapping {
        input: Gpa::new(input),
        output: Hpa::new(output),
        bytes,
        permissions: Permissions::RWX,
        memory_type: MemoryType::WriteBack,
    }
}
