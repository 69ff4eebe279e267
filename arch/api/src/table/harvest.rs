//! Which pages were written: the marks that processors leave in the leaves of a tracked tree.

use super::mapper::read;
use super::span::Span;
use super::{Entry, InputAddress, Level, MapError, Mapper, SharedTables, TableFormat};
use crate::Hfn;
use crate::addr::FRAME_SIZE;

impl<F: TableFormat> Mapper<F> {
    /// Clears the marks in a range and calls `found` with the address of each page that had one. Parts without a
    /// translation have none.
    ///
    /// State before: nobody changes the tree but the processors that use it. State after: a processor that has cached a
    /// translation may write through it without setting the mark again, until it has been made to forget.
    ///
    /// # Errors
    /// [`MapError::NotTracked`] unless [`Self::new_tracked`] made the tree; [`MapError::Misaligned`],
    /// [`MapError::OutOfRange`].
    pub fn harvest<M: SharedTables<F::Input>>(
        &self,
        memory: &M,
        input: F::Input,
        bytes: u64,
        mut found: impl FnMut(F::Input),
    ) -> Result<(), MapError> {
        if self.unmarked == 0 {
            return Err(MapError::NotTracked);
        }
        let span = Span::new::<F>(input, bytes)?;
        harvest_in::<F, M>(memory, self.root, F::root(), span, self.unmarked, &mut found);
        Ok(())
    }
}

/// Harvests the part of a range that a table of `level` translates.
fn harvest_in<F: TableFormat, M: SharedTables<F::Input>>(
    memory: &M,
    table: Hfn,
    level: Level,
    span: Span,
    mark: u64,
    found: &mut impl FnMut(F::Input),
) {
    let Some(below) = level.below() else {
        return harvest_pages::<F, M>(memory, table, span, mark, found);
    };
    for (index, piece) in span.entries(level) {
        if let Entry::Table(next) = read::<F>(memory, table, level, index) {
            harvest_in::<F, M>(memory, Hfn::containing(next), below, piece, mark, found);
        }
    }
}

fn harvest_pages<F: TableFormat, M: SharedTables<F::Input>>(
    memory: &M,
    table: Hfn,
    span: Span,
    mark: u64,
    found: &mut impl FnMut(F::Input),
) {
    let pages = (span.first..=span.last).step_by(FRAME_SIZE as usize);
    for (index, page) in (Level::L1.index(span.first)..).zip(pages) {
        let value = memory.read_entry(table, index);
        // The read is for speed alone: most pages are clean, and only the atomic operation decides.
        let marked = value & mark != 0 && matches!(F::decode(Level::L1, value), Entry::Leaf { .. });
        if marked && memory.clear_bits(table, index, mark) & mark != 0 {
            found(F::Input::from_bits(page));
        }
    }
}
