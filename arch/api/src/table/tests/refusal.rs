//! What is refused leaves everything as it was.

use super::history::Checked;
use super::recorder::Step;
use super::{GIANT, InPlace, LARGE, PAGE, Strict, ram};
use crate::Gpa;
use crate::table::MapError::{self, AlreadyMapped, Misaligned, NotExpressible, NotMapped, OutOfRange, OutOfTables};
use crate::table::{Mapping, Permissions};

fn map(tree: &mut Checked<InPlace>, mapping: Mapping<Gpa>) -> Result<(), MapError> {
    tree.run((0, 4 * GIANT - 1), |mapper, memory| mapper.map(memory, mapping))
}

#[test]
fn bad_ranges() {
    let mut tree = Checked::<InPlace>::new(8);
    let write_only = Permissions { read: false, write: true, execute: false };
    let cases = [
        (ram(1, 0, PAGE), Misaligned),
        (ram(0, 8, PAGE), Misaligned),
        (ram(0, 0, PAGE + 1), Misaligned),
        (ram(0, 0, 0), Misaligned),
        (ram(0u64.wrapping_sub(PAGE), 0, PAGE), OutOfRange),
        (ram(0u64.wrapping_sub(PAGE), 0, 2 * PAGE), OutOfRange),
        (ram((1 << 48) - PAGE, 0, 2 * PAGE), OutOfRange),
        (ram(0, (1 << 48) - PAGE, 2 * PAGE), OutOfRange),
        (ram(0, 0u64.wrapping_sub(PAGE), 2 * PAGE), OutOfRange),
        (Mapping { permissions: write_only, ..ram(0, 0, PAGE) }, NotExpressible),
    ];
    for (mapping, error) in cases {
        assert_eq!(map(&mut tree, mapping), Err(error), "{mapping:?}");
    }
    assert!(tree.memory.history.is_empty());
    assert_eq!(tree.find(0u64.wrapping_sub(PAGE)), None);
}

#[test]
fn what_is_mapped_stays() {
    let mut tree = Checked::<InPlace>::new(16);
    map(&mut tree, ram(LARGE, LARGE, LARGE)).unwrap();
    for (first, bytes) in [(LARGE, PAGE), (0, 2 * LARGE), (2 * LARGE - PAGE, 2 * PAGE), (0, GIANT)] {
        assert_eq!(map(&mut tree, ram(first, 0, bytes)), Err(AlreadyMapped));
    }
    assert_eq!(tree.mapper.tables_used(), 3);
}

#[test]
fn only_what_is_mapped_can_be_protected() {
    let mut tree = Checked::<InPlace>::new(16);
    map(&mut tree, ram(0, 0, LARGE)).unwrap();
    for (first, bytes) in [(LARGE, PAGE), (0, LARGE + PAGE), (GIANT, GIANT)] {
        let protected = tree
            .run((0, 4 * GIANT - 1), |mapper, memory| mapper.protect(memory, Gpa::new(first), bytes, Permissions::R));
        assert_eq!(protected, Err(NotMapped));
    }
    assert_eq!(tree.find(0).unwrap().permissions, Permissions::RWX);
}

#[test]
fn a_map_that_runs_out_of_tables_is_undone() {
    for quota in 1..6 {
        let mut tree = Checked::<InPlace>::new(quota);
        assert_eq!(map(&mut tree, ram(GIANT - LARGE, PAGE, 2 * LARGE)), Err(OutOfTables));
        assert_eq!(tree.mapper.tables_used(), 1);
    }
    let mut tree = Checked::<InPlace>::new(6);
    assert_eq!(map(&mut tree, ram(GIANT - LARGE, PAGE, 2 * LARGE)), Ok(()));
}

#[test]
fn a_split_that_runs_out_of_tables_changes_nothing() {
    for quota in 2..4 {
        let mut tree = Checked::<Strict>::new(quota);
        tree.run((0, GIANT - 1), |mapper, memory| mapper.map(memory, ram(0, 0, GIANT))).unwrap();
        let unmapped = tree.run((0, GIANT - 1), |mapper, memory| mapper.unmap(memory, Gpa::new(LARGE + PAGE), PAGE));
        assert_eq!(unmapped, Err(OutOfTables));
        let protected = tree
            .run((0, GIANT - 1), |mapper, memory| mapper.protect(memory, Gpa::new(LARGE + PAGE), PAGE, Permissions::R));
        assert_eq!(protected, Err(OutOfTables));
    }
}

#[test]
fn an_undone_map_leaves_nothing_in_a_tlb() {
    let mut tree = Checked::<InPlace>::new(3);
    map(&mut tree, ram(0, 0, LARGE)).unwrap();
    tree.memory.history.clear();
    // The first part fits into the tables there are, the page after it needs one more.
    let Checked { mapper, memory } = &mut tree;
    assert_eq!(mapper.map(memory, ram(LARGE, LARGE, LARGE + PAGE)), Err(OutOfTables));
    let [.., last] = memory.history[..] else { panic!("a history") };
    assert!(matches!(last, Step::Invalidate { first: LARGE, last } if last == 2 * LARGE + PAGE - 1), "{last:?}");
    assert_eq!(memory.history.len(), 3);
    assert_eq!((tree.find(LARGE), tree.find(2 * LARGE)), (None, None));
    assert_eq!(tree.mapper.tables_used(), 3);
}
