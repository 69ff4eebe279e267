//! The simulated machine's RAM as the core's free frames.

use phalanx_arch_fake::Memory;
use phalanx_core::mem::{FrameAllocator, PhysMap};

/// All of `memory`, free. Whoever uses the frames must be gone before `memory` is.
pub(crate) fn allocator(memory: &Memory) -> FrameAllocator {
    let mut allocator = FrameAllocator::new();
    // SAFETY: the memory is real, seen at this base, and nobody else has its frames: the simulated hardware reads and
    // writes single words atomically, as the core does. [`crate::Run`] keeps it until the machine is gone.
    #[expect(unsafe_code, reason = "hands RAM to the core, as a kernel does at boot")]
    let frames = unsafe { PhysMap::new(memory.direct_map()).claim(memory.first(), memory.frames()) };
    let added = allocator.add(frames);
    assert!(added.is_ok(), "an empty allocator has room for one extent");
    allocator
}
