//! How another CPU gets from real mode to the kernel: a page of code below 1 MiB, and page tables that map it.
//!
//! A CPU that receives a start-up message begins in real mode at a page below 1 MiB (Intel SDM vol. 3A, 9.4). The page
//! and its tables stand in usable low memory, which the kernel gives to nobody, and are wiped after use.

use core::arch::global_asm;

use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_handoff::{MemoryMap, PhysRange};

use super::paging::{Access, MapError, Mapping, OutOfFrames, TableMemory, direct_map, map};

/// Frames: the code, and one table of each level.
const FRAMES: u64 = 5;

global_asm!(include_str!("trampoline.s"), options(att_syntax));

unsafe extern "C" {
    static phalanx_trampoline: u8;
    static phalanx_trampoline_gdt_pointer: u8;
    static phalanx_trampoline_far: u8;
    static phalanx_trampoline_parameters: u8;
    static phalanx_trampoline_end: u8;
}

/// What a starting CPU finds in the page.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Parameters {
    /// Root of the page tables, below 4 GiB.
    root: u32,
    /// Bits to set in EFER: long mode, and NX where the tables use it.
    efer: u32,
    /// Initial stack pointer.
    pub(super) stack: u64,
    /// First argument of the entry.
    pub(super) argument: u64,
    /// The entry, which does not return.
    pub(super) entry: u64,
}

/// The page and its tables, ready for use.
#[derive(Debug)]
pub(super) struct Trampoline {
    page: Hpa,
    parameters: Parameters,
}

/// Frames in low memory, taken one after the other.
struct LowFrames {
    next: u64,
    end: u64,
}

impl TableMemory for LowFrames {
    fn allocate_table(&mut self) -> Result<Hpa, OutOfFrames> {
        if self.next == self.end {
            return Err(OutOfFrames);
        }
        let frame = Hpa::new(self.next);
        self.next += FRAME_SIZE;
        // SAFETY: `Trampoline::install` found the frame to be usable RAM that nobody uses.
        unsafe { direct_map(frame).write_bytes(0, FRAME_SIZE as usize) };
        Ok(frame)
    }

    fn read(&self, table: Hpa, index: usize) -> u64 {
        // SAFETY: a frame that `allocate_table` gave.
        unsafe { direct_map(table).cast::<u64>().add(index & 511).read_volatile() }
    }

    fn write(&mut self, table: Hpa, index: usize, value: u64) {
        // SAFETY: a frame that `allocate_table` gave; no CPU uses the tables yet.
        unsafe { direct_map(table).cast::<u64>().add(index & 511).write_volatile(value) };
    }
}

/// Where the page can be: the highest place with room in usable memory below 640 KiB, and not in the first frame.
#[must_use]
pub(super) fn place(memory: &MemoryMap, bundle: Option<PhysRange>) -> Option<Hpa> {
    const END: u64 = 0xa_0000;
    let starts = memory.usable_without(bundle.as_slice()).filter_map(|range| {
        let start = Hpa::new(range.end().as_u64().min(END).checked_sub(FRAMES * FRAME_SIZE)?);
        (start >= range.start() && start.as_u64() >= FRAME_SIZE).then_some(start)
    });
    starts.max()
}

impl Trampoline {
    /// Puts code and tables at `page`; the tables map that page for execution, and what `root` maps in the upper half.
    ///
    /// # Safety
    /// `page` comes from [`place`] and nobody uses the frames there. `root` is the root of the tables in use.
    ///
    /// # Errors
    /// [`MapError`], which would be a bug: the frames are counted.
    pub(super) unsafe fn install(page: Hpa, root: Hpa) -> Result<Self, MapError> {
        let start = page.as_u64();
        let mut low = LowFrames { next: start + FRAME_SIZE, end: start + FRAMES * FRAME_SIZE };
        let low_root = low.allocate_table()?;
        for index in 256..512 {
            let shared = low.read(root, index);
            low.write(low_root, index, shared);
        }
        let features = super::cpu::paging_features();
        let virt = phalanx_arch_api::Hva::new(start);
        map(
            &mut low,
            low_root,
            features,
            Mapping { virt, phys: page, length: FRAME_SIZE, access: Access::ReadExecute },
        )?;
        let efer = 1 << 8 | if features.no_execute { 1 << 11 } else { 0 };
        let parameters = Parameters { root: low_root.as_u64() as u32, efer, stack: 0, argument: 0, entry: 0 };
        let trampoline = Self { page, parameters };
        trampoline.copy_code();
        Ok(trampoline)
    }

