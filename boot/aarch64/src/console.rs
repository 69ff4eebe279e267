//! The console that the device tree names.
#![cfg(target_os = "none")]

use core::fmt;

use phalanx_handoff::board::{Uart, UartKind};
use phalanx_uart::{Cadence, Pl011, TransmitTimeout, Uart as Ns16550};
use spin::Once;

use crate::mmio::{Bytes, Words};

/// The UART whose registers are mapped.
static UART: Once<Uart> = Once::new();

/// The console's UART.
#[derive(Debug)]
pub enum Port {
    /// A PL011.
    Pl011(Pl011<Words>),
    /// A Cadence UART.
    Cadence(Cadence<Words>),
    /// A 16550.
    Ns16550(Ns16550<Bytes>),
}

/// Notes that the UART's registers are mapped, now and for good.
pub(crate) fn announce(uart: Uart) {
    UART.call_once(|| uart);
}

/// Takes the console's UART over from whoever had it before. `None` where the device tree has none.
#[must_use]
pub fn console() -> Option<Port> {
    let uart = UART.get()?;
    let start = uart.registers.start();
    // SAFETY: `announce` was told that the registers are mapped, and the device tree that they are of this kind.
    unsafe {
        Some(match uart.kind {
            UartKind::Pl011 => Port::Pl011(Pl011::new(Words::new(start))),
            UartKind::Cadence => Port::Cadence(Cadence::new(Words::new(start))),
            UartKind::Ns16550 { shift, width } => Port::Ns16550(Ns16550::keeping_line(Bytes::new(start, shift, width))),
        })
    }
}

/// Passes a call on to whichever UART it is.
macro_rules! each {
    ($port:expr, $uart:ident => $call:expr) => {
        match $port {
            Port::Pl011($uart) => $call,
            Port::Cadence($uart) => $call,
            Port::Ns16550($uart) => $call,
        }
    };
}

impl Port {
    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy; the rest of `bytes` is not sent.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TransmitTimeout> {
        each!(self, uart => uart.write(bytes))
    }

    /// Waits until the last byte has left.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy.
    pub fn drain(&mut self) -> Result<(), TransmitTimeout> {
        each!(self, uart => uart.drain())
    }

    /// The next received byte, if there is one.
    pub fn try_read(&mut self) -> Option<u8> {
        each!(self, uart => uart.try_read())
    }

    /// Raises the interrupt line while received bytes wait. Reading until nothing is left lowers it.
    pub fn enable_receive_interrupt(&mut self) {
        each!(self, uart => uart.enable_receive_interrupt());
    }

    /// Raises the interrupt line for nothing.
    pub fn disable_interrupts(&mut self) {
        each!(self, uart => uart.disable_interrupts());
    }
}

impl fmt::Write for Port {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        each!(self, uart => uart.write_str(text))
    }
}
