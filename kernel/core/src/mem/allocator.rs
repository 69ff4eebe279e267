//! The allocator of physical memory: a short sorted list of free extents.
//!
//! It works at boot, when domains take their memory, and when one gives it back; never on behalf of a running guest.
//! Best fit: what is small comes out of small holes, so that large aligned extents stay whole.

use core::fmt;

use arrayvec::ArrayVec;
use phalanx_arch_api::addr::{FRAME_SHIFT, FRAME_SIZE};
use phalanx_arch_api::table::Level;

use super::frame::{Extent, Free};

/// Most free extents at a time. A PC's memory map has about ten.
const FREE_EXTENTS: usize = 128;

/// Free physical memory.
#[derive(Debug, Default)]
pub struct FrameAllocator {
    /// Sorted by address; no two of them touch.
    free: ArrayVec<Extent<Free>, FREE_EXTENTS>,
    total: u64,
}

/// What there is and what of it is free, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All that was ever added.
    pub total: u64,
    /// Free now.
    pub free: u64,
    /// The largest free extent.
    pub largest: u64,
}

/// Why no extent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocError {
    /// Bytes that were asked for.
    pub asked: u64,
    /// What there was instead.
    pub memory: Memory,
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, memory } = self;
        let kib = |bytes: u64| bytes.div_ceil(1024);
        write!(
            f,
            "{} KiB asked for, {} KiB free, {} KiB in one piece",
            kib(*asked),
            kib(memory.free),
            kib(memory.largest)
        )
    }
}

impl FrameAllocator {
    /// An allocator without memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: ArrayVec::new_const(), total: 0 }
    }

    /// Adds memory that was not here before.
    ///
    /// # Errors
    /// Gives the extent back when the list of free extents is full.
    pub fn add(&mut self, extent: Extent<Free>) -> Result<(), Extent<Free>> {
        let bytes = extent.bytes();
        self.free(extent)?;
        self.total += bytes;
        Ok(())
    }

    /// What there is and what of it is free.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let sizes = || self.free.iter().map(Extent::bytes);
        Memory { total: self.total, free: sizes().sum(), largest: sizes().max().unwrap_or(0) }
    }

    /// A contiguous extent of `frames` frames that begins at a multiple of `alignment`.
    ///
    /// # Errors
    /// [`AllocError`] where no free extent holds that, or the rest of one could not be kept.
    pub fn allocate(&mut self, frames: u64, alignment: Level) -> Result<Extent<Free>, AllocError> {
        let align = alignment.bytes() >> FRAME_SHIFT;
        let fits = |extent: &Extent<Free>| lead(extent, align).is_some_and(|lead| extent.frames() - lead >= frames);
        let best = self.free.iter().enumerate().filter(|(_, extent)| fits(extent)).min_by_key(|(_, e)| e.frames());
        match best.map(|(index, _)| index) {
            Some(index) if frames > 0 => self.carve(index, frames, align).ok_or(()),
            _ => Err(()),
        }
        .map_err(|()| self.error(frames))
    }

    /// A contiguous extent with the largest of the alignments 1 GiB, 2 MiB and 4 KiB that its size is worth and that
    /// there is, so that a second-level table can use leaves of that size.
    ///
    /// # Errors
    /// As [`FrameAllocator::allocate`].
    pub fn allocate_for_leaves(&mut self, frames: u64) -> Result<Extent<Free>, AllocError> {
        for level in [Level::L3, Level::L2] {
            if frames >= level.bytes() >> FRAME_SHIFT
                && let Ok(extent) = self.allocate(frames, level)
            {
                return Ok(extent);
            }
        }
        self.allocate(frames, Level::L1)
    }

    /// As [`FrameAllocator::allocate_for_leaves`] where `frames` frames are free in one piece, else as much as there is
    /// in one piece, 2 MiB-aligned if possible.
    ///
    /// # Errors
    /// [`AllocError`] where nothing is free.
    pub fn allocate_at_most(&mut self, frames: u64) -> Result<Extent<Free>, AllocError> {
        self.allocate_for_leaves(frames).or_else(|error| {
            let level = if self.largest_aligned(Level::L2) > 0 { Level::L2 } else { Level::L1 };
            self.allocate(self.largest_aligned(level), level).map_err(|_| error)
        })
    }

    /// Frames in the largest run of whole, aligned blocks of a level.
    fn largest_aligned(&self, level: Level) -> u64 {
        let align = level.bytes() >> FRAME_SHIFT;
        let usable = |extent: &Extent<Free>| extent.frames() - lead(extent, align).unwrap_or(extent.frames());
        self.free.iter().map(|extent| usable(extent) / align * align).max().unwrap_or(0)
    }

    /// Takes memory back and joins it with its free neighbours.
    ///
    /// # Errors
    /// Gives the extent back when the list of free extents is full.
    pub fn free(&mut self, extent: Extent<Free>) -> Result<(), Extent<Free>> {
        let index = self.free.partition_point(|other| other.first() < extent.first());
        let extent = match self.free.pop_at(index) {
            Some(next) => match extent.join(next) {
                Ok(joined) => joined,
                Err((extent, next)) => {
                    self.free.insert(index, next);
                    extent
                }
            },
            None => extent,
        };
        let Some(previous) = index.checked_sub(1).and_then(|index| self.free.pop_at(index)) else {
            return self.insert(index, extent);
        };
        match previous.join(extent) {
            Ok(joined) => self.insert(index - 1, joined),
            Err((previous, extent)) => {
                self.free.insert(index - 1, previous);
                self.insert(index, extent)
            }
        }
    }

    fn insert(&mut self, index: usize, extent: Extent<Free>) -> Result<(), Extent<Free>> {
        self.free.try_insert(index, extent).map_err(|full| full.element())
    }

    /// Cuts `frames` aligned frames out of a free extent that holds them.
    fn carve(&mut self, index: usize, frames: u64, align: u64) -> Option<Extent<Free>> {
        if self.free.len() == FREE_EXTENTS {
            // The rests may need one more place than the extent had.
            return None;
        }
        let extent = self.free.pop_at(index)?;
        let lead = lead(&extent, align)?;
        let (before, rest) = extent.split(lead);
        let (wanted, after) = rest?.split(frames);
        for rest in [after, before].into_iter().flatten() {
            self.free.insert(index, rest);
        }
        wanted
    }

    fn error(&self, frames: u64) -> AllocError {
        AllocError { asked: frames.saturating_mul(FRAME_SIZE), memory: self.memory() }
    }
}

/// Frames from the start of `extent` to its first multiple of `align` frames, if that is inside.
fn lead(extent: &Extent<Free>, align: u64) -> Option<u64> {
    let first = extent.first().number();
    let lead = first.next_multiple_of(align) - first;
    (lead < extent.frames()).then_some(lead)
}
