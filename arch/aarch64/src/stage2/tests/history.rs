//! Trees of stage-2 descriptors, walked as the processor walks them, and every write checked for break-before-make.

use std::collections::BTreeMap;
use std::vec::Vec;

use phalanx_arch_api::Hfn;
use phalanx_arch_api::table::{Mapper, Mapping, TableMemory};
use proptest::prelude::*;

use super::*;

const PAGE: u64 = 0x1000;
/// Pages that the operations touch: around the edges of blocks of 2 MiB.
const PAGES: u64 = 3 * 512;
const VALID: u64 = 1;
/// What may change in a valid descriptor without a break: S2AP and XN.
const CHANGEABLE: u64 = 3 << 6 | 3 << 53;

/// Stage 2 with a fixed depth.
#[derive(Debug)]
enum Fixed<const FOUR_LEVELS: bool> {}

impl<const FOUR_LEVELS: bool> TableFormat for Fixed<FOUR_LEVELS> {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = Stage2::OUTPUT_BITS;
    const NEEDS_BREAK_BEFORE_MAKE: bool = Stage2::NEEDS_BREAK_BEFORE_MAKE;

    fn root() -> Level {
        Geometry::new(if FOUR_LEVELS { 48 } else { 40 }).root()
    }

    fn largest_leaf() -> Level {
        Stage2::largest_leaf()
    }

    fn encode_table(table: Hpa) -> u64 {
        Stage2::encode_table(table)
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        Stage2::encode_leaf(level, output, permissions, memory_type)
    }

    fn decode(level: Level, value: u64) -> Entry {
        Stage2::decode(level, value)
    }
}

/// Tables, and which entries were broken without the TLBs having been told.
#[derive(Default)]
struct Memory {
    tables: BTreeMap<u64, Vec<u64>>,
    broken: BTreeMap<(u64, usize), u64>,
    next: u64,
}

impl Memory {
    /// The processor's walk, by the manual: output address and whether stores are allowed.
    fn walk(&self, root: Hpa, four_levels: bool, address: u64) -> Option<(u64, bool)> {
        let mut table = root.as_u64() >> 12;
        for shift in [39, 30, 21, 12].into_iter().skip(usize::from(!four_levels)) {
            let value = self.tables[&table][(address >> shift) as usize & 511];
            let address_field = value & 0xffff_ffff_f000;
            match (value & 3, shift) {
                (0 | 2, _) => return None,
                (3, 21 | 30 | 39) => table = address_field >> 12,
                (3, 12) | (1, 21 | 30) => {
                    assert_eq!(
                        value >> 2 & 0xff,
                        if value >> 7 & 1 == 1 { 0xff } else { 0xdf },
                        "normal, cached, read"
                    );
                    assert_eq!(value >> 10 & 1, 1, "the access flag");
                    return Some((address_field + (address & ((1 << shift) - 1)), value >> 7 & 1 == 1));
                }
                reserved => panic!("{reserved:?}"),
            }
        }
        unreachable!("the last level has no tables")
    }
}

impl TableMemory<Gpa> for Memory {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        self.tables[&table.number()][index]
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        let key = (table.number(), index);
        let old = self.tables[&key.0][index];
        if old & VALID != 0 && value & VALID != 0 {
            assert_eq!(old & !CHANGEABLE, value & !CHANGEABLE, "made without a break");
        }
        match self.broken.get(&key) {
            Some(before) if value & VALID != 0 => assert_eq!(before & !CHANGEABLE, value & !CHANGEABLE, "not told"),
            None if old & VALID != 0 && value & VALID == 0 => drop(self.broken.insert(key, old)),
            _ => {}
        }
        self.tables.get_mut(&key.0).unwrap()[index] = value;
    }

    fn allocate(&mut self) -> Option<Hfn> {
        self.next += 1;
        self.tables.insert(self.next, vec![0; 512]);
        Some(Hfn::new(self.next))
    }

    fn free(&mut self, table: Hfn) {
        self.tables.remove(&table.number()).unwrap();
        assert!(self.broken.is_empty(), "freed before the TLBs were told");
    }

    fn invalidate(&mut self, _start: Gpa, _bytes: u64) {
        self.broken.clear();
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Map(bool),
    Unmap,
    Protect(bool),
}

fn operation() -> impl Strategy<Value = (Operation, u64, u64)> {
    let kind = prop_oneof![
        any::<bool>().prop_map(Operation::Map),
        Just(Operation::Unmap),
        any::<bool>().prop_map(Operation::Protect),
    ];
    let edge = prop_oneof![0..PAGES, (0..4_u64).prop_map(|block| block * 512)];
    (kind, edge.clone(), edge).prop_map(|(kind, a, b)| (kind, a.min(b), a.max(b)))
}

fn permissions(write: bool) -> Permissions {
    Permissions { write, ..Permissions::RWX }
}

/// Applies operations to a tree and to a plain list of pages, and compares the two by the processor's walk.
fn play<const FOUR_LEVELS: bool>(operations: Vec<(Operation, u64, u64)>) {
    let mut memory = Memory::default();
    let mut mapper = Mapper::<Fixed<FOUR_LEVELS>>::new(&mut memory).unwrap();
    let (mut model, offset) = (BTreeMap::new(), 0x8000_0000);
    for (operation, first, end) in operations {
        let (input, bytes) = (Gpa::new(first * PAGE), (end - first) * PAGE);
        match operation {
            Operation::Map(write) => {
                let (output, permissions) = (Hpa::new(input.as_u64() + offset), permissions(write));
                let mapping = Mapping { input, output, bytes, permissions, memory_type: MemoryType::WriteBack };
                if mapper.map(&mut memory, mapping).is_ok() {
                    model.extend((first..end).map(|page| (page, write)));
                }
            }
            Operation::Unmap => {
                if mapper.unmap(&mut memory, input, bytes).is_ok() {
                    model.retain(|page, _| !(first..end).contains(page));
                }
            }
            Operation::Protect(write) => {
                if mapper.protect(&mut memory, input, bytes, permissions(write)).is_ok() {
                    model.extend((first..end).map(|page| (page, write)));
                }
            }
        }
        for page in 0..PAGES + 1 {
            let address = page * PAGE + 0x123;
            let expected = model.get(&page).map(|write| (address + offset, *write));
            assert_eq!(memory.walk(mapper.root(), FOUR_LEVELS, address), expected, "page {page:#x}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn three_levels(operations in proptest::collection::vec(operation(), 1..12)) {
        play::<false>(operations);
    }

    #[test]
    fn four_levels(operations in proptest::collection::vec(operation(), 1..12)) {
        play::<true>(operations);
    }
}
