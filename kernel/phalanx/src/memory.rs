//! Physical memory between boot and core: free frames, and the heap that boot-time objects live in.
#![allow(unsafe_code, reason = "takes over the direct map and the free frames")]

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicBool, Ordering};

use linked_list_allocator::Heap;
use phalanx_arch_api::table::Level;
use phalanx_arch_api::{Hfn, Hva};
use phalanx_core::mem::{AllocError, FrameAllocator, PhysMap};
use phalanx_handoff::PhysRange;
use spin::Mutex;

use crate::target::host::FreeRanges;
use crate::target::{DIRECT_MAP, direct_map};

/// 4 KiB frames.
const FRAME: u64 = 4096;

/// The heap: filled at boot, only read afterwards.
struct KernelHeap(Mutex<Heap>);

/// Set when guests run: from then on every allocation fails, and the crash card names whoever tried.
static SEALED: AtomicBool = AtomicBool::new(false);

/// Nothing is allocated from now on: no guest can make the hypervisor run out of memory.
pub(crate) fn seal_heap() {
    SEALED.store(true, Ordering::Relaxed);
}

#[global_allocator]
static HEAP: KernelHeap = KernelHeap(Mutex::new(Heap::empty()));

// SAFETY: `Heap` hands out disjoint blocks of its memory with the layout that was asked for; the lock serialises it.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if SEALED.load(Ordering::Relaxed) {
            return null_mut();
        }
        self.0.lock().allocate_first_fit(layout).map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(pointer) {
            // SAFETY: the caller got the block from `alloc` with this layout.
            unsafe { self.0.lock().deallocate(block, layout) };
        }
    }
}

/// All frames that the host leaves over.
pub(crate) fn frames(free: &FreeRanges) -> FrameAllocator {
    // SAFETY: the host maps all usable RAM at this address for ever.
    let map = unsafe { PhysMap::new(Hva::new(DIRECT_MAP)) };
    let mut allocator = FrameAllocator::new();
    for range in free {
        let frames = range.len() / FRAME;
        // SAFETY: the host gave the range away; it is RAM, mapped, and in use by nobody.
        let extent = unsafe { map.claim(Hfn::containing(range.start()), frames) };
        // More pieces than the allocator can list are left unused.
        drop(allocator.add(extent));
    }
    allocator
}

/// Gives the heap its memory.
///
/// # Errors
/// [`AllocError`] where there is no extent of that size.
pub(crate) fn init_heap(allocator: &mut FrameAllocator, bytes: usize) -> Result<(), AllocError> {
    let extent = allocator.allocate((bytes as u64).div_ceil(FRAME), Level::L1)?;
    let memory = extent.into_hypervisor().into_bytes();
    // SAFETY: the memory is the heap's alone from now on, and for ever.
    unsafe { HEAP.0.lock().init(memory.as_mut_ptr(), memory.len()) };
    Ok(())
}

/// The bytes of the bundle.
pub(crate) fn module(range: PhysRange) -> &'static [u8] {
    // SAFETY: the host maps the module, keeps it out of the free ranges, and nobody writes to it.
    unsafe { core::slice::from_raw_parts(direct_map(range.start()), range.len() as usize) }
}
