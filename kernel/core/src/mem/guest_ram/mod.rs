//! A domain's RAM: up to [`MAX_REGIONS`] extents, each at its guest-physical address.

mod access;
mod log;

use arrayvec::ArrayVec;
use phalanx_arch_api::addr::{FRAME_SHIFT, FRAME_SIZE};
use phalanx_arch_api::{Gpa, Hpa};

use super::allocator::{AllocError, FrameAllocator};
use super::frame::{Extent, Guest, Hypervisor};

/// Most extents in one domain's RAM.
pub const MAX_REGIONS: usize = 4;

/// Guest RAM. Bytes are copied in and out; none is ever borrowed.
#[derive(Debug, Default)]
pub struct GuestRam {
    /// Sorted by address; no two overlap.
    regions: ArrayVec<Region, MAX_REGIONS>,
}

#[derive(Debug)]
struct Region {
    gpa: Gpa,
    extent: Extent<Guest>,
    /// Which frames the hypervisor wrote, a bit each, where the domain has a log.
    log: Option<Extent<Hypervisor>>,
}

/// Where a part of the RAM is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The guest's address of it.
    pub gpa: Gpa,
    /// The machine's address of it.
    pub hpa: Hpa,
    /// Its length.
    pub bytes: u64,
}

/// Why RAM could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RamError {
    /// Not enough memory.
    Memory(AllocError),
    /// More than [`MAX_REGIONS`] regions, or free memory in more pieces than that.
    TooManyRegions,
    /// This region is empty, unaligned, over the end of the address space, or overlaps another.
    BadRegion(Gpa),
}

impl GuestRam {
    /// Takes memory for the regions `(first address, bytes)`. A region that does not fit one free extent is put
    /// together from several. What the memory holds is unspecified until it has been zeroed.
    ///
    /// # Errors
    /// [`RamError`]; `allocator` is then as before.
    pub fn allocate(
        allocator: &mut FrameAllocator,
        regions: impl Iterator<Item = (Gpa, u64)> + Clone,
    ) -> Result<Self, RamError> {
        let asked = regions.clone().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(bytes));
        let memory = allocator.memory();
        if asked > memory.free {
            return Err(RamError::Memory(AllocError { asked, memory }));
        }
        let mut ram = Self::default();
        for (gpa, bytes) in regions {
            if let Err(error) = ram.add_region(allocator, gpa, bytes) {
                ram.release(allocator);
                return Err(error);
            }
        }
        Ok(ram)
    }

    /// Gives the memory back, scrubbed. State before: no processor reaches it through any table.
    pub fn release(self, allocator: &mut FrameAllocator) {
        for region in self.regions {
            // A full list keeps the frames out of use; the accounts show them as allocated.
            allocator.free(region.extent.release()).unwrap_or(());
            if let Some(log) = region.log {
                allocator.free(log.release()).unwrap_or(());
            }
        }
    }

    /// Where the RAM is, by ascending guest address.
    pub fn regions(&self) -> impl Iterator<Item = Placement> {
        self.regions.iter().map(|Region { gpa, extent, .. }| Placement {
            gpa: *gpa,
            hpa: extent.start(),
            bytes: extent.bytes(),
        })
    }

    /// Bytes in all regions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.regions.iter().map(|region| region.extent.bytes()).sum()
    }

    fn add_region(&mut self, allocator: &mut FrameAllocator, gpa: Gpa, bytes: u64) -> Result<(), RamError> {
        let end = gpa.checked_add(bytes).filter(|_| bytes > 0 && (gpa.as_u64() | bytes).is_multiple_of(FRAME_SIZE));
        let end = end.filter(|end| self.regions().all(|other| other.gpa >= *end || gpa >= other.end()));
        let end = end.ok_or(RamError::BadRegion(gpa))?;
        let mut next = gpa;
        while let Some(rest) = end.checked_sub(next).filter(|rest| *rest > 0) {
            if self.regions.is_full() {
                return Err(RamError::TooManyRegions);
            }
            let extent = allocator.allocate_at_most(rest >> FRAME_SHIFT).map_err(RamError::Memory)?.into_guest();
            let index = self.regions.partition_point(|region| region.gpa < next);
            let region = Region { gpa: next, extent, log: None };
            next = region.end();
            self.regions.insert(index, region);
        }
        Ok(())
    }
}

impl Region {
    /// The address after the last byte; [`GuestRam::add_region`] keeps it inside the address space.
    fn end(&self) -> Gpa {
        Gpa::new(self.gpa.as_u64() + self.extent.bytes())
    }
}

impl Placement {
    /// The guest's address after the last byte.
    #[must_use]
    pub const fn end(&self) -> Gpa {
        Gpa::new(self.gpa.as_u64() + self.bytes)
    }
}
