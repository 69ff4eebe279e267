//! The way to the PC's first serial port.
#![cfg(target_arch = "x86_64")]

use core::arch::asm;

use phalanx_uart::{Bus, Readable, Writable};

/// The first serial port's registers, ports 0x3f8 to 0x3ff.
///
/// A bus and not a device: whoever makes a `Uart` of it takes the port over from the one before.
#[derive(Debug)]
pub struct Com1;

const COM1: u16 = 0x3f8;

impl Bus for Com1 {
    fn read(&mut self, register: Readable) -> u8 {
        let value;
        // SAFETY: these eight ports belong to a serial port or to nobody; no access to them touches memory.
        unsafe {
            asm!("in al, dx", in("dx") COM1 + u16::from(register.offset()), out("al") value, options(nomem, nostack, preserves_flags));
        }
        value
    }

    fn write(&mut self, register: Writable, value: u8) {
        // SAFETY: as for `read`.
        unsafe {
            asm!("out dx, al", in("dx") COM1 + u16::from(register.offset()), in("al") value, options(nomem, nostack, preserves_flags));
        }
    }
}
