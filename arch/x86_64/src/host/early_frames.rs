//! Frames for the host itself, before the core's frame allocator exists.
//!
//! A bump allocator over the usable RAM: page tables, stacks and per-CPU areas come from here and are never given
//! back. What is left becomes the core's, by [`EarlyFrames::into_free_ranges`].

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_handoff::{BootInfo, PhysRange};

use super::paging::{OutOfFrames, TableMemory, direct_map};

/// How many separate ranges of free RAM are kept track of.
pub const MAX_FREE_RANGES: usize = 136;

/// The free RAM: ranges of whole frames.
pub type FreeRanges = ArrayVec<PhysRange, MAX_FREE_RANGES>;

/// RAM below this belongs to firmware, to the CPUs' start-up page and to nobody else.
const LOW_MEMORY_END: u64 = 1 << 20;

/// The loader maps the first 4 GiB; frames from above cannot be touched before the final tables are in use.
const REACHABLE_END: u64 = 1 << 32;

/// The memory map has too many pieces to describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

/// The frames that nobody uses.
#[derive(Debug)]
pub struct EarlyFrames {
    free: FreeRanges,
}

impl EarlyFrames {
    /// All usable RAM but the first MiB, the kernel and the bundle.
    ///
    /// # Errors
    /// [`TooManyRanges`] where more than [`MAX_FREE_RANGES`] ranges would be left.
    pub fn new(info: &BootInfo) -> Result<Self, TooManyRanges> {
        let low = PhysRange::between(Hpa::new(0), Hpa::new(LOW_MEMORY_END));
        let taken: ArrayVec<PhysRange, 3> = [Some(info.kernel_image), info.bundle, low].into_iter().flatten().collect();
        let mut free = FreeRanges::new();
        for range in info.memory.usable_without(&taken) {
            free.try_push(range).map_err(|_| TooManyRanges)?;
        }
        Ok(Self { free })
    }

    /// Takes `count` adjacent frames below 4 GiB. Their content is whatever was there.
    ///
    /// # Errors
    /// [`OutOfFrames`] where no free range is long enough.
    pub fn allocate(&mut self, count: u64) -> Result<Hpa, OutOfFrames> {
        let bytes = count.checked_mul(FRAME_SIZE).ok_or(OutOfFrames)?;
        for range in &mut self.free {
            let start = range.start();
            let Some(rest) = start.checked_add(bytes).and_then(|end| PhysRange::between(end, range.end())) else {
                continue;
            };
            if rest.start().as_u64() <= REACHABLE_END {
                *range = rest;
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
        // SAFETY: the frames were just taken out of the free RAM, so nothing else refers to them, and both the
        // loader's tables and the final ones map them here.
        unsafe { direct_map(start).write_bytes(0, (count * FRAME_SIZE) as usize) };
        Ok(start)
    }

    /// What is left.
    #[must_use]
    pub fn into_free_ranges(self) -> FreeRanges {
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
pub(super) mod tests {
    use phalanx_handoff::{CommandLine, Loader, MemoryKind, MemoryMap, MemoryRegion};

    use super::*;

    fn range(start: u64, end: u64) -> PhysRange {
        PhysRange::between(Hpa::new(start), Hpa::new(end)).unwrap()
    }

    /// What a loader would say about a machine with these regions and a kernel of 1 MiB at 2 MiB.
    pub(crate) fn boot_info(regions: &[(u64, u64, MemoryKind)]) -> BootInfo {
        let region = |&(start, end, kind)| MemoryRegion { start: Hpa::new(start), len: end - start, kind };
        let regions: ArrayVec<MemoryRegion, 16> = regions.iter().map(region).collect();
        BootInfo {
            loader: Loader::Pvh,
            memory: MemoryMap::from_report(&regions).unwrap(),
            bundle: None,
            extra_modules: 0,
            command_line: CommandLine::new(),
            rsdp: None,
            board: None,
            kernel_image: range(0x20_0000, 0x30_0000),
        }
    }

    #[test]
    fn what_is_in_use_is_left_out() {
        let mut info = boot_info(&[(0, 0x9_fc00, MemoryKind::Usable), (0x10_0000, 0x80_0fff, MemoryKind::Usable)]);
        info.bundle = Some(range(0x7f_f123, 0x80_0000));
        let left = EarlyFrames::new(&info).unwrap().into_free_ranges();
        assert_eq!(left.as_slice(), [range(0x10_0000, 0x20_0000), range(0x30_0000, 0x7f_f000)]);
    }

    #[test]
    fn allocations_are_disjoint_and_leave_the_rest() {
        let mut frames = EarlyFrames::new(&boot_info(&[(0x10_0000, 0x10_4000, MemoryKind::Usable)])).unwrap();
        assert_eq!(frames.allocate(1), Ok(Hpa::new(0x10_0000)));
        assert_eq!(frames.allocate(2), Ok(Hpa::new(0x10_1000)));
        assert_eq!(frames.allocate(2), Err(OutOfFrames));
        assert_eq!(frames.allocate(u64::MAX), Err(OutOfFrames));
        assert_eq!(frames.allocate(1), Ok(Hpa::new(0x10_3000)));
        assert!(frames.into_free_ranges().is_empty());
    }

    #[test]
    fn frames_above_4_gib_are_kept_for_the_core() {
        let mut frames = EarlyFrames::new(&boot_info(&[(4 << 30, 5 << 30, MemoryKind::Usable)])).unwrap();
        assert_eq!(frames.allocate(1), Err(OutOfFrames));
        assert_eq!(frames.into_free_ranges().as_slice(), [range(4 << 30, 5 << 30)]);
    }
}
