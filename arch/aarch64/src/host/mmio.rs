//! Registers of a device, in the identity map.

use phalanx_arch_api::Hpa;

use super::paging::pointer;

/// A block of 32-bit registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Registers(u64);

impl Registers {
    /// The registers at `base`.
    ///
    /// # Safety
    /// A device of which this code is the only driver is mapped there for ever, and [`Registers::read`] and
    /// [`Registers::write`] are called with its offsets; what it is told to do harms no memory.
    pub(super) const unsafe fn new(base: Hpa) -> Self {
        Self(base.as_u64())
    }

    /// Reads the register at `offset`.
    #[inline(always)]
    pub(super) fn read(self, offset: u64) -> u32 {
        // SAFETY: see `new`.
        unsafe { pointer(Hpa::new(self.0 + offset)).cast::<u32>().read_volatile() }
    }

    /// Reads the 64-bit register at `offset`.
    #[inline(always)]
    pub(super) fn read_wide(self, offset: u64) -> u64 {
        // SAFETY: see `new`.
        unsafe { pointer(Hpa::new(self.0 + offset)).cast::<u64>().read_volatile() }
    }

    /// Writes the register at `offset`.
    #[inline(always)]
    pub(super) fn write(self, offset: u64, value: u32) {
        // SAFETY: see `new`.
        unsafe { pointer(Hpa::new(self.0 + offset)).cast::<u32>().write_volatile(value) };
    }

    /// Writes the 64-bit register at `offset`.
    #[inline(always)]
    pub(super) fn write_wide(self, offset: u64, value: u64) {
        // SAFETY: see `new`.
        unsafe { pointer(Hpa::new(self.0 + offset)).cast::<u64>().write_volatile(value) };
    }
}
