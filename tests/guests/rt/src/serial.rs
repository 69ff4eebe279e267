//! COM1: the guest's only voice (16550, ports 0x3f8-0x3ff).

use crate::port;
use core::fmt;

const BASE: u16 = 0x3f8;
const THR_EMPTY: u8 = 1 << 5;

/// 115200 baud, 8N1, FIFO on, no interrupts.
pub(crate) fn init() {
    for (offset, value) in [(1, 0), (3, 0x80), (0, 1), (1, 0), (3, 3), (2, 7), (4, 3)] {
        port::write8(BASE + offset, value);
    }
}

/// Sends one byte when the transmitter has room.
pub fn send(byte: u8) {
    while port::read8(BASE + 5) & THR_EMPTY == 0 {
        core::hint::spin_loop();
    }
    port::write8(BASE, byte);
}

/// COM1 as a text sink; `\n` becomes `\r\n`.
pub struct Com1;

impl fmt::Write for Com1 {
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

/// Prints one line on COM1.
#[macro_export]
macro_rules! println {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        let _ = writeln!($crate::serial::Com1, $($arg)*);
    }};
}
