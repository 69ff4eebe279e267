//! What must hold after every single write, and in every TLB.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::recorder::{Recorder, Step, Tables, Walk};
use super::{GIANT, LARGE, PAGE};
use crate::Hpa;
use crate::table::{Level, MapError, Mapper, TableFormat, Translation};

/// A tree whose every operation is checked.
pub(super) struct Checked<F> {
    pub(super) mapper: Mapper<F>,
    pub(super) memory: Recorder,
}

impl<F: TableFormat> Checked<F> {
    pub(super) fn new(quota: usize) -> Self {
        let mut memory = Recorder::new(quota);
        let mapper = Mapper::new(&mut memory).unwrap();
        Self { mapper, memory }
    }

    /// Runs an operation on `first ..= last`, then plays its history and checks each state in between.
    pub(super) fn run(
        &mut self,
        (first, last): (u64, u64),
        operation: impl FnOnce(&mut Mapper<F>, &mut Recorder) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        self.memory.history.clear();
        let before = self.memory.tables.clone();
        let result = operation(&mut self.mapper, &mut self.memory);
        let root = self.mapper.root();
        for address in samples(first, last) {
            let inside = (first..=last).contains(&address) && result.is_ok();
            Watch::<F>::new(root, address, &before, &self.memory.tables, inside)
                .play(before.clone(), &self.memory.history);
        }
        assert_eq!(self.mapper.tables_used(), self.memory.in_use());
        result
    }

    pub(super) fn find(&self, address: u64) -> Option<Translation> {
        let found = self.memory.tables.walk::<F>(self.mapper.root(), address).found;
        assert_eq!(found, self.mapper.translate(&self.memory, super::recorder::input::<F>(address)));
        found
    }
}

/// Addresses in and around a range: both sides of its edges and of the block boundaries next to them.
fn samples(first: u64, last: u64) -> BTreeSet<u64> {
    let edges = [PAGE, LARGE, GIANT].into_iter().flat_map(|block| {
        [first & !(block - 1), (first | (block - 1)) + 1, last & !(block - 1), (last | (block - 1)) + 1]
    });
    let middle = first + (last - first) / 2;
    edges.chain([middle & !(PAGE - 1)]).flat_map(|edge| [edge.saturating_sub(PAGE), edge, edge + PAGE + 8]).collect()
}

/// One address, with all that a processor may have cached about it.
struct Watch<F> {
    root: Hpa,
    address: u64,
    before: Option<Translation>,
    after: Option<Translation>,
    cached: Vec<Translation>,
    cached_tables: BTreeSet<usize>,
    format: core::marker::PhantomData<F>,
}

impl<F: TableFormat> Watch<F> {
    fn new(root: Hpa, address: u64, before: &Tables, after: &Tables, inside: bool) -> Self {
        let [before, after] = [before, after].map(|tables| tables.walk::<F>(root, address).found);
        if !inside {
            assert_eq!(meaning(before), meaning(after), "{address:#x} is not in the range");
        }
        let (cached, cached_tables) = (Vec::new(), BTreeSet::new());
        Self { root, address, before, after, cached, cached_tables, format: core::marker::PhantomData }
    }

    fn play(mut self, mut tables: Tables, history: &[Step]) {
        self.look(tables.walk::<F>(self.root, self.address));
        for step in history {
            tables.apply(*step);
            match *step {
                Step::Invalidate { first, last } if (first..=last).contains(&self.address) => self.forget(),
                Step::Free(table) => assert!(!self.cached_tables.contains(&table), "freed while cached"),
                _ => {}
            }
            self.look(tables.walk::<F>(self.root, self.address));
        }
        let after = meaning(self.after);
        assert!(self.cached.iter().all(|cached| meaning(Some(*cached)) == after), "{:#x} is stale", self.address);
    }

    fn forget(&mut self) {
        self.cached.clear();
        self.cached_tables.clear();
    }

    /// A processor walks now, and caches what it finds.
    fn look(&mut self, walk: Walk) {
        self.cached_tables.extend(walk.tables);
        let found = meaning(walk.found);
        let unbroken = found == meaning(self.before) || found == meaning(self.after);
        let broken = F::NEEDS_BREAK_BEFORE_MAKE && found.is_none();
        assert!(unbroken || broken, "{:#x} became {found:?}", self.address);
        let Some(found) = walk.found else { return };
        if F::NEEDS_BREAK_BEFORE_MAKE {
            let conflict = |cached: &Translation| conflicts(cached, &found);
            assert!(!self.cached.iter().any(conflict), "{:#x} is cached in two ways", self.address);
        }
        if !self.cached.contains(&found) {
            self.cached.push(found);
        }
    }
}

/// What the guest can tell: not the size of the leaf.
fn meaning(translation: Option<Translation>) -> Option<Translation> {
    translation.map(|found| Translation { level: Level::L1, ..found })
}

/// What break-before-make excludes: another size, place or memory type while the old one may be cached.
fn conflicts(a: &Translation, b: &Translation) -> bool {
    a.level != b.level || a.output != b.output || a.memory_type != b.memory_type
}
