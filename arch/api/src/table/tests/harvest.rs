//! The marks of written pages: exact, and none lost to a processor that writes meanwhile.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::vec::Vec;

use super::{InPlace, LARGE, MARK, PAGE, ram};
use crate::table::{
    ENTRIES, Entry, Level, MapError, Mapper, Permissions, SharedTables, TableFormat, TableMemory, page_tables_bound,
};
use crate::{Gpa, Hfn};

/// Tables of atomic words, as hardware and hypervisor share them; counts the stores.
struct Shared {
    tables: Vec<[AtomicU64; ENTRIES]>,
    used: usize,
    stores: AtomicUsize,
}

impl Shared {
    fn new(quota: usize) -> Self {
        let tables = (0..quota).map(|_| [const { AtomicU64::new(0) }; ENTRIES]).collect();
        Self { tables, used: 0, stores: AtomicUsize::new(0) }
    }

    fn word(&self, table: Hfn, index: usize) -> &AtomicU64 {
        &self.tables[table.number() as usize][index]
    }

    /// A processor walks for a write: it sets the mark by compare-exchange where it is not set. Whether it did.
    fn write_through(&self, root: Hfn, gpa: u64) -> bool {
        let (mut table, mut level) = (root, Level::L4);
        loop {
            let word = self.word(table, level.index(gpa));
            let value = word.load(Ordering::Acquire);
            match InPlace::decode(level, value) {
                Entry::Table(next) => (table, level) = (Hfn::containing(next), level.below().unwrap()),
                Entry::Leaf { .. } if value & MARK != 0 => return false,
                Entry::Leaf { .. } => {
                    if word.compare_exchange(value, value | MARK, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                        return true;
                    }
                }
                Entry::Absent => panic!("{gpa:#x} is not mapped"),
            }
        }
    }
}

impl TableMemory<Gpa> for Shared {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        self.word(table, index).load(Ordering::Acquire)
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        self.stores.fetch_add(1, Ordering::Relaxed);
        self.word(table, index).store(value, Ordering::Release);
    }

    fn allocate(&mut self) -> Option<Hfn> {
        self.used += 1;
        (self.used <= self.tables.len()).then(|| Hfn::new(self.used as u64 - 1))
    }

    fn free(&mut self, _table: Hfn) {}

    fn invalidate(&mut self, _start: Gpa, _bytes: u64) {}
}

impl SharedTables<Gpa> for Shared {
    fn clear_bits(&self, table: Hfn, index: usize, bits: u64) -> u64 {
        self.word(table, index).fetch_and(!bits, Ordering::AcqRel)
    }
}

const BYTES: u64 = 2 * LARGE;
const PAGES: u64 = BYTES / PAGE;

/// A tracked tree that maps [`BYTES`] from 0.
fn tracked() -> (Mapper<InPlace>, Shared) {
    let mapping = ram(0, 8 * LARGE, BYTES);
    let mut memory = Shared::new(1 + page_tables_bound::<InPlace>(&mapping) as usize);
    let mut mapper = Mapper::new_tracked(&mut memory).unwrap();
    mapper.map(&mut memory, mapping).unwrap();
    memory.stores.store(0, Ordering::Relaxed);
    (mapper, memory)
}

fn harvest(mapper: &Mapper<InPlace>, memory: &Shared, first: u64, bytes: u64) -> Vec<u64> {
    let mut found = Vec::new();
    mapper.harvest(memory, Gpa::new(first), bytes, |page| found.push(page.as_u64())).unwrap();
    found
}

#[test]
fn a_tracked_tree_has_small_leaves_without_a_mark() {
    let (mapper, memory) = tracked();
    assert_eq!(mapper.tables_used(), memory.tables.len());
    for page in [0, LARGE - PAGE, LARGE, BYTES - PAGE] {
        let found = mapper.translate(&memory, Gpa::new(page)).unwrap();
        assert_eq!((found.level, found.output.as_u64()), (Level::L1, 8 * LARGE + page));
    }
    assert_eq!(harvest(&mapper, &memory, 0, BYTES), []);
}

#[test]
fn a_harvest_is_exact_and_changes_nothing_but_marks() {
    let (mapper, memory) = tracked();
    let root = Hfn::containing(mapper.root());
    let written = [0, 3 * PAGE, LARGE - PAGE, LARGE, BYTES - PAGE];
    for page in written {
        assert!(memory.write_through(root, page + 0x123));
        assert!(!memory.write_through(root, page), "the mark is there already");
    }
    assert_eq!(harvest(&mapper, &memory, PAGE, LARGE - PAGE), [3 * PAGE, LARGE - PAGE], "a part");
    assert_eq!(harvest(&mapper, &memory, 0, BYTES), [0, LARGE, BYTES - PAGE], "the rest");
    assert_eq!(harvest(&mapper, &memory, 0, BYTES), []);
    assert_eq!(memory.stores.load(Ordering::Relaxed), 0, "no plain store");
    for page in (0..BYTES).step_by(PAGE as usize) {
        let found = mapper.translate(&memory, Gpa::new(page)).unwrap();
        assert_eq!((found.output.as_u64(), found.permissions), (8 * LARGE + page, Permissions::RWX));
    }
}

#[test]
fn what_is_not_mapped_has_no_mark() {
    let (mapper, memory) = tracked();
    assert!(memory.write_through(Hfn::containing(mapper.root()), BYTES - PAGE));
    assert_eq!(harvest(&mapper, &memory, BYTES - PAGE, 1 << 40), [BYTES - PAGE]);
    let misaligned = mapper.harvest(&memory, Gpa::new(8), PAGE, |_| ());
    assert_eq!(misaligned, Err(MapError::Misaligned));
}

#[test]
fn a_tree_of_large_leaves_keeps_no_marks() {
    let mut memory = Shared::new(8);
    let mapper = Mapper::<InPlace>::new(&mut memory).unwrap();
    assert_eq!(mapper.harvest(&memory, Gpa::new(0), PAGE, |_| ()), Err(MapError::NotTracked));
}

/// Every mark that a processor set is found exactly once, however the harvests fall.
#[test]
fn no_mark_is_lost_to_a_processor_that_writes_meanwhile() {
    let (mapper, memory) = tracked();
    let root = Hfn::containing(mapper.root());
    let set: Vec<_> = (0..PAGES).map(|_| AtomicUsize::new(0)).collect();
    let mut found: Vec<_> = (0..PAGES).map(|_| 0).collect();
    let mut collect = |pages: Vec<u64>| pages.into_iter().for_each(|page| found[(page / PAGE) as usize] += 1);
    thread::scope(|scope| {
        let processor = |number: u64| {
            let (memory, set) = (&memory, &set);
            move || {
                for step in 0..40_000 {
                    let page = (step * (2 * number + 1) + number) % PAGES;
                    if memory.write_through(root, page * PAGE) {
                        set[page as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        };
        let processors: Vec<_> = (0..3).map(|number| scope.spawn(processor(number))).collect();
        while !processors.iter().all(thread::ScopedJoinHandle::is_finished) {
            collect(harvest(&mapper, &memory, 0, BYTES));
        }
    });
    collect(harvest(&mapper, &memory, 0, BYTES));
    let set: Vec<_> = set.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!(found, set);
}
