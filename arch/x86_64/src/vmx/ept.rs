//! Extended page tables as a [`TableFormat`] (Intel SDM vol. 3C, section 30.3.2, tables 30-1 to 30-7).
//!
//! | bit | name | set in |
//! |---|---|---|
//! | 0, 1, 2 | read, write, execute | every present entry; all three in tables |
//! | 5:3 | memory type | leaves: write-back (6) or uncached (0); the guest's PAT has its say too (bit 6, "ignore PAT", is 0) |
//! | 7 | leaf | leaves of 2 MiB and 1 GiB |
//! | 8, 9 | accessed, dirty | leaves, so that the processor need not write them |
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};

const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
const WRITE_BACK: u64 = 6 << 3;
const LARGE: u64 = 1 << 7;
const ACCESSED: u64 = 1 << 8;
const DIRTY: u64 = 1 << 9;
/// Bits 12 to 51. In a large leaf the low ones are reserved, and zero here.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Whether leaves of 1 GiB may be used.
static GIGABYTE_LEAVES: AtomicBool = AtomicBool::new(false);
/// Whether the processor keeps accessed and dirty bits.
static MARKS: AtomicBool = AtomicBool::new(false);

/// Says what this processor's tables can be: leaves of 1 GiB, accessed and dirty bits (IA32_VMX_EPT_VPID_CAP bits 17, 21).
pub(super) fn set_abilities(gigabyte_leaves: bool, accessed_dirty: bool) {
    GIGABYTE_LEAVES.store(gigabyte_leaves, Ordering::Relaxed);
    MARKS.store(accessed_dirty, Ordering::Relaxed);
}

/// Extended page tables.
#[derive(Debug)]
pub enum ExtendedPaging {}

impl TableFormat for ExtendedPaging {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = 52;
    const NEEDS_BREAK_BEFORE_MAKE: bool = false;

    fn largest_leaf() -> Level {
        if GIGABYTE_LEAVES.load(Ordering::Relaxed) { Level::L3 } else { Level::L2 }
    }

    fn encode_table(table: Hpa) -> u64 {
        table.as_u64() & ADDRESS | READ | WRITE | EXECUTE
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        let bit = |condition, bit| if condition { bit } else { 0 };
        output.as_u64() & ADDRESS
            | READ
            | ACCESSED
            | DIRTY
            | bit(permissions.write, WRITE)
            | bit(permissions.execute, EXECUTE)
            | bit(memory_type == MemoryType::WriteBack, WRITE_BACK)
            | bit(level != Level::L1, LARGE)
    }

    fn decode(level: Level, value: u64) -> Entry {
        if value & (READ | WRITE | EXECUTE) == 0 {
            return Entry::Absent;
        }
        let address = value & ADDRESS;
        if level != Level::L1 && value & LARGE == 0 {
            return Entry::Table(Hpa::new(address));
        }
        Entry::Leaf {
            output: Hpa::new(address & !(level.bytes() - 1)),
            permissions: Permissions {
                read: value & READ != 0,
                write: value & WRITE != 0,
                execute: value & EXECUTE != 0,
            },
            memory_type: if value & WRITE_BACK == WRITE_BACK { MemoryType::WriteBack } else { MemoryType::Uncached },
        }
    }

    fn dirty_mark() -> u64 {
        if MARKS.load(Ordering::Relaxed) { DIRTY } else { 0 }
    }
}

/// The EPT pointer for tables with this root: write-back, four levels, accessed and dirty bits where the processor has them
/// (vol. 3C, table 26-9).
pub const fn pointer(root: Hpa, accessed_dirty: bool) -> u64 {
    root.as_u64() | 6 | 3 << 3 | (accessed_dirty as u64) << 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_round_trip() {
        for level in [Level::L1, Level::L2, Level::L3] {
            for permissions in [Permissions::R, Permissions::RW, Permissions::RX, Permissions::RWX] {
                for memory_type in [MemoryType::WriteBack, MemoryType::Uncached] {
                    let output = Hpa::new(5 * level.bytes());
                    let value = ExtendedPaging::encode_leaf(level, output, permissions, memory_type);
                    assert_eq!(ExtendedPaging::decode(level, value), Entry::Leaf { output, permissions, memory_type });
                }
            }
        }
    }

    #[test]
    fn golden_values() {
        let hpa = Hpa::new(0x1234_5000);
        assert_eq!(ExtendedPaging::encode_table(hpa), 0x1234_5007);
        let leaf = ExtendedPaging::encode_leaf(Level::L1, hpa, Permissions::RWX, MemoryType::WriteBack);
        assert_eq!(leaf, 0x1234_5337);
        let large = Hpa::new(0x4020_0000);
        let leaf = ExtendedPaging::encode_leaf(Level::L2, large, Permissions::RW, MemoryType::Uncached);
        assert_eq!(leaf, 0x4020_0383);
        assert_eq!(pointer(hpa, true), 0x1234_505e);
        assert_eq!(pointer(hpa, false), 0x1234_501e);
    }

    #[test]
    fn tables_and_absent_entries() {
        for level in [Level::L2, Level::L3, Level::L4] {
            let table = Hpa::new(0x7000);
            assert_eq!(ExtendedPaging::decode(level, ExtendedPaging::encode_table(table)), Entry::Table(table));
            assert_eq!(ExtendedPaging::decode(level, 0), Entry::Absent);
        }
        assert_eq!(ExtendedPaging::decode(Level::L1, !7), Entry::Absent);
    }
}
