//! A guest's RAM while it is being furnished: nothing may overlap, everything must be inside.

use std::ops::Range;

use phalanx_abi::bundle::{ALWAYS, Region, SegmentSpec};

use crate::program::{About, Refusal};
use crate::size::Size;

/// Where a virtual machine has RAM.
#[derive(Debug)]
pub(crate) struct Map {
    /// Bytes of RAM as the manifest has it.
    pub(crate) memory: u64,
    /// Where RAM is, ascending.
    pub(crate) regions: Vec<Region>,
    /// Where things go that have no address of their own.
    pub(crate) room: Range<u64>,
    /// What to do about something that does not lie in RAM.
    pub(crate) advise: fn(&Range<u64>) -> String,
    /// What to do about a kernel that lies where the builder puts its own things.
    pub(crate) taken: &'static str,
}

/// RAM of one domain with what has been put into it.
#[derive(Debug)]
pub(crate) struct Ram {
    map: Map,
    pieces: Vec<Piece>,
}

/// Memory that is taken, with contents for its beginning; the rest is zero.
#[derive(Debug)]
struct Piece {
    about: About,
    what: String,
    range: Range<u64>,
    /// Contents with the machines that they are for ([`SegmentSpec::only`]).
    contents: Vec<(u32, Vec<u8>)>,
}

impl Ram {
    /// Empty RAM.
    pub(crate) const fn new(map: Map) -> Self {
        Self { map, pieces: Vec::new() }
    }

    /// Bytes of RAM as the manifest has it.
    pub(crate) const fn size(&self) -> u64 {
        self.map.memory
    }

    /// Where RAM is.
    pub(crate) fn regions(&self) -> Vec<Region> {
        self.map.regions.clone()
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
        self.reserve_alternatives(about, what, gpa, vec![(ALWAYS, bytes)], size)
    }

    /// As [`Self::reserve`], with contents that differ from machine to machine.
    pub(crate) fn reserve_alternatives(
        &mut self,
        about: About,
        what: &str,
        gpa: u64,
        contents: Vec<(u32, Vec<u8>)>,
        size: u64,
    ) -> Result<(), Refusal> {
        let size = contents.iter().map(|(_, bytes)| bytes.len() as u64).fold(size, u64::max);
        let range = gpa..gpa.saturating_add(size);
        if gpa.checked_add(size).is_none() || !self.holds(&range) {
            return Err(self.outside(about, what, &range));
        }
        if size == 0 {
            return Ok(());
        }
        if let Some(other) = self.pieces.iter().find(|other| overlap(&other.range, &range)) {
            return Err(self.overlapping(about, what, &range, other));
        }
        self.pieces.push(Piece { about, what: what.to_owned(), range, contents });
        Ok(())
    }

    /// Whether all of the range is RAM in which nothing lies.
    pub(crate) fn is_free(&self, range: &Range<u64>) -> bool {
        self.holds(range) && !self.pieces.iter().any(|piece| overlap(&piece.range, range))
    }

    /// The highest free place for `size` bytes that starts on a multiple of `alignment` and whose end is not above
    /// `limit`.
    pub(crate) fn highest_gap(&self, size: u64, alignment: u64, limit: u64) -> Option<u64> {
        let mut end = limit.min(self.map.room.end);
        loop {
            let start = end.checked_sub(size)? / alignment * alignment;
            if start < self.map.room.start {
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
        let segments = self.pieces.into_iter().flat_map(|piece| {
            let gpa = piece.range.start;
            piece.contents.into_iter().map(move |(only, bytes)| SegmentSpec { gpa, bytes, only })
        });
        segments.filter(|segment| !segment.bytes.is_empty()).collect()
    }

    fn holds(&self, range: &Range<u64>) -> bool {
        self.map.regions.iter().any(|region| region.gpa <= range.start && range.end <= region.gpa + region.size)
    }

    fn outside(&self, about: About, what: &str, range: &Range<u64>) -> Refusal {
        let (size, memory) = (Size(range.end - range.start), Size(self.map.memory));
        let label = format!("{size} at {:#x}, the domain has {memory}", range.start);
        Refusal::new(about, format!("{what} does not fit in the memory of the domain")).label(label).help((self
            .map
            .advise)(
            range
        ))
    }

    fn overlapping(&self, about: About, what: &str, range: &Range<u64>, other: &Piece) -> Refusal {
        // The builder's own tables come last, but the file or address in the manifest is what can be changed.
        let about = if about == About::Memory { other.about } else { about };
        let (theirs, taken) = (&other.what, &other.range);
        let (ours, theirs_at) = (Place(range), Place(taken));
        Refusal::new(about, format!("{what} and {theirs} overlap in the domain's memory"))
            .label(format!("{what}: {ours}, {theirs}: {theirs_at}"))
            .help(self.map.taken)
    }
}

/// A range as people read it.
struct Place<'a>(&'a Range<u64>);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#x} to {:#x}", self.0.start, self.0.end)
    }
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}
