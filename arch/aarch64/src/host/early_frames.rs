//! Frames for the host itself, before the core's frame allocator exists.
//!
//! A bump allocator over the usable RAM: page tables, stacks and per-CPU areas come from here and are never given
//! back. What is left becomes the core's, by [`EarlyFrames::into_free_ranges`].

use arrayvec::ArrayVec;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::TableMemory;
use phalanx_arch_api::{Hfn, Hpa, Hva};
use phalanx_handoff::{BootInfo, PhysRange};

use super::paging::pointer;

/// How many separate ranges of free RAM are kept track of.
pub const MAX_FREE_RANGES: usize = 136;

/// The free RAM: ranges of whole frames.
pub type FreeRanges = ArrayVec<PhysRange, MAX_FREE_RANGES>;

/// The memory map has too many pieces to describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

/// The host needs frames and none are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// The frames that nobody uses.
#[derive(Debug)]
pub struct EarlyFrames {
    free: FreeRanges,
    /// Where the kernel's image ends.
    image_end: Hpa,
}

impl EarlyFrames {
    /// All usable RAM but the kernel, the bundle and the frame at address 0, to which null pointers lead.
    ///
    /// # Errors
    /// [`TooManyRanges`] where more than [`MAX_FREE_RANGES`] ranges would be left.
    pub fn new(info: &BootInfo) -> Result<Self, TooManyRanges> {
        let first = PhysRange::new(Hpa::new(0), FRAME_SIZE);
        let taken: ArrayVec<PhysRange, 3> =
            [Some(info.kernel_image), info.bundle, first].into_iter().flatten().collect();
        let mut free = FreeRanges::new();
        for range in info.memory.usable_without(&taken) {
            free.try_push(range).map_err(|_| TooManyRanges)?;
        }
        Ok(Self { free, image_end: info.kernel_image.end() })
    }

    /// Takes `count` adjacent frames, behind the image if there is room: what has to be mapped page by page is then in
    /// one place. Their content is whatever was there.
    ///
    /// # Errors
    /// [`OutOfFrames`] where no free range is long enough.
    pub fn allocate(&mut self, count: u64) -> Result<Hpa, OutOfFrames> {
        let bytes = count.checked_mul(FRAME_SIZE).ok_or(OutOfFrames)?;
        let (image_end, free) = (self.image_end, &mut self.free);
        let behind = free.iter().position(|range| range.start() >= image_end && range.len() >= bytes);
        let anywhere = || free.iter().position(|range| range.len() >= bytes);
        let range = behind.or_else(anywhere).and_then(|index| free.get_mut(index)).ok_or(OutOfFrames)?;
        let start = range.start();
        let rest = start.checked_add(bytes).and_then(|end| PhysRange::between(end, range.end()));
        *range = rest.ok_or(OutOfFrames)?;
        Ok(start)
    }

    /// Takes `count` adjacent frames, filled with zeros.
    ///
    /// # Errors
    /// As for [`EarlyFrames::allocate`].
    pub fn allocate_zeroed(&mut self, count: u64) -> Result<Hpa, OutOfFrames> {
        let start = self.allocate(count)?;
        // SAFETY: the frames were just taken out of the free RAM, so nothing else refers to them, and both the
        // loader's tables and the final ones map them here.
        unsafe { pointer(start).write_bytes(0, (count * FRAME_SIZE) as usize) };
        Ok(start)
    }

    /// What is left.
    #[must_use]
    pub fn into_free_ranges(self) -> FreeRanges {
        self.free.into_iter().filter(|range| !range.is_empty()).collect()
    }

    fn entry(table: Hfn, index: usize) -> *mut u64 {
        pointer(table.start()).cast::<u64>().wrapping_add(index & 511)
    }
}

/// The host's own tables. They only ever gain translations, so there is nothing to invalidate.
impl TableMemory<Hva> for EarlyFrames {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        // SAFETY: tables are frames that `allocate` gave, mapped here; the processor may read them at any moment, hence
        // volatile.
        unsafe { Self::entry(table, index).read_volatile() }
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        // SAFETY: as for `read_entry`; `&mut self` keeps other writers away.
        unsafe { Self::entry(table, index).write_volatile(value) };
        table_written();
    }

    fn allocate(&mut self) -> Option<Hfn> {
        self.allocate_zeroed(1).ok().map(Hfn::containing)
    }

    fn free(&mut self, _table: Hfn) {}

    fn invalidate(&mut self, _start: Hva, _bytes: u64) {}
}

/// Makes a written entry visible to table walks (Arm ARM, D8.2.6 "Ordering of memory accesses from translation table
/// walks").
#[inline(always)]
fn table_written() {
    #[cfg(target_arch = "aarch64")]
    super::instr::dsb_stores();
}

#[cfg(test)]
pub(super) mod tests {
    use phalanx_handoff::{CommandLine, Loader, MemoryKind, MemoryMap, MemoryRegion};

    use super::*;

    pub(crate) fn range(start: u64, end: u64) -> PhysRange {
        PhysRange::between(Hpa::new(start), Hpa::new(end)).unwrap()
    }

    /// What a loader would say about a machine with these regions and a kernel of 1 MiB at 2 MiB.
    pub(crate) fn boot_info(regions: &[(u64, u64, MemoryKind)]) -> BootInfo {
        let region = |&(start, end, kind)| MemoryRegion { start: Hpa::new(start), len: end - start, kind };
        let regions: ArrayVec<MemoryRegion, 16> = regions.iter().map(region).collect();
        BootInfo {
            loader: Loader::LinuxImage,
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
        let mut info = boot_info(&[(0, 0x80_0fff, MemoryKind::Usable)]);
        info.bundle = Some(range(0x7f_f123, 0x80_0000));
        let left = EarlyFrames::new(&info).unwrap().into_free_ranges();
        assert_eq!(left.as_slice(), [range(0x1000, 0x20_0000), range(0x30_0000, 0x7f_f000)]);
    }

    #[test]
    fn frames_behind_the_image_go_first() {
        let mut frames = EarlyFrames::new(&boot_info(&[(0x10_0000, 0x30_2000, MemoryKind::Usable)])).unwrap();
        assert_eq!(frames.allocate(2), Ok(Hpa::new(0x30_0000)));
        assert_eq!(frames.allocate(1), Ok(Hpa::new(0x10_0000)));
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
}
