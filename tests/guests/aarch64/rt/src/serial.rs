//! The PL011: the guest's only voice (Arm DDI 0183, chapter 3).

use crate::mmio;
use core::fmt;

/// Physical address of its registers.
pub const BASE: u64 = 0x0900_0000;
/// Data.
pub const DR: u64 = BASE;
/// Flags.
pub const FR: u64 = BASE + 0x18;
const LCR_H: u64 = BASE + 0x2c;
const CR: u64 = BASE + 0x30;
const IMSC: u64 = BASE + 0x38;
const TRANSMIT_FULL: u32 = 1 << 5;
/// 8 bits, FIFOs on.
const EIGHT_BITS_FIFO: u32 = 0x70;
/// Receiver, transmitter and the UART itself on.
const ENABLED: u32 = 0x301;

/// Eight bits, FIFOs on, no interrupts.
pub(crate) fn init() {
    mmio::write32(IMSC, 0);
    mmio::write32(LCR_H, EIGHT_BITS_FIFO);
    mmio::write32(CR, ENABLED);
}

/// Sends one byte when the transmitter has room.
pub fn send(byte: u8) {
    while mmio::read32(FR) & TRANSMIT_FULL != 0 {
        core::hint::spin_loop();
    }
    mmio::write32(DR, byte.into());
}

/// The PL011 as a text sink; `\n` becomes `\r\n`.
pub struct Pl011;

impl fmt::Write for Pl011 {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

/// Prints one line on the PL011.
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        let _ = writeln!($crate::serial::Pl011, $($arg)*);
    }};
}
