//! `/memory` without everything that somebody else needs.

use arrayvec::ArrayVec;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_handoff::board::{Board, Enable};
use phalanx_handoff::{MAX_REGIONS, MemoryKind, MemoryMap, MemoryRegion, PhysRange};

use super::survey::Survey;
use crate::error::{BootError, Part};

type Regions = ArrayVec<MemoryRegion, MAX_REGIONS>;

impl Survey<'_> {
    /// The memory map. The bundle's memory counts as usable, and must be.
    pub(super) fn memory_map(&self, board: &Board, bundle: Option<PhysRange>) -> Result<MemoryMap, BootError> {
        if let Some(error) = self.memory_error {
            return Err(error);
        }
        if !self.memory.iter().any(|region| region.kind == MemoryKind::Usable) {
            return Err(BootError::Missing(Part::Memory));
        }
        let mut regions = self.memory.clone();
        self.add_reservations(&mut regions, bundle)?;
        add_spin_tables(&mut regions, board)?;
        let map = MemoryMap::from_report(&regions)?;
        match bundle {
            Some(bundle) if !is_usable(&map, bundle) => Err(BootError::BundleOutsideMemory),
            _ => Ok(map),
        }
    }

    /// The header's reservations; a loader may have reserved the bundle, which the kernel knows without.
    fn add_reservations(&self, regions: &mut Regions, bundle: Option<PhysRange>) -> Result<(), BootError> {
        let bundle = bundle.map(whole_frames);
        let mut result = Ok(());
        let read = self.fdt().reservations(|range| {
            if bundle.is_none_or(|bundle| !contains(bundle, range)) {
                result = result.and_then(|()| reserve(regions, range));
            }
        });
        read.map_err(|_| BootError::Garbled(Part::Reservations)).and(result)
    }
}

/// CPUs that poll for their entry address run code that lies beside it.
fn add_spin_tables(regions: &mut Regions, board: &Board) -> Result<(), BootError> {
    for cpu in &board.cpus {
        if let Enable::SpinTable { release } = cpu.enable {
            let frame = PhysRange::new(release.align_down(FRAME_SIZE), FRAME_SIZE);
            reserve(regions, frame.ok_or(BootError::Garbled(Part::Cpus))?)?;
        }
    }
    Ok(())
}

fn reserve(regions: &mut Regions, range: PhysRange) -> Result<(), BootError> {
    let known = |region: &MemoryRegion| region.start == range.start() && region.len == range.len();
    if regions.iter().any(|region| region.kind == MemoryKind::Reserved && known(region)) {
        return Ok(());
    }
    let region = MemoryRegion { start: range.start(), len: range.len(), kind: MemoryKind::Reserved };
    regions.try_push(region).map_err(|_| BootError::TooManyRegions)
}

/// The frames that `range` touches.
fn whole_frames(range: PhysRange) -> PhysRange {
    let end = range.end().align_up(FRAME_SIZE).unwrap_or(range.end());
    PhysRange::between(range.start().align_down(FRAME_SIZE), end).unwrap_or(range)
}

fn contains(outer: PhysRange, inner: PhysRange) -> bool {
    outer.start() <= inner.start() && inner.end() <= outer.end()
}

fn is_usable(map: &MemoryMap, range: PhysRange) -> bool {
    map.usable().any(|usable| contains(usable, range))
}
