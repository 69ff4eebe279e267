//! Long-mode page tables as [`TableFormat`]s: the host's own, and AMD's nested paging, which shares the entries.
//!
//! AMD APM vol. 2, 5.3 "Long-Mode Page Translation", 5.4 "Page-Translation-Table Entry Fields", 15.25 "Nested Paging";
//! Intel SDM vol. 3A, 4.5 "4-Level Paging".
//!
//! | bit | name | set in |
//! |---|---|---|
//! | 0 | P | every entry |
//! | 1 | R/W | tables; writable leaves |
//! | 2 | U/S | all of nested paging, whose every access counts as a user's (APM 15.25.5); none of the host's |
//! | 3, 4 | PWT, PCD | uncached leaves: PAT entry 3, UC since reset |
//! | 5, 6 | A, D | leaves, so that the processor need not write them; A in tables too. A tree that tells which pages are written starts with D clear |
//! | 7 | PS | leaves of 2 MiB and 1 GiB |
//! | 63 | NX | leaves that are not executable; needs EFER.NXE in the host |

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa, Hva};

const PRESENT: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const UNCACHED: u64 = 1 << 3 | 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;
/// Bits 12 to 51. In a large leaf the low ones are reserved or PAT, and zero here.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const ADDRESS_BITS: u32 = 52;

/// Whether leaves of 1 GiB may be used.
static GIGABYTE_LEAVES: AtomicBool = AtomicBool::new(false);

/// Lets new mappings use leaves of 1 GiB, where every processor has them (CPUID 8000_0001, EDX bit 26).
pub fn enable_gigabyte_leaves() {
    GIGABYTE_LEAVES.store(true, Ordering::Relaxed);
}

/// The host's own page tables (CR3).
#[derive(Debug)]
pub enum HostPaging {}

/// Nested page tables (the VMCB's N_CR3).
#[derive(Debug)]
pub enum NestedPaging {}

impl TableFormat for HostPaging {
    type Input = Hva;
    const OUTPUT_BITS: u32 = ADDRESS_BITS;
    const NEEDS_BREAK_BEFORE_MAKE: bool = false;

    fn largest_leaf() -> Level {
        largest_leaf()
    }

    /// Canonical addresses: bits 47 to 63 are equal, and the same for the whole range.
    fn reaches(first: Hva, last: Hva) -> bool {
        let half = first.as_u64() >> 47;
        first <= last && half == last.as_u64() >> 47 && matches!(half, 0 | 0x1_ffff)
    }

    fn encode_table(table: Hpa) -> u64 {
        encode_table(table)
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        encode_leaf(level, output, permissions, memory_type)
    }

    fn decode(level: Level, value: u64) -> Entry {
        decode(level, value)
    }
}

impl TableFormat for NestedPaging {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = ADDRESS_BITS;
    const NEEDS_BREAK_BEFORE_MAKE: bool = false;

    fn largest_leaf() -> Level {
        largest_leaf()
    }

    fn encode_table(table: Hpa) -> u64 {
        encode_table(table) | USER
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        encode_leaf(level, output, permissions, memory_type) | USER
    }

    fn decode(level: Level, value: u64) -> Entry {
        decode(level, value)
    }

    /// Every processor with nested paging sets it (AMD APM vol. 2, 15.25.5).
    fn dirty_mark() -> u64 {
        DIRTY
    }
}

fn largest_leaf() -> Level {
    if GIGABYTE_LEAVES.load(Ordering::Relaxed) { Level::L3 } else { Level::L2 }
}

const fn encode_table(table: Hpa) -> u64 {
    table.as_u64() & ADDRESS | PRESENT | WRITE | ACCESSED
}

fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
    let bit = |condition, bit| if condition { bit } else { 0 };
    output.as_u64() & ADDRESS
        | PRESENT
        | ACCESSED
        | DIRTY
        | bit(permissions.write, WRITE)
        | bit(!permissions.execute, NO_EXECUTE)
        | bit(memory_type == MemoryType::Uncached, UNCACHED)
        | bit(level != Level::L1, LARGE)
}

