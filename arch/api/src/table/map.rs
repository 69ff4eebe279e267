//! Adding translations.

use super::mapper::{invalidate, read};
use super::span::Span;
use super::{Entry, InputAddress, Level, MapError, Mapper, Mapping, TableFormat, TableMemory};
use crate::addr::FRAME_SIZE;
use crate::{Hfn, Hpa};

impl<F: TableFormat> Mapper<F> {
    /// Maps a range with the largest leaves that its alignment permits.
    ///
    /// A new table is complete before the entry that points to it is written. When the tables run out, parts of the
    /// mapping may have been visible for a moment.
    ///
    /// # Errors
    /// [`MapError::AlreadyMapped`] where any of it is mapped, and all but [`MapError::NotMapped`].
    pub fn map<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        mapping: Mapping<F::Input>,
    ) -> Result<(), MapError> {
        let span = Span::new::<F>(mapping.input, mapping.bytes)?;
        check_output::<F>(&mapping)?;
        if !is_absent::<F>(memory, self.root, F::root(), span) {
            return Err(MapError::AlreadyMapped);
        }
        let mapped = self.map_into(memory, self.root, F::root(), span, &mapping);
        if mapped.is_err() {
            // The span was absent before, so what is in it now is ours, and whole: this needs no table.
            self.unmap_in(memory, self.root, F::root(), span);
            invalidate::<F>(memory, span);
        }
        mapped
    }

    /// Maps `span`, a part of `mapping` that the table at `level` translates.
    fn map_into<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        table: Hfn,
        level: Level,
        span: Span,
        mapping: &Mapping<F::Input>,
    ) -> Result<(), MapError> {
        let Some(below) = level.below() else {
            map_pages::<F>(memory, table, span, mapping, self.unmarked);
            return Ok(());
        };
        for (index, piece) in span.entries(level) {
            match read::<F>(memory, table, level, index) {
                Entry::Table(next) => self.map_into(memory, Hfn::containing(next), below, piece, mapping)?,
                Entry::Absent if level > self.largest || !leaf_fits::<F>(level, piece, mapping) => {
                    let next = self.map_new_table(memory, below, piece, mapping)?;
                    memory.write_entry(table, index, F::encode_table(next.start()));
                }
                Entry::Absent => {
                    let output = output_at::<F>(piece, mapping);
                    let leaf = F::encode_leaf(level, output, mapping.permissions, mapping.memory_type);
                    memory.write_entry(table, index, leaf);
                }
                Entry::Leaf { .. } => return Err(MapError::AlreadyMapped),
            }
        }
        Ok(())
    }

    /// A table, not yet pointed to, that holds the translations of `span`.
    fn map_new_table<M: TableMemory<F::Input>>(
        &mut self,
        memory: &mut M,
        level: Level,
        span: Span,
        mapping: &Mapping<F::Input>,
    ) -> Result<Hfn, MapError> {
        let table = self.new_table(memory)?;
        let mapped = self.map_into(memory, table, level, span, mapping);
        if mapped.is_err() {
            self.free_tree(memory, table, level);
        }
        mapped.map(|()| table)
    }
}

/// Fills the entries of a table of the lowest level, which are absent, in a row: at boot there are many. They lack the bits
/// in `without`.
fn map_pages<F: TableFormat>(
    memory: &mut impl TableMemory<F::Input>,
    table: Hfn,
    span: Span,
    mapping: &Mapping<F::Input>,
    without: u64,
) {
    let mut output = output_at::<F>(span, mapping).as_u64();
    for index in Level::L1.index(span.first)..=Level::L1.index(span.last) {
        let leaf = F::encode_leaf(Level::L1, Hpa::new(output), mapping.permissions, mapping.memory_type);
        memory.write_entry(table, index, leaf & !without);
        output += Level::L1.bytes();
    }
}

/// Whether the output side of a mapping can be spelt.
fn check_output<F: TableFormat>(mapping: &Mapping<F::Input>) -> Result<(), MapError> {
    if !mapping.output.is_aligned(FRAME_SIZE) {
        return Err(MapError::Misaligned);
    }
    let last = mapping.output.checked_add(mapping.bytes - 1).ok_or(MapError::OutOfRange)?;
    if last.as_u64() >> F::OUTPUT_BITS != 0 {
        return Err(MapError::OutOfRange);
    }
    if !F::can_express(mapping.permissions) {
        return Err(MapError::NotExpressible);
    }
    Ok(())
}

/// Whether nothing in `span` is mapped.
fn is_absent<F: TableFormat>(memory: &impl TableMemory<F::Input>, table: Hfn, level: Level, span: Span) -> bool {
    let Some(below) = level.below() else {
        let mut pages = level.index(span.first)..=level.index(span.last);
        return pages.all(|index| read::<F>(memory, table, level, index) == Entry::Absent);
    };
    span.entries(level).all(|(index, piece)| match read::<F>(memory, table, level, index) {
        Entry::Absent => true,
        Entry::Table(next) => is_absent::<F>(memory, Hfn::containing(next), below, piece),
        Entry::Leaf { .. } => false,
    })
}

/// Whether one entry of `level`, if leaves may be that large, can translate all of `piece`.
fn leaf_fits<F: TableFormat>(level: Level, piece: Span, mapping: &Mapping<F::Input>) -> bool {
    piece.fills_entry(level) && output_at::<F>(piece, mapping).is_aligned(level.bytes())
}

/// Where `piece` begins on the output side; `check_output` has shown that this does not overflow.
fn output_at<F: TableFormat>(piece: Span, mapping: &Mapping<F::Input>) -> Hpa {
    Hpa::new(mapping.output.as_u64() + (piece.first - mapping.input.to_bits()))
}
