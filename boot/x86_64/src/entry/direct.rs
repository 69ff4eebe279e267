//! The loader's structures through the early direct map.

use phalanx_arch_api::Hpa;

use crate::layout::{EARLY_REACH, early_direct};
use crate::memory::{PhysRead, Unreadable};

/// Physical memory below [`EARLY_REACH`], as the early page tables map it.
pub(super) struct EarlyDirectMap;

impl PhysRead for EarlyDirectMap {
    fn read(&self, at: Hpa, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let end = at.checked_add(buffer.len() as u64).ok_or(Unreadable)?;
        let source = early_direct(at).filter(|_| end.as_u64() <= EARLY_REACH).ok_or(Unreadable)?;
        for (offset, byte) in buffer.iter_mut().enumerate() {
            let source = (source.as_u64() as *const u8).wrapping_add(offset);
            // SAFETY: entry.s mapped all of 0..EARLY_REACH there, and the range was checked to lie in it. The loader's
            // structures lie in RAM that no Rust object occupies (`buffer` is on the stack in the kernel's image).
            // Volatile: the bytes are none that the compiler knows of.
            *byte = unsafe { source.read_volatile() };
        }
        Ok(())
    }
}
