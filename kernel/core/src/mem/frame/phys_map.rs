//! The direct map: where the kernel sees physical memory.

use phalanx_arch_api::addr::FRAME_SHIFT;
use phalanx_arch_api::{Hfn, Hva};

use super::extent::{Extent, Free};

/// The direct map of physical memory: physical address `a` is at virtual address `base + a`.
#[derive(Clone, Copy, Debug)]
pub struct PhysMap {
    base: Hva,
}

impl PhysMap {
    /// The direct map that begins at `base`.
    ///
    /// # Safety
    /// From now on every frame that is ever claimed through this map is mapped at its place, readable and writable.
    #[must_use]
    pub const unsafe fn new(base: Hva) -> Self {
        Self { base }
    }

    /// Takes `frames` frames from `first` into the hypervisor's ownership.
    ///
    /// # Safety
    /// The frames are RAM and part of the map's promise, they do not reach the end of the address space, and nothing
    /// else (firmware tables, the kernel's image, the bundle, another extent) uses them.
    pub const unsafe fn claim(self, first: Hfn, frames: u64) -> Extent<Free> {
        let host = Hva::new(self.base.as_u64().wrapping_add(first.start().as_u64()));
        // SAFETY: the caller's promise.
        unsafe { Extent::name(host, first.start(), frames << FRAME_SHIFT) }
    }
}
