//! Sizes of leaves, splitting, and what becomes of the tables.

use super::history::Checked;
use super::{GIANT, InPlace, LARGE, PAGE, Strict, ram};
use crate::Gpa;
use crate::table::{Level, Mapping, Permissions, TableFormat, tables_bound};

type Input = Gpa;

impl<F: TableFormat<Input = Input>> Checked<F> {
    fn map(&mut self, mapping: Mapping<Input>) {
        let first = mapping.input.as_u64();
        self.run((first, first + mapping.bytes - 1), |mapper, memory| mapper.map(memory, mapping)).unwrap();
    }

    fn unmap(&mut self, first: u64, bytes: u64) {
        let start = Gpa::new(first);
        self.run((first, first + bytes - 1), |mapper, memory| mapper.unmap(memory, start, bytes)).unwrap();
    }

    fn protect(&mut self, first: u64, bytes: u64, to: Permissions) {
        let start = Gpa::new(first);
        self.run((first, first + bytes - 1), |mapper, memory| mapper.protect(memory, start, bytes, to)).unwrap();
    }

    fn level(&self, address: u64) -> Option<Level> {
        self.find(address).map(|found| found.level)
    }

    fn output(&self, address: u64) -> Option<u64> {
        self.find(address).map(|found| found.output.as_u64())
    }
}

#[test]
fn the_largest_leaves_that_both_sides_permit() {
    let mut tree = Checked::<InPlace>::new(64);
    tree.map(ram(GIANT - LARGE - PAGE, 3 * GIANT - LARGE - PAGE, GIANT + 2 * LARGE + 2 * PAGE));
    let levels = [
        (GIANT - LARGE - PAGE, Level::L1),
        (GIANT - LARGE, Level::L2),
        (GIANT, Level::L3),
        (2 * GIANT, Level::L2),
        (2 * GIANT + LARGE, Level::L1),
    ];
    for (address, level) in levels {
        assert_eq!(tree.level(address), Some(level), "{address:#x}");
        assert_eq!(tree.output(address + 0x123), Some(address + 2 * GIANT + 0x123));
    }
    assert_eq!(tree.level(GIANT - LARGE - 2 * PAGE), None);
    assert_eq!(tree.level(2 * GIANT + LARGE + PAGE), None);
}

#[test]
fn outputs_that_do_not_line_up_need_small_leaves() {
    let mut tree = Checked::<InPlace>::new(64);
    tree.map(ram(0, PAGE, LARGE));
    assert_eq!(tree.level(0), Some(Level::L1));
    tree.map(ram(GIANT, LARGE, GIANT));
    assert_eq!(tree.level(GIANT), Some(Level::L2));
}

fn split_a_giant_leaf<F: TableFormat<Input = Input>>() {
    let mut tree = Checked::<F>::new(64);
    tree.map(ram(0, GIANT, GIANT));
    assert_eq!(tree.mapper.tables_used(), 2);
    let page = 77 * LARGE + 5 * PAGE;
    tree.protect(page, PAGE, Permissions::R);
    assert_eq!(tree.mapper.tables_used(), 4);
    assert_eq!(tree.find(page).unwrap().permissions, Permissions::R);
    assert_eq!(tree.find(page + PAGE).unwrap().permissions, Permissions::RWX);
    assert_eq!(tree.level(page + LARGE), Some(Level::L2));
    assert_eq!(tree.output(page + 9), Some(GIANT + page + 9));
    tree.unmap(LARGE, LARGE + PAGE);
    assert_eq!((tree.level(LARGE), tree.level(2 * LARGE + PAGE)), (None, Some(Level::L1)));
    tree.unmap(0, GIANT);
    assert_eq!(tree.mapper.tables_used(), 1);
}

#[test]
fn a_giant_leaf_splits_in_place() {
    split_a_giant_leaf::<InPlace>();
}

#[test]
fn a_giant_leaf_splits_with_break_before_make() {
    split_a_giant_leaf::<Strict>();
}

#[test]
fn protection_reaches_all_leaves_in_the_range() {
    let mut tree = Checked::<Strict>::new(64);
    tree.map(ram(0, 0, GIANT + LARGE + 3 * PAGE));
    tree.protect(0, GIANT + LARGE + 2 * PAGE, Permissions::RX);
    assert_eq!(tree.level(0), Some(Level::L3));
    assert_eq!(tree.find(GIANT + LARGE + PAGE).unwrap().permissions, Permissions::RX);
    assert_eq!(tree.find(GIANT + LARGE + 2 * PAGE).unwrap().permissions, Permissions::RWX);
}

#[test]
fn empty_tables_go_and_destroy_returns_the_rest() {
    let mut tree = Checked::<InPlace>::new(64);
    tree.map(ram(0, PAGE, 3 * LARGE));
    tree.map(ram(5 * GIANT, 0, PAGE));
    assert_eq!(tree.mapper.tables_used(), 8);
    tree.unmap(LARGE, LARGE);
    assert_eq!(tree.mapper.tables_used(), 7);
    tree.unmap(5 * GIANT, PAGE);
    assert_eq!(tree.mapper.tables_used(), 5);
    let Checked { mapper, mut memory } = tree;
    mapper.destroy(&mut memory);
    assert_eq!(memory.in_use(), 0);
}

#[test]
fn unmapping_nothing_is_fine() {
    let mut tree = Checked::<InPlace>::new(4);
    tree.unmap(0, 512 * GIANT);
    assert_eq!(tree.mapper.tables_used(), 1);
}

#[test]
fn the_bound_holds_and_is_near() {
    let shapes = [
        ram(0, 0, PAGE),
        ram(0, GIANT, 3 * GIANT),
        ram(PAGE, PAGE, GIANT),
        ram(0, PAGE, 4 * LARGE),
        ram(GIANT - LARGE - PAGE, 3 * GIANT - LARGE - PAGE, GIANT + 2 * LARGE + 2 * PAGE),
        ram(0, LARGE, 700 * LARGE),
        ram(512 * GIANT - PAGE, 0, 2 * PAGE),
    ];
    for mapping in shapes {
        let mut tree = Checked::<InPlace>::new(64);
        tree.map(mapping);
        let (bound, used) = (tables_bound::<InPlace>(&mapping), tree.mapper.tables_used() as u64 - 1);
        assert!((used..=used + 4).contains(&bound), "{mapping:?}: {used} used, bound {bound}");
    }
}
