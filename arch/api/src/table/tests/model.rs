//! Random operations against a map from page to page.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::history::Checked;
use super::{GIANT, InPlace, LARGE, PAGE, Strict, ram};
use crate::Gpa;
use crate::table::{MapError, Mapping, Permissions, TableFormat};

/// The window: 3 MiB on both sides of a boundary of 1 GiB.
const FIRST: u64 = GIANT - 3 * LARGE / 2;
const PAGES: u64 = 3 * LARGE / PAGE;

#[derive(Clone, Debug)]
enum Operation {
    Map { page: u64, pages: u64, output: u64, permissions: Permissions },
    Unmap { page: u64, pages: u64 },
    Protect { page: u64, pages: u64, permissions: Permissions },
}

/// Ranges of pages within the window, some along the boundaries of large leaves.
fn range() -> impl Strategy<Value = (u64, u64)> {
    let small = (0..PAGES, 1..64u64);
    let large = (0..3u64, 1..3u64).prop_map(|(block, blocks)| (256 + 512 * block, 512 * blocks));
    let any = (0..PAGES, 1..PAGES);
    prop_oneof![small, large, any]
        .prop_map(|(page, pages)| (page, pages.min(PAGES - page).max(1)))
        .prop_filter("inside", |(page, pages)| page + pages <= PAGES)
}

fn permissions() -> impl Strategy<Value = Permissions> {
    prop::sample::select(std::vec![Permissions::R, Permissions::RW, Permissions::RX, Permissions::RWX])
}

fn operation() -> impl Strategy<Value = Operation> {
    // Outputs that line up with the input for large leaves, or do not.
    let output = prop_oneof![Just(8 * GIANT), Just(8 * GIANT + LARGE), Just(8 * GIANT + PAGE)];
    prop_oneof![
        3 => (range(), output, permissions()).prop_map(|((page, pages), output, permissions)| {
            Operation::Map { page, pages, output, permissions }
        }),
        2 => range().prop_map(|(page, pages)| Operation::Unmap { page, pages }),
        2 => (range(), permissions()).prop_map(|((page, pages), permissions)| {
            Operation::Protect { page, pages, permissions }
        }),
    ]
}

/// What each mapped page translates to.
type Model = BTreeMap<u64, (u64, Permissions)>;

fn apply_to_model(model: &mut Model, operation: &Operation) -> Result<(), MapError> {
    match *operation {
        Operation::Map { page, pages, output, permissions } => {
            if model.range(page..page + pages).next().is_some() {
                return Err(MapError::AlreadyMapped);
            }
            model.extend((page..page + pages).map(|page| (page, (output + page * PAGE, permissions))));
        }
        Operation::Unmap { page, pages } => model.retain(|at, _| !(page..page + pages).contains(at)),
        Operation::Protect { page, pages, permissions } => {
            if model.range(page..page + pages).count() as u64 != pages {
                return Err(MapError::NotMapped);
            }
            model.range_mut(page..page + pages).for_each(|(_, mapped)| mapped.1 = permissions);
        }
    }
    Ok(())
}

fn apply<F: TableFormat<Input = Gpa>>(tree: &mut Checked<F>, operation: &Operation) -> Result<(), MapError> {
    let at = |page: u64| Gpa::new(FIRST + page * PAGE);
    let (Operation::Map { page, pages, .. }
    | Operation::Unmap { page, pages }
    | Operation::Protect { page, pages, .. }) = *operation;
    let bytes = pages * PAGE;
    tree.run((at(page).as_u64(), at(page).as_u64() + bytes - 1), |mapper, memory| match *operation {
        Operation::Map { output, permissions, .. } => {
            let plain = ram(at(page).as_u64(), FIRST + output + page * PAGE, bytes);
            mapper.map(memory, Mapping { permissions, ..plain })
        }
        Operation::Unmap { .. } => mapper.unmap(memory, at(page), bytes),
        Operation::Protect { permissions, .. } => mapper.protect(memory, at(page), bytes, permissions),
    })
}

fn check<F: TableFormat<Input = Gpa>>(operations: &[Operation]) {
    let mut tree = Checked::<F>::new(16);
    let mut model = Model::new();
    for operation in operations {
        assert_eq!(apply(&mut tree, operation), apply_to_model(&mut model, operation), "{operation:?}");
        for page in 0..PAGES {
            let found = tree.find(FIRST + page * PAGE).map(|found| (found.output.as_u64() - FIRST, found.permissions));
            assert_eq!(found, model.get(&page).copied(), "page {page} after {operation:?}");
        }
    }
    let everything = (FIRST, FIRST + PAGES * PAGE - 1);
    tree.run(everything, |mapper, memory| mapper.unmap(memory, Gpa::new(FIRST), PAGES * PAGE)).unwrap();
    assert_eq!(tree.mapper.tables_used(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_operations_in_place(operations in prop::collection::vec(operation(), 1..16)) {
        let operations: Vec<_> = operations;
        check::<InPlace>(&operations);
    }

    #[test]
    fn random_operations_with_break_before_make(operations in prop::collection::vec(operation(), 1..16)) {
        check::<Strict>(&operations);
    }
}
