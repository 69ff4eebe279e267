//! The way to a UART's registers in memory.
#![cfg(target_os = "none")]

use phalanx_arch_api::Hpa;
use phalanx_uart::{Bus, Readable, Registers, Writable};

/// Registers of 32 bits.
#[derive(Debug)]
pub struct Words(u64);

impl Words {
    /// The registers from `start` on.
    ///
    /// # Safety
    /// The registers of a UART, up to the last that its driver knows, are mapped there as device memory whenever this
    /// is used.
    pub(crate) const unsafe fn new(start: Hpa) -> Self {
        Self(start.as_u64())
    }

    fn register(&self, offset: u16) -> *mut u32 {
        (self.0 + u64::from(offset)) as *mut u32
    }
}

impl Registers for Words {
    fn read(&mut self, offset: u16) -> u32 {
        // SAFETY: see `new`; a UART's registers touch no memory.
        unsafe { self.register(offset).read_volatile() }
    }

    fn write(&mut self, offset: u16, value: u32) {
        // SAFETY: as for `read`.
        unsafe { self.register(offset).write_volatile(value) };
    }
}

/// Registers of 8 bits, some bytes apart.
#[derive(Debug)]
pub struct Bytes {
    start: u64,
    shift: u8,
    /// Whether the bus takes accesses of 32 bits only.
    in_words: bool,
}

impl Bytes {
    /// The registers from `start` on, `1 << shift` bytes apart, for accesses of `width` bytes (1 or 4).
    ///
    /// # Safety
    /// As for [`Words::new`].
    pub(crate) const unsafe fn new(start: Hpa, shift: u8, width: u8) -> Self {
        Self { start: start.as_u64(), shift, in_words: width == 4 }
    }

    fn register(&self, number: u8) -> *mut u8 {
        (self.start + (u64::from(number) << self.shift)) as *mut u8
    }
}

impl Bus for Bytes {
    fn read(&mut self, register: Readable) -> u8 {
        let register = self.register(register.offset());
        // SAFETY: as for `Words`.
        unsafe {
            if self.in_words {
                register.cast::<u32>().read_volatile().to_le_bytes()[0]
            } else {
                register.read_volatile()
            }
        }
    }

    fn write(&mut self, register: Writable, value: u8) {
        let register = self.register(register.offset());
        // SAFETY: as for `Words`.
        unsafe {
            if self.in_words {
                register.cast::<u32>().write_volatile(u32::from(value));
            } else {
                register.write_volatile(value);
            }
        }
    }
}
