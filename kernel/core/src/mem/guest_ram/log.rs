//! The hypervisor's own writes to a guest's RAM, for domains with a dirty log: the processor marks only the guest's.
//!
//! A page is marked after it was written. So whoever takes the mark finds the bytes; a reading that comes between the two
//! leaves the page to the next one.

use core::sync::atomic::Ordering;

use phalanx_arch_api::addr::{FRAME_SHIFT, FRAME_SIZE};
use phalanx_arch_api::table::Level;
use phalanx_arch_api::{Gpa, Unbacked};

use super::{GuestRam, RamError, Region};
use crate::mem::allocator::FrameAllocator;
use crate::mem::frame::{Extent, Hypervisor};

/// Frames whose bits fill one frame of the log.
const FRAMES_PER_FRAME: u64 = 8 * FRAME_SIZE;

impl GuestRam {
    /// Keeps a log from now on. Called once, before the RAM is used.
    ///
    /// # Errors
    /// [`RamError::Memory`] where there is no memory for the log; [`Self::release`] gives back what was taken for it.
    pub fn keep_log(&mut self, allocator: &mut FrameAllocator) -> Result<(), RamError> {
        for region in &mut self.regions {
            let frames = (region.extent.frames()).div_ceil(FRAMES_PER_FRAME);
            let log = allocator.allocate(frames, Level::L1).map_err(RamError::Memory)?;
            region.log = Some(log.into_hypervisor());
        }
        Ok(())
    }

    /// Whether it keeps a log.
    #[must_use]
    pub fn keeps_log(&self) -> bool {
        self.regions.iter().any(|region| region.log.is_some())
    }

    /// Calls `found` for every page of the range that the hypervisor wrote since the last call for it.
    ///
    /// # Errors
    /// [`Unbacked`] where a part of the range is not RAM; what comes before has been called for.
    pub fn take_written(&self, gpa: Gpa, bytes: u64, mut found: impl FnMut(Gpa)) -> Result<(), Unbacked> {
        self.for_each_piece(gpa, bytes, |region, offset, bytes| {
            if let Some(log) = &region.log {
                let first = offset >> FRAME_SHIFT;
                let frames = first..(offset + bytes as u64).div_ceil(FRAME_SIZE);
                // The place lies inside of a region, whose end is inside of the address space.
                let place = |frame: u64| Gpa::new(region.gpa.as_u64() + (frame << FRAME_SHIFT));
                frames.filter(|frame| take(log, *frame)).for_each(|frame| found(place(frame)));
            }
            Ok(())
        })
    }

    /// Marks the page of `gpa` as written.
    pub(crate) fn mark_written(&self, gpa: Gpa) {
        let _ = self.for_each_piece(gpa, 1, |region, offset, bytes| {
            region.written(offset, bytes as u64);
            Ok(())
        });
    }
}

impl Region {
    /// Notes that `bytes` bytes from `offset` were written: one branch where there is no log.
    #[inline(always)]
    pub(super) fn written(&self, offset: u64, bytes: u64) {
        if let Some(log) = &self.log {
            mark(log, offset >> FRAME_SHIFT, (offset + bytes).div_ceil(FRAME_SIZE));
        }
    }
}

/// Marks the frames from `first` to before `end`.
#[cold]
fn mark(log: &Extent<Hypervisor>, first: u64, end: u64) {
    for frame in first..end {
        if let Some(word) = log.word(frame / 64) {
            word.fetch_or(1 << (frame % 64), Ordering::Release);
        }
    }
}

/// Takes the mark of a frame. Whether it had one.
fn take(log: &Extent<Hypervisor>, frame: u64) -> bool {
    let bit = 1 << (frame % 64);
    log.word(frame / 64).is_some_and(|word| {
        word.load(Ordering::Relaxed) & bit != 0 && word.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    })
}