    /// Copies the code and adds the page's address to what refers to it.
    fn copy_code(&self) {
        let target = direct_map(self.page);
        let from = &raw const phalanx_trampoline;
        let length = (&raw const phalanx_trampoline_end).addr() - from.addr();
        let base = self.page.as_u64() as u32;
        // SAFETY: the code is `length` bytes, shorter than the page; both fields lie within it.
        unsafe {
            target.copy_from_nonoverlapping(from, length);
            for (symbol, skip) in
                [(&raw const phalanx_trampoline_gdt_pointer, 2), (&raw const phalanx_trampoline_far, 0)]
            {
                let field = target.add(symbol.addr() - from.addr() + skip).cast::<u32>();
                field.write_unaligned(field.read_unaligned() + base);
            }
        }
    }

    /// Sets what the next CPU finds, and returns the page for the start-up message.
    pub(super) fn prepare(&self, stack: u64, argument: u64, entry: u64) -> Hpa {
        let parameters = Parameters { stack, argument, entry, ..self.parameters };
        let offset = (&raw const phalanx_trampoline_parameters).addr() - (&raw const phalanx_trampoline).addr();
        // SAFETY: the field lies within the page, aligned to 8 bytes; no CPU reads it now.
        unsafe { direct_map(self.page).add(offset).cast::<Parameters>().write_volatile(parameters) };
        self.page
    }

    /// Wipes the frames. No CPU may be on its way through them.
    pub(super) fn remove(self) {
        // SAFETY: the frames are the trampoline's own.
        unsafe { direct_map(self.page).write_bytes(0, (FRAMES * FRAME_SIZE) as usize) };
    }
}

#[cfg(test)]
mod tests {
    use phalanx_handoff::MemoryKind;

    use super::super::early_frames::tests::boot_info;
    use super::*;

    #[test]
    fn the_highest_usable_place_below_640_kib_is_taken() {
        let place_in = |start, end| place(&boot_info(&[(start, end, MemoryKind::Usable)]).memory, None);
        assert_eq!(place_in(0, 0x9_fc00), Some(Hpa::new(0x9_a000)));
        assert_eq!(place_in(0, 0x10_0000), Some(Hpa::new(0x9_b000)));
        assert_eq!(place_in(0, 0x5000), None, "the first frame is not used");
        assert_eq!(place_in(0x1000, 0x6000), Some(Hpa::new(0x1000)));
        assert_eq!(place_in(0x10_0000, 0x80_0000), None);
    }

    #[test]
    fn a_bundle_in_low_memory_is_not_overwritten() {
        let memory = boot_info(&[(0, 0x9_f000, MemoryKind::Usable)]).memory;
        let bundle = |start, len| PhysRange::new(Hpa::new(start), len);
        assert_eq!(place(&memory, bundle(0x9_b000, 0x4000)), Some(Hpa::new(0x9_6000)));
        assert_eq!(place(&memory, bundle(0x1_b000, 0x4000)), Some(Hpa::new(0x9_a000)));
        assert_eq!(place(&memory, bundle(0x1000, 0x9_d000)), None);
    }

    #[test]
    fn the_code_fits_into_its_page() {
        let length = (&raw const phalanx_trampoline_end).addr() - (&raw const phalanx_trampoline).addr();
        assert!(length < 256, "{length}");
        assert_eq!(size_of::<Parameters>(), 32);
    }
}
