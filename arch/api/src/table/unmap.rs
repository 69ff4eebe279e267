//! Taking translations away, and tables with them.

use super::mapper::{invalidate, read};
use super::span::Span;
use super::{ENTRIES, Entry, Level, MapError, Mapper, TableFormat, TableMemory};
use crate::Hfn;

/// The value of an entry that translates nothing.
pub(super) const ABSENT: u64 = 0;

impl<F: TableFormat> Mapper<F> {
    /// Removes every translation in the range; parts without one are left alone. Tables that become empty are freed.
    ///
    /// State after: no processor can reach what was mapped through this tree.
    ///
    /// # Errors
    /// [`MapError::Misaligned`], [`MapError::OutOfRange`], and [`MapError::OutOfTables`] when an edge of the range
    /// lies within a larger leaf that could not be split.
    pub fn unmap<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        input: F::Input,
        bytes: u64,
    ) -> Result<(), MapError> {
        let span = Span::new::<F>(input, bytes)?;
        self.split_edges(memory, span)?;
        self.unmap_in(memory, self.root, F::root(), span);
        invalidate::<F>(memory, span);
        Ok(())
    }

    /// Clears `span` in a table. No leaf reaches over an edge of `span`.
    pub(super) fn unmap_in<M: TableMemory<F::Input>>(&mut self, memory: &mut M, table: Hfn, level: Level, span: Span) {
        for (index, piece) in span.entries(level) {
            match (read::<F>(memory, table, level, index), level.below()) {
                (Entry::Absent, _) => {}
                (Entry::Table(next), Some(below)) => {
                    let next = Hfn::containing(next);
                    if !piece.fills_entry(level) {
                        self.unmap_in(memory, next, below, piece);
                    }
                    if piece.fills_entry(level) || is_empty(memory, next) {
                        memory.write_entry(table, index, ABSENT);
                        invalidate::<F>(memory, Span::of_entry(level, piece.first));
                        self.free_tree(memory, next, below);
                    }
                }
                _ => memory.write_entry(table, index, ABSENT),
            }
        }
    }

    /// Frees a table, to which nothing points any more, and all below it.
    pub(super) fn free_tree<M: TableMemory<F::Input>>(&mut self, memory: &mut M, table: Hfn, level: Level) {
        if let Some(below) = level.below() {
            for index in 0..ENTRIES {
                if let Entry::Table(next) = read::<F>(memory, table, level, index) {
                    self.free_tree(memory, Hfn::containing(next), below);
                }
            }
        }
        memory.free(table);
        self.tables -= 1;
    }
}

/// Whether every entry of a table is absent.
fn is_empty<I>(memory: &impl TableMemory<I>, table: Hfn) -> bool {
    (0..ENTRIES).all(|index| memory.read_entry(table, index) == ABSENT)
}
