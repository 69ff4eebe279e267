//! The x86 I/O space: the few ports that the host itself uses.

use x86_64::instructions::port::{PortRead, PortWrite};

/// An I/O port with the width of its accesses (`u8`, `u16`, `u32`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port<T> {
    number: u16,
    width: core::marker::PhantomData<T>,
}

impl<T> Port<T> {
    /// The port with this number.
    ///
    /// # Safety
    /// The caller knows the device: no access of this width may make it reach memory or restart the machine in a way
    /// that the caller does not intend.
    #[must_use]
    pub const unsafe fn new(number: u16) -> Self {
        Self { number, width: core::marker::PhantomData }
    }
}

impl<T: PortRead> Port<T> {
    /// Reads the port.
    #[inline]
    #[must_use]
    pub fn read(self) -> T {
        // SAFETY: whoever made the port vouched for the device.
        unsafe { T::read_from_port(self.number) }
    }
}

impl<T: PortWrite> Port<T> {
    /// Writes the port.
    #[inline]
    pub fn write(self, value: T) {
        // SAFETY: whoever made the port vouched for the device.
        unsafe { T::write_to_port(self.number, value) }
    }
}
