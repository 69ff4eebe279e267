//! Frames for the host itself, before the core's frame allocator exists.
//!
//! A bump allocator over the usable RAM: page tables, stacks and per-CPU areas come from here and are never given
//! back. What is left becomes the core's, by [`EarlyFrames::into_free_ranges`].

use core::ops::Range;

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;

use super::paging::{OutOfFrames, TableMemory, direct_map};

/// How many separate ranges of RAM are kept track of; firmware reports rarely more than 30.
pub const MAX_RANGES: usize = 128;

/// RAM below this belongs to firmware, to the CPUs' start-up page and to nobody else.
const LOW_MEMORY_END: u64 = 1 << 20;

/// The loader maps the first 4 GiB; frames from above cannot be touched before the final tables are in use.
const REACHABLE_END: u64 = 1 << 32;

/// Usable ranges with too many holes to describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

/// The free frames, as ranges that begin and end at a frame's boundary.
#[derive(Debug)]
pub struct EarlyFrames {
    free: ArrayVec<Range<Hpa>, MAX_RANGES>,
}

impl EarlyFrames {
    /// The frames of `usable` that no range of `reserved` touches, without the first MiB.
    ///
    /// # Errors
    /// [`TooManyRanges`] where more than [`MAX_RANGES`] ranges would be left.
    pub fn new(usable: &[Range<Hpa>], reserved: &[Range<Hpa>]) -> Result<Self, TooManyRanges> {
        let mut free: ArrayVec<Range<Hpa>, MAX_RANGES> = ArrayVec::new();
        for range in usable {
            let start = range.start.max(Hpa::new(LOW_MEMORY_END)).align_up(FRAME_SIZE).unwrap_or(range.end);
            let whole = start..range.end.align_down(FRAME_SIZE);
            if !whole.is_empty() {
                free.try_push(whole).map_err(|_| TooManyRanges)?;
            }
        }
        let mut frames = Self { free };
        for range in reserved {
            frames.remove(range)?;
        }
        Ok(frames)
    }

    /// Takes every frame that `taken` touches out of the free ranges.
    fn remove(&mut self, taken: &Range<Hpa>) -> Result<(), TooManyRanges> {
        if taken.is_empty() {
            return Ok(());
        }
        let first = taken.start.align_down(FRAME_SIZE);
        let end = taken.end.align_up(FRAME_SIZE).unwrap_or(taken.end);
        let mut left: ArrayVec<Range<Hpa>, MAX_RANGES> = ArrayVec::new();
        for range in &self.free {
            for rest in [range.start..range.end.min(first), range.start.max(end)..range.end] {
                if !rest.is_empty() {
                    left.try_push(rest).map_err(|_| TooManyRanges)?;
                }
            }
        }
        self.free = left;
        Ok(())
    }

    /// Takes `count` adjacent frames below 4 GiB. Their content is whatever was there.
    ///
    /// # Errors
    /// [`OutOfFrames`] where no free range is long enough.
    pub fn allocate(&mut self, count: u64) -> Result<Hpa, OutOfFrames> {
        let bytes = count.checked_mul(FRAME_SIZE).ok_or(OutOfFrames)?;
        for range in &mut self.free {
            let Some(end) = range.start.checked_add(bytes) else { continue };
            if end <= range.end && end.as_u64() <= REACHABLE_END {
                let start = range.start;
                range.start = end;
                return Ok(start);
            }
        }
        Err(OutOfFrames)
    }

    /// Takes `count` adjacent frames below 4 GiB, filled with zeros.
    ///
    /// # Errors
    /// As for [`EarlyFrames::allocate`].
    pub fn allocate_zeroed(&mut self, count: u64) -> Result<Hpa, OutOfFrames> {
        let start = self.allocate(count)?;
        for frame in 0..count {
            let page = direct_map(Hpa::new(start.as_u64() + frame * FRAME_SIZE));
            // SAFETY: the frame was just taken out of the free RAM, so nothing else refers to it, and both the
            // loader's tables and the final ones map it here.
            unsafe { page.write_bytes(0, FRAME_SIZE as usize) };
        }
        Ok(start)
    }

    /// What is left: ranges of whole frames that nobody uses.
    #[must_use]
    pub fn into_free_ranges(self) -> ArrayVec<Range<Hpa>, MAX_RANGES> {
        self.free.into_iter().filter(|range| !range.is_empty()).collect()
    }
}

impl TableMemory for EarlyFrames {
    fn allocate_table(&mut self) -> Result<Hpa, OutOfFrames> {
        self.allocate_zeroed(1)
    }

    fn read(&self, table: Hpa, index: usize) -> u64 {
        // SAFETY: tables are frames that `allocate_table` gave, mapped here; the processor may set bits at any moment,
        // hence volatile.
        unsafe { direct_map(table).cast::<u64>().add(index & 511).read_volatile() }
    }

    fn write(&mut self, table: Hpa, index: usize, value: u64) {
        // SAFETY: as for `read`; `&mut self` keeps other writers away.
        unsafe { direct_map(table).cast::<u64>().add(index & 511).write_volatile(value) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> Range<Hpa> {
        Hpa::new(start)..Hpa::new(end)
    }

    #[test]
    fn reserved_ranges_and_the_first_mebibyte_are_left_out() {
        let usable = [range(0, 0x9_fc00), range(0x10_0000, 0x80_0fff)];
        let reserved = [range(0x20_0123, 0x20_1001), range(0x7f_f000, 0x100_0000), range(5, 5)];
        let frames = EarlyFrames::new(&usable, &reserved).unwrap();
        let left = frames.into_free_ranges();
        assert_eq!(left.as_slice(), [range(0x10_0000, 0x20_0000), range(0x20_2000, 0x7f_f000)]);
    }

    #[test]
    fn allocations_are_disjoint_and_leave_the_rest() {
        let mut frames = EarlyFrames::new(&[range(0x10_0000, 0x10_4000)], &[]).unwrap();
        assert_eq!(frames.allocate(1), Ok(Hpa::new(0x10_0000)));
        assert_eq!(frames.allocate(2), Ok(Hpa::new(0x10_1000)));
        assert_eq!(frames.allocate(2), Err(OutOfFrames));
        assert_eq!(frames.allocate(u64::MAX), Err(OutOfFrames));
        assert_eq!(frames.allocate(1), Ok(Hpa::new(0x10_3000)));
        assert!(frames.into_free_ranges().is_empty());
    }

    #[test]
    fn frames_above_4_gib_are_kept_for_the_core() {
        let mut frames = EarlyFrames::new(&[range(4 << 30, 5 << 30)], &[]).unwrap();
        assert_eq!(frames.allocate(1), Err(OutOfFrames));
        assert_eq!(frames.into_free_ranges().as_slice(), [range(4 << 30, 5 << 30)]);
    }

    #[test]
    fn too_many_holes_are_an_error() {
        let holes: ArrayVec<_, MAX_RANGES> = (0..MAX_RANGES as u64).map(|i| range((i + 1) << 21, ((i + 1) << 21) + 1)).collect();
        assert!(matches!(EarlyFrames::new(&[range(1 << 20, 1 << 30)], &holes), Err(TooManyRanges)));
    }
}
