//! Memory of the hypervisor's own frames.

use core::sync::atomic::AtomicU64;

use super::extent::{Extent, Hypervisor};

impl Extent<Hypervisor> {
    /// The `index`-th 64-bit word. Atomic, because table walkers and other CPUs look on.
    #[must_use]
    pub fn word(&self, index: u64) -> Option<&AtomicU64> {
        let offset = index.checked_mul(8).filter(|offset| *offset < self.bytes())?;
        let pointer = self.pointer(offset);
        // SAFETY: the word lies within the extent (just checked; extents are a multiple of 8 bytes long) and is aligned
        // (extents begin at frames). The extent is the only name of its frames, `self` is borrowed for as long as the
        // reference lives, and all access under a shared borrow is atomic.
        Some(unsafe { AtomicU64::from_ptr(pointer.cast()) })
    }

    /// Gives the memory away for good, zeroed as it was or as it has been written.
    #[must_use]
    pub fn into_bytes(self) -> &'static mut [u8] {
        let length = self.bytes() as usize;
        // SAFETY: the extent was the only name of its frames and ends here; they are mapped for ever (PhysMap::new),
        // initialised (scrubbed on the way in), and shorter than the address space (PhysMap::claim).
        unsafe { core::slice::from_raw_parts_mut(self.pointer(0), length) }
    }
}
