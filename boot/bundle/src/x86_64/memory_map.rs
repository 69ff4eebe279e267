//! The memory map of the virtual PC, as guests are told it, and as the builder uses it.

use std::ops::Range;

use phalanx_abi::bundle::Region;

use super::layout::{ABOVE_HOLE, HIGH, HOLE, LOW_END};
use crate::ram::Map;

/// A line of the memory map that guests are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapEntry {
    pub(crate) start: u64,
    pub(crate) size: u64,
    /// Whether the guest may use it; the others are reserved.
    pub(crate) usable: bool,
}

/// End of the RAM below 4 GiB, of `memory` bytes in all.
pub(crate) fn low_end(memory: u64) -> u64 {
    memory.min(HOLE)
}

/// The memory map of `memory` bytes, ascending.
pub(crate) fn entries(memory: u64) -> Vec<MapEntry> {
    let entry = |start: u64, end: u64, usable| MapEntry { start, size: end - start, usable };
    let low_end = low_end(memory);
    let map = [
        entry(0, LOW_END, true),
        entry(LOW_END, HIGH, false),
        entry(HIGH, low_end, true),
        entry(ABOVE_HOLE, ABOVE_HOLE + memory - low_end, true),
    ];
    map.into_iter().filter(|entry| entry.size > 0).collect()
}

/// Where `memory` bytes of RAM are: below the hole as far as possible, then above 4 GiB.
pub(super) fn map(memory: u64) -> Map {
    let low_end = low_end(memory);
    let below = Region { gpa: 0, size: low_end };
    let above = Region { gpa: ABOVE_HOLE, size: memory - low_end };
    Map {
        memory,
        regions: [below, above].into_iter().filter(|region| region.size > 0).collect(),
        room: HIGH..low_end,
        advise,
        taken: "0x6000 to 0x30000 and 0x9fc00 to 0x100000 are taken by boot structures: link or load the kernel elsewhere, best at 1 MiB or above",
    }
}

/// What to do about something that does not lie in RAM.
fn advise(place: &Range<u64>) -> String {
    match place.end.checked_next_multiple_of(1 << 20) {
        Some(end) if end <= HOLE => format!("give it at least `memory = \"{}M\"`", end >> 20),
        _ => String::from("RAM is below 3 GiB and from 4 GiB up: link the kernel for a lower address"),
    }
}
