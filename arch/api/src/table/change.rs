//! Changing what is mapped: permissions, and the size of leaves.

use super::mapper::{invalidate, read};
use super::span::Span;
use super::unmap::ABSENT;
use super::{ENTRIES, Entry, Level, MapError, Mapper, Permissions, TableFormat, TableMemory};
use crate::{Hfn, Hpa};

impl<F: TableFormat> Mapper<F> {
    /// Gives a mapped range other permissions. Leaves are split where they reach over an edge, and never joined.
    ///
    /// # Errors
    /// [`MapError::NotMapped`] where any of it is not mapped, and all but [`MapError::AlreadyMapped`].
    pub fn protect<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        input: F::Input,
        bytes: u64,
        permissions: Permissions,
    ) -> Result<(), MapError> {
        let span = Span::new::<F>(input, bytes)?;
        if !F::can_express(permissions) {
            return Err(MapError::NotExpressible);
        }
        if !is_mapped::<F>(memory, self.root, F::root(), span) {
            return Err(MapError::NotMapped);
        }
        self.split_edges(memory, span)?;
        protect_in::<F>(memory, self.root, F::root(), span, permissions);
        invalidate::<F>(memory, span);
        Ok(())
    }

    /// Splits leaves until none reaches over either edge of `span`. What is translated stays the same.
    pub(super) fn split_edges<M: TableMemory<F::Input>>(&mut self, memory: &mut M, span: Span) -> Result<(), MapError> {
        self.split_at(memory, span.first)?;
        span.last.checked_add(1).map_or(Ok(()), |end| self.split_at(memory, end))
    }

    /// Splits leaves until one begins at `edge`.
    fn split_at<M: TableMemory<F::Input>>(&mut self, memory: &mut M, edge: u64) -> Result<(), MapError> {
        let (mut table, mut level) = (self.root, F::root());
        while let Some(below) = level.below() {
            if edge & (level.bytes() - 1) == 0 {
                break;
            }
            table = match read::<F>(memory, table, level, level.index(edge)) {
                Entry::Absent => break,
                Entry::Table(next) => Hfn::containing(next),
                Entry::Leaf { .. } => self.split(memory, table, level, below, edge)?,
            };
            level = below;
        }
        Ok(())
    }

    /// Replaces the leaf around `address` by a table of smaller leaves that translate the same.
    fn split<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        table: Hfn,
        level: Level,
        below: Level,
        address: u64,
    ) -> Result<Hfn, MapError> {
        let index = level.index(address);
        let next = self.new_table(memory)?;
        fill::<F>(memory, next, below, read::<F>(memory, table, level, index));
        if F::NEEDS_BREAK_BEFORE_MAKE {
            memory.write_entry(table, index, ABSENT);
            invalidate::<F>(memory, Span::of_entry(level, address));
        }
        memory.write_entry(table, index, F::encode_table(next.start()));
        if !F::NEEDS_BREAK_BEFORE_MAKE {
            invalidate::<F>(memory, Span::of_entry(level, address));
        }
        Ok(next)
    }
}

/// Fills a table of `level` with leaves that translate what the larger `leaf` did.
fn fill<F: TableFormat>(memory: &mut impl TableMemory<F::Input>, table: Hfn, level: Level, leaf: Entry) {
    let Entry::Leaf { output, permissions, memory_type } = leaf else { return };
    let mut part = output.as_u64();
    for index in 0..ENTRIES {
        let value = F::encode_leaf(level, Hpa::new(part), permissions, memory_type);
        memory.write_entry(table, index, value);
        part += level.bytes();
    }
}

/// Rewrites the leaves of `span`, none of which reaches over its edges.
fn protect_in<F: TableFormat>(
    memory: &mut impl TableMemory<F::Input>,
    table: Hfn,
    level: Level,
    span: Span,
    permissions: Permissions,
) {
    for (index, piece) in span.entries(level) {
        match (read::<F>(memory, table, level, index), level.below()) {
            (Entry::Table(next), Some(below)) => {
                protect_in::<F>(memory, Hfn::containing(next), below, piece, permissions);
            }
            (Entry::Leaf { output, memory_type, .. }, _) => {
                let value = F::encode_leaf(level, output, permissions, memory_type);
                memory.write_entry(table, index, value);
            }
            _ => {}
        }
    }
}

/// Whether all of `span` is mapped.
fn is_mapped<F: TableFormat>(memory: &impl TableMemory<F::Input>, table: Hfn, level: Level, span: Span) -> bool {
    span.entries(level).all(|(index, piece)| match (read::<F>(memory, table, level, index), level.below()) {
        (Entry::Leaf { .. }, _) => true,
        (Entry::Table(next), Some(below)) => is_mapped::<F>(memory, Hfn::containing(next), below, piece),
        _ => false,
    })
}
