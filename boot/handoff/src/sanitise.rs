//! Makes a memory map out of what firmware and loaders report.
//!
//! Firmware reports regions out of order, in pieces, overlapping and with odd ends. The sweep below cuts the address
//! space at every region's start and end; each piece belongs to the most restrictive region that covers it.

use core::fmt;

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;

use crate::{MemoryKind, MemoryRegion};

/// Regions that a memory map can hold, as in the E820 table of the Linux boot protocol.
pub const MAX_REGIONS: usize = 128;

/// The end of the architectural physical address space (52 bits); reports beyond it are cut.
pub const PHYSICAL_LIMIT: u64 = 1 << 52;

/// The machine's memory map has more than [`MAX_REGIONS`] regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRegions;

impl fmt::Display for TooManyRegions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the machine's memory map has more than {MAX_REGIONS} regions")
    }
}

type Regions = ArrayVec<MemoryRegion, MAX_REGIONS>;

/// Sorts, merges and cuts `report`; usable regions shrink to whole frames, the most restrictive kind wins.
pub(crate) fn sanitise(report: &[MemoryRegion]) -> Result<Regions, TooManyRegions> {
    let mut regions = Regions::new();
    let mut start = 0;
    while let Some(end) = next_cut(report, start) {
        if let Some(kind) = kind_of_piece(report, start, end) {
            append(&mut regions, start, end, kind)?;
        }
        start = end;
    }
    shrink_usable(&mut regions);
    Ok(regions)
}

/// The region's ends as numbers, cut at [`PHYSICAL_LIMIT`].
fn ends(region: &MemoryRegion) -> (u64, u64) {
    (region.start.as_u64().min(PHYSICAL_LIMIT), region.end().as_u64().min(PHYSICAL_LIMIT))
}

/// The lowest address above `address` at which the kind of memory may change.
fn next_cut(report: &[MemoryRegion], address: u64) -> Option<u64> {
    let cuts = report.iter().map(ends).flat_map(|(start, end)| [start, end]);
    cuts.filter(|&cut| cut > address).min()
}

/// The most restrictive kind that covers `start..end` (which no region's end divides), if any does.
fn kind_of_piece(report: &[MemoryRegion], start: u64, end: u64) -> Option<MemoryKind> {
    let covers = |region: &&MemoryRegion| {
        let (first, last) = ends(region);
        first <= start && end <= last
    };
    let kinds = report.iter().filter(covers).map(|region| region.kind);
    kinds.reduce(|held, kind| if kind.is_more_restrictive_than(held) { kind } else { held })
}

/// Adds a piece that lies above all others, to the last region where it continues it.
fn append(regions: &mut Regions, start: u64, end: u64, kind: MemoryKind) -> Result<(), TooManyRegions> {
    match regions.last_mut() {
        Some(last) if last.kind == kind && last.end() == Hpa::new(start) => {
            last.len += end - start;
            Ok(())
        }
        _ => {
            let region = MemoryRegion { start: Hpa::new(start), len: end - start, kind };
            regions.try_push(region).map_err(|_| TooManyRegions)
        }
    }
}

/// Shrinks usable regions to the frames that lie in them whole, and drops those without any.
fn shrink_usable(regions: &mut Regions) {
    regions.retain(|region| {
        if region.kind != MemoryKind::Usable {
            return true;
        }
        let end = region.end().align_down(FRAME_SIZE);
        let Some(start) = region.start.align_up(FRAME_SIZE) else {
            return false;
        };
        region.start = start;
        region.len = end.checked_sub(start).unwrap_or(0);
        region.len != 0
    });
}

#[cfg(test)]
mod tests;