const fn decode(level: Level, value: u64) -> Entry {
    if value & PRESENT == 0 {
        return Entry::Absent;
    }
    let address = value & ADDRESS;
    if !matches!(level, Level::L1) && value & LARGE == 0 {
        return Entry::Table(Hpa::new(address));
    }
    Entry::Leaf {
        output: Hpa::new(address & !(level.bytes() - 1)),
        permissions: Permissions { read: true, write: value & WRITE != 0, execute: value & NO_EXECUTE == 0 },
        memory_type: if value & UNCACHED == 0 { MemoryType::WriteBack } else { MemoryType::Uncached },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Level; 3] = [Level::L1, Level::L2, Level::L3];
    const PERMISSIONS: [Permissions; 4] = [Permissions::R, Permissions::RW, Permissions::RX, Permissions::RWX];

    /// Every leaf decodes to what was encoded; nested entries are all a user's and the host's never.
    fn check_leaves<F: TableFormat>(user: u64) {
        for level in LEVELS {
            for permissions in PERMISSIONS {
                for memory_type in [MemoryType::WriteBack, MemoryType::Uncached] {
                    let output = Hpa::new(5 * level.bytes());
                    let value = F::encode_leaf(level, output, permissions, memory_type);
                    assert_eq!(F::decode(level, value), Entry::Leaf { output, permissions, memory_type });
                    assert_eq!(value & USER, user);
                }
            }
        }
    }

    #[test]
    fn leaves_round_trip() {
        check_leaves::<HostPaging>(0);
        check_leaves::<NestedPaging>(USER);
    }

    #[test]
    fn golden_values() {
        let hpa = Hpa::new(0x1234_5000);
        let large = Hpa::new(0x4020_0000);
        assert_eq!(HostPaging::encode_table(hpa), 0x1234_5023);
        assert_eq!(NestedPaging::encode_table(hpa), 0x1234_5027);
        let leaf = HostPaging::encode_leaf(Level::L1, hpa, Permissions::RX, MemoryType::WriteBack);
        assert_eq!(leaf, 0x1234_5061);
        let leaf = HostPaging::encode_leaf(Level::L1, hpa, Permissions::RW, MemoryType::Uncached);
        assert_eq!(leaf, 0x8000_0000_1234_507b);
        let leaf = NestedPaging::encode_leaf(Level::L2, large, Permissions::RWX, MemoryType::WriteBack);
        assert_eq!(leaf, 0x4020_00e7);
    }

    #[test]
    fn the_processor_marks_what_is_written_in_nested_tables() {
        let leaf = NestedPaging::encode_leaf(Level::L1, Hpa::new(0x7000), Permissions::RWX, MemoryType::WriteBack);
        assert_eq!((NestedPaging::dirty_mark(), leaf & NestedPaging::dirty_mark()), (1 << 6, 1 << 6));
        assert_eq!(HostPaging::dirty_mark(), 0, "nobody asks for the host's");
    }

    #[test]
    fn tables_and_absent_entries() {
        for level in [Level::L2, Level::L3, Level::L4] {
            let table = Hpa::new(0x7000);
            assert_eq!(NestedPaging::decode(level, NestedPaging::encode_table(table)), Entry::Table(table));
            assert_eq!(HostPaging::decode(level, 0), Entry::Absent);
        }
        assert_eq!(HostPaging::decode(Level::L1, !PRESENT), Entry::Absent);
    }

    #[test]
    fn the_host_translates_canonical_addresses_only() {
        let reaches = |first, last| HostPaging::reaches(Hva::new(first), Hva::new(last));
        assert!(reaches(0, 0x7fff_ffff_ffff));
        assert!(reaches(0xffff_8000_0000_0000, u64::MAX));
        assert!(!reaches(0x7fff_ffff_f000, 0x8000_0000_0fff));
        assert!(!reaches(0x1000, 0xffff_8000_0000_0fff));
        assert!(!reaches(0x2000, 0x1fff));
    }

    #[test]
    fn nested_paging_translates_48_bits() {
        assert!(NestedPaging::reaches(Gpa::new(0), Gpa::new((1 << 48) - 1)));
        assert!(!NestedPaging::reaches(Gpa::new(0), Gpa::new(1 << 48)));
    }
}
