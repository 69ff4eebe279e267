//! A table memory that remembers what was done to it, and can be played again.

use std::boxed::Box;
use std::vec::Vec;

use crate::table::{ENTRIES, Entry, InputAddress, Level, TableFormat, TableMemory, Translation};
use crate::{Hfn, Hpa};

/// The frame of table 0; others follow.
const FIRST: u64 = 0x100;

/// One step of the history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Allocate(usize),
    Write { table: usize, index: usize, value: u64 },
    Free(usize),
    Invalidate { first: u64, last: u64 },
}

/// Tables, as the hardware sees them.
#[derive(Clone)]
pub(super) struct Tables(Vec<Box<[u64; ENTRIES]>>);

/// What a walk passes.
pub(super) struct Walk {
    pub(super) tables: Vec<usize>,
    pub(super) found: Option<Translation>,
}

impl Tables {
    /// Walks as the hardware does, independently of the mapper.
    pub(super) fn walk<F: TableFormat>(&self, root: Hpa, address: u64) -> Walk {
        let mut table = number(Hfn::containing(root));
        let mut passed = Vec::new();
        for level in [Level::L4, Level::L3, Level::L2, Level::L1] {
            passed.push(table);
            let offset = address & (level.bytes() - 1);
            match F::decode(level, self.0[table][address as usize >> level.shift() & 511]) {
                Entry::Absent => break,
                Entry::Table(next) => table = number(Hfn::containing(next)),
                Entry::Leaf { output, permissions, memory_type } => {
                    let output = Hpa::new(output.as_u64() + offset);
                    let found = Some(Translation { output, permissions, memory_type, level });
                    return Walk { tables: passed, found };
                }
            }
        }
        Walk { tables: passed, found: None }
    }

    /// Plays one step.
    pub(super) fn apply(&mut self, step: Step) {
        match step {
            Step::Allocate(table) => *self.0[table] = [0; ENTRIES],
            Step::Write { table, index, value } => self.0[table][index] = value,
            // Whoever gets the frame next may write anything there.
            Step::Free(table) => *self.0[table] = [u64::MAX; ENTRIES],
            Step::Invalidate { .. } => {}
        }
    }
}

/// The recording memory.
pub(super) struct Recorder {
    pub(super) tables: Tables,
    pub(super) history: Vec<Step>,
    free: Vec<usize>,
}

impl Recorder {
    pub(super) fn new(quota: usize) -> Self {
        let tables = Tables((0..quota).map(|_| Box::new([u64::MAX; ENTRIES])).collect());
        Self { tables, history: Vec::new(), free: (0..quota).rev().collect() }
    }

    /// Tables that are allocated.
    pub(super) fn in_use(&self) -> usize {
        self.tables.0.len() - self.free.len()
    }

    fn record(&mut self, step: Step) {
        self.history.push(step);
        self.tables.apply(step);
    }
}

impl<I: InputAddress> TableMemory<I> for Recorder {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        assert!(!self.free.contains(&number(table)), "read of a freed table");
        self.tables.0[number(table)][index]
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        let table = number(table);
        assert!(!self.free.contains(&table), "write to a freed table");
        self.record(Step::Write { table, index, value });
    }

    fn allocate(&mut self) -> Option<Hfn> {
        let table = self.free.pop()?;
        self.record(Step::Allocate(table));
        Some(Hfn::new(FIRST + table as u64))
    }

    fn free(&mut self, table: Hfn) {
        let table = number(table);
        assert!(!self.free.contains(&table), "freed twice");
        self.record(Step::Free(table));
        self.free.push(table);
    }

    fn invalidate(&mut self, start: I, bytes: u64) {
        let first = start.to_bits();
        self.record(Step::Invalidate { first, last: first + (bytes - 1) });
    }
}

fn number(table: Hfn) -> usize {
    (table.number() - FIRST) as usize
}

/// The input address with this value.
pub(super) fn input<F: TableFormat>(address: u64) -> F::Input {
    F::Input::from_bits(address)
}
