//! The machine's memory map, as the kernel may rely on it.

use core::fmt;

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;

use crate::PhysRange;
use crate::sanitise::{MAX_REGIONS, TooManyRegions, sanitise};

/// What a region of physical memory may be used for (ACPI 6.5, table 15.2, without the rare kinds).
///
/// Declared from the most to the least permissive: where two regions claim the same byte, the later kind holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    /// RAM that nobody else needs.
    Usable,
    /// ACPI tables: RAM once they have been read.
    AcpiReclaim,
    /// Firmware's own memory, to be kept across sleep.
    AcpiNvs,
    /// Not to be touched, or not memory at all.
    Reserved,
    /// RAM that the firmware found to be broken.
    Unusable,
}

impl MemoryKind {
    /// The kind with this number in a PC's memory map (BIOS E820, PVH and multiboot2 share them).
    ///
    /// An unknown number means [`MemoryKind::Reserved`], as ACPI demands.
    #[must_use]
    pub const fn from_e820(number: u32) -> Self {
        match number {
            1 => Self::Usable,
            3 => Self::AcpiReclaim,
            4 => Self::AcpiNvs,
            5 => Self::Unusable,
            _ => Self::Reserved,
        }
    }

    /// Whether this kind holds where `other` claims the same byte.
    #[must_use]
    pub const fn is_more_restrictive_than(self, other: Self) -> bool {
        self as u8 > other as u8
    }
}

impl fmt::Display for MemoryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usable => "usable",
            Self::AcpiReclaim => "ACPI tables",
            Self::AcpiNvs => "ACPI NVS",
            Self::Reserved => "reserved",
            Self::Unusable => "broken",
        })
    }
}

/// One entry of a memory map, as a loader reports it (unchecked) or as [`MemoryMap`] keeps it (checked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryRegion {
    /// The first byte.
    pub start: Hpa,
    /// The size in bytes.
    pub len: u64,
    /// What it may be used for.
    pub kind: MemoryKind,
}

impl MemoryRegion {
    /// The first byte behind the region; the end of the address space where the report runs past it.
    #[must_use]
    pub const fn end(&self) -> Hpa {
        Hpa::new(self.start.as_u64().saturating_add(self.len))
    }
}

/// Sorted regions without overlaps; usable ones start and end at 4 KiB boundaries.
///
/// What no region covers is not memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryMap {
    regions: ArrayVec<MemoryRegion, MAX_REGIONS>,
}

impl MemoryMap {
    /// Builds the map from what a loader reported, in any order and with any overlaps.
    ///
    /// # Errors
    /// [`TooManyRegions`] where the report does not come down to [`MAX_REGIONS`] regions.
    pub fn from_report(report: &[MemoryRegion]) -> Result<Self, TooManyRegions> {
        Ok(Self { regions: sanitise(report)? })
    }

    /// All regions, by rising address.
    #[must_use]
    pub fn regions(&self) -> &[MemoryRegion] {
        &self.regions
    }

    /// The usable ranges, by rising address.
    pub fn usable(&self) -> impl Iterator<Item = PhysRange> + '_ {
        self.usable_without(&[])
    }

    /// The usable ranges minus every 4 KiB frame that one of `taken` touches, by rising address.
    #[must_use]
    pub fn usable_without<'a>(&'a self, taken: &'a [PhysRange]) -> UsableWithout<'a> {
        UsableWithout { regions: self.regions.iter(), taken, rest: None }
    }

    /// Usable memory in bytes.
    #[must_use]
    pub fn usable_bytes(&self) -> u64 {
        self.usable().map(PhysRange::len).sum()
    }

    /// The first byte behind the highest usable region; what a map of all RAM has to reach.
    #[must_use]
    pub fn usable_end(&self) -> Hpa {
        self.usable().last().map_or(Hpa::new(0), PhysRange::end)
    }
}

/// Iterator of [`MemoryMap::usable_without`].
#[derive(Clone, Debug)]
pub struct UsableWithout<'a> {
    regions: core::slice::Iter<'a, MemoryRegion>,
    taken: &'a [PhysRange],
    /// What is left of the region under way.
    rest: Option<PhysRange>,
}

impl UsableWithout<'_> {
    fn next_region(&mut self) -> Option<PhysRange> {
        let region = self.regions.by_ref().find(|region| region.kind == MemoryKind::Usable)?;
        PhysRange::new(region.start, region.len)
    }

    /// The lowest taken range within `rest`, widened to whole frames.
    fn first_hole(&self, rest: PhysRange) -> Option<PhysRange> {
        let holes = self.taken.iter().copied().filter(|taken| taken.overlaps(rest));
        let lowest = holes.min_by_key(|taken| taken.start())?;
        let end = lowest.end().align_up(FRAME_SIZE).unwrap_or(rest.end());
        PhysRange::between(lowest.start().align_down(FRAME_SIZE), end)
    }
}

impl Iterator for UsableWithout<'_> {
    type Item = PhysRange;

    fn next(&mut self) -> Option<PhysRange> {
        loop {
            let rest = match self.rest.take() {
                Some(rest) => rest,
                None => self.next_region()?,
            };
            let Some(hole) = self.first_hole(rest) else {
                return Some(rest);
            };
            self.rest = PhysRange::between(hole.end(), rest.end()).filter(|after| !after.is_empty());
            if let Some(before) = PhysRange::between(rest.start(), hole.start()).filter(|before| !before.is_empty()) {
                return Some(before);
            }
        }
    }
}
