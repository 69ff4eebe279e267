//! Inclusive address ranges, cut along the entries of a level.

use core::iter;

use super::{InputAddress, Level, MapError, TableFormat};
use crate::addr::FRAME_SIZE;

/// `first ..= last`; inclusive, so that the last page of the address space needs no special case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Span {
    /// The span of `bytes` from `start`, if `F` can translate all of it page by page.
    pub(super) fn new<F: TableFormat>(start: F::Input, bytes: u64) -> Result<Self, MapError> {
        let first = start.to_bits();
        if bytes == 0 || !(first | bytes).is_multiple_of(FRAME_SIZE) {
            return Err(MapError::Misaligned);
        }
        let last = first.checked_add(bytes - 1).ok_or(MapError::OutOfRange)?;
        if !F::reaches(start, F::Input::from_bits(last)) {
            return Err(MapError::OutOfRange);
        }
        Ok(Self { first, last })
    }

    /// All that one entry of `level` translates around `address`.
    pub(super) fn of_entry(level: Level, address: u64) -> Self {
        let mask = level.bytes() - 1;
        Self { first: address & !mask, last: address | mask }
    }

    /// The parts that fall to one entry each, with the entry's index.
    pub(super) fn entries(self, level: Level) -> impl Iterator<Item = (usize, Self)> {
        let mut rest = Some(self);
        iter::from_fn(move || {
            let Self { first, last } = rest?;
            let piece = Self { first, last: Self::of_entry(level, first).last.min(last) };
            rest = (piece.last < last).then(|| Self { first: piece.last + 1, last });
            Some((level.index(first), piece))
        })
    }

    /// Whether the span is all that one entry of `level` translates.
    pub(super) fn fills_entry(self, level: Level) -> bool {
        self == Self::of_entry(level, self.first)
    }

    /// Length in bytes. No span is as long as the whole address space.
    pub(super) fn bytes(self) -> u64 {
        self.last - self.first + 1
    }
}
