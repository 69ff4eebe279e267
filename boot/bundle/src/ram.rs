//! A guest's RAM while it is being furnished: nothing may overlap, everything must be inside.

use std::ops::Range;

use phalanx_abi::bundle::{Region, SegmentSpec};

use crate::layout::{ABOVE_HOLE, HIGH, HOLE, LOW_END};
use crate::load::{About, Refusal};
use crate::size::Size;

/// RAM of one domain with what has been put into it.
#[derive(Debug)]
pub(crate) struct Ram {
    size: u64,
    pieces: Vec<Piece>,
}

/// Memory that is taken, with contents for its beginning; the rest is zero.
#[derive(Debug)]
struct Piece {
    about: About,
    what: String,
    range: Range<u64>,
    bytes: Vec<u8>,
}

/// A line of the memory map that guests are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapEntry {
    pub(crate) start: u64,
    pub(crate) size: u64,
    /// Whether the guest may use it; the others are reserved.
    pub(crate) usable: bool,
}

impl Ram {
    /// `size` bytes of RAM: below the hole as far as possible, then above 4 GiB.
    pub(crate) fn new(size: u64) -> Self {
        Self { size, pieces: Vec::new() }
    }

    /// Bytes of RAM.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// End of the RAM below 4 GiB.
    pub(crate) fn low_end(&self) -> u64 {
        self.size.min(HOLE)
    }

    /// Where RAM is.
    pub(crate) fn regions(&self) -> Vec<Region> {
        let above = Region { gpa: ABOVE_HOLE, size: self.size - self.low_end() };
        let below = Region { gpa: 0, size: self.low_end() };
        [below, above].into_iter().filter(|region| region.size > 0).collect()
    }

    /// The memory map, ascending.
    pub(crate) fn map(&self) -> Vec<MapEntry> {
        let entry = |start: u64, end: u64, usable| MapEntry { start, size: end - start, usable };
        let map = [
            entry(0, LOW_END, true),
            entry(LOW_END, HIGH, false),
            entry(HIGH, self.low_end(), true),
            entry(ABOVE_HOLE, ABOVE_HOLE + self.size - self.low_end(), true),
        ];
        map.into_iter().filter(|entry| entry.size > 0).collect()
    }

    /// Puts `bytes` at `gpa`.
    pub(crate) fn place(&mut self, about: About, what: &str, gpa: u64, bytes: Vec<u8>) -> Result<(), Refusal> {
        let size = bytes.len() as u64;
        self.reserve(about, what, gpa, bytes, size)
    }

    /// Takes `size` bytes at `gpa` that begin with `bytes` and are zero after them.
    pub(crate) fn reserve(
        &mut self,
        about: About,
        what: &str,
        gpa: u64,
        bytes: Vec<u8>,
        size: u64,
    ) -> Result<(), Refusal> {
        let size = size.max(bytes.len() as u64);
        let end = gpa.checked_add(size).filter(|end| self.holds(gpa, *end));
        let end = end.ok_or_else(|| self.outside(about, what, gpa, size))?;
        if size == 0 {
            return Ok(());
        }
        let range = gpa..end;
        if let Some(other) = self.pieces.iter().find(|other| overlap(&other.range, &range)) {
            return Err(overlapping(about, what, &range, other));
        }
        self.pieces.push(Piece { about, what: what.to_owned(), range, bytes });
        Ok(())
    }

    /// The highest free place for `size` bytes that starts on a multiple of `alignment`, from 1 MiB up and with its
    /// end not above `limit`.
    pub(crate) fn highest_gap(&self, size: u64, alignment: u64, limit: u64) -> Option<u64> {
        let mut end = limit.min(self.low_end());
        loop {
            let start = end.checked_sub(size)? / alignment * alignment;
            if start < HIGH {
                return None;
            }
            let wanted = start..start + size;
            match self.pieces.iter().find(|piece| overlap(&piece.range, &wanted)) {
                None => return Some(start),
                Some(taken) => end = taken.range.start,
            }
        }
    }

    /// The contents, ascending.
    pub(crate) fn into_segments(mut self) -> Vec<SegmentSpec> {
        self.pieces.sort_by_key(|piece| piece.range.start);
        let filled = self.pieces.into_iter().filter(|piece| !piece.bytes.is_empty());
        filled.map(|piece| SegmentSpec { gpa: piece.range.start, bytes: piece.bytes }).collect()
    }

    fn holds(&self, start: u64, end: u64) -> bool {
        self.regions().iter().any(|region| region.gpa <= start && end <= region.gpa + region.size)
    }

    fn outside(&self, about: About, what: &str, gpa: u64, size: u64) -> Refusal {
        let end = gpa.saturating_add(size);
        let message = format!("{what} does not fit in the memory of the domain");
        let (size, memory) = (Size(size), Size(self.size));
        let refusal = Refusal::new(about, message).label(format!("{size} at {gpa:#x}, the domain has {memory}"));
        match end.checked_next_multiple_of(1 << 20) {
            Some(end) if end <= HOLE => refusal.help(format!("give it at least `memory = \"{}M\"`", end >> 20)),
            _ => refusal.help("RAM is below 3 GiB and from 4 GiB up: link the kernel for a lower address"),
        }
    }
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}

fn overlapping(about: About, what: &str, range: &Range<u64>, other: &Piece) -> Refusal {
    // The builder's own tables come last, but the file or address in the manifest is what can be changed.
    let about = if about == About::Memory { other.about } else { about };
    let (theirs, taken) = (&other.what, &other.range);
    Refusal::new(about, format!("{what} and {theirs} overlap in the domain's memory"))
        .label(format!("{what}: {:#x} to {:#x}, {theirs}: {:#x} to {:#x}", range.start, range.end, taken.start, taken.end))
        .help("0x6000 to 0x30000 and 0x9fc00 to 0x100000 are taken by boot structures: link or load the kernel elsewhere, best at 1 MiB or above")
}
