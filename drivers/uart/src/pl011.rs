//! The Arm PrimeCell UART PL011 (DDI 0183, chapter 3).

use core::fmt;

use bitflags::bitflags;

use crate::memory_mapped::Registers;
use crate::transmit::{Patience, TransmitTimeout, write_text};

/// UARTDR: the oldest received byte, the next byte to send.
const DATA: u16 = 0x00;
/// UARTFR: [`Flag`].
const FLAG: u16 = 0x18;
/// UARTLCR_H: word format.
const LINE_CONTROL: u16 = 0x2c;
/// UARTCR: [`Control`].
const CONTROL: u16 = 0x30;
/// UARTIMSC: which of [`Interrupt`] reach the line.
const INTERRUPT_MASK: u16 = 0x38;
/// UARTICR: takes [`Interrupt`]s back.
const INTERRUPT_CLEAR: u16 = 0x44;

/// UARTLCR_H: 8 data bits, no parity, one stop bit, FIFOs on.
const LINE_CONTROL_8N1_FIFOS: u32 = 3 << 5 | 1 << 4;
/// UARTICR: everything.
const ALL_INTERRUPTS: u32 = 0x7ff;
/// Bytes that the receiver can hold at most (revision r1p5).
const MAX_STALE_BYTES: usize = 32;

bitflags! {
    #[derive(Clone, Copy, Debug)]
    struct Flag: u32 {
        const BUSY = 1 << 3;
        const RECEIVER_EMPTY = 1 << 4;
        const TRANSMITTER_FULL = 1 << 5;
        const _ = !0;
    }

    #[derive(Clone, Copy, Debug)]
    struct Control: u32 {
        const ENABLED = 1 << 0;
        const TRANSMITTER = 1 << 8;
        const RECEIVER = 1 << 9;
        const _ = !0;
    }

    #[derive(Clone, Copy, Debug)]
    struct Interrupt: u32 {
        const RECEIVED = 1 << 4;
        const RECEIVE_TIMEOUT = 1 << 6;
        const _ = !0;
    }
}

/// A PL011. Its speed is as the firmware set it: the clock that it comes from is not known here.
#[derive(Debug)]
pub struct Pl011<R> {
    registers: R,
    patience: Patience,
}

impl<R: Registers> Pl011<R> {
    /// Takes the UART over, with all its interrupts off; switches it on where the firmware did not.
    pub fn new(mut registers: R) -> Self {
        registers.write(INTERRUPT_MASK, 0);
        let needed = Control::ENABLED | Control::TRANSMITTER | Control::RECEIVER;
        let control = Control::from_bits_retain(registers.read(CONTROL));
        if !control.contains(needed) {
            registers.write(CONTROL, (control - Control::ENABLED).bits());
            registers.write(LINE_CONTROL, LINE_CONTROL_8N1_FIFOS);
            registers.write(CONTROL, (control | needed).bits());
        }
        let mut uart = Self { registers, patience: Patience::default() };
        uart.drop_stale_input();
        uart.registers.write(INTERRUPT_CLEAR, ALL_INTERRUPTS);
        uart
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy; the rest of `bytes` is not sent.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TransmitTimeout> {
        let Self { registers, patience } = self;
        for &byte in bytes {
            patience.wait(|| !flag(registers).contains(Flag::TRANSMITTER_FULL))?;
            registers.write(DATA, u32::from(byte));
        }
        Ok(())
    }

    /// Waits until the last byte has left.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy.
    pub fn drain(&mut self) -> Result<(), TransmitTimeout> {
        let Self { registers, patience } = self;
        patience.wait(|| !flag(registers).contains(Flag::BUSY))
    }

    /// The next received byte, if there is one. The errors that came with it are ignored.
    pub fn try_read(&mut self) -> Option<u8> {
        let ready = !flag(&mut self.registers).contains(Flag::RECEIVER_EMPTY);
        ready.then(|| self.registers.read(DATA).to_le_bytes()[0])
    }

    /// Raises the interrupt line while received bytes wait. Reading all of them lowers it.
    pub fn enable_receive_interrupt(&mut self) {
        self.registers.write(INTERRUPT_MASK, (Interrupt::RECEIVED | Interrupt::RECEIVE_TIMEOUT).bits());
    }

    /// Raises the interrupt line for nothing.
    pub fn disable_interrupts(&mut self) {
        self.registers.write(INTERRUPT_MASK, 0);
    }

    fn drop_stale_input(&mut self) {
        for _ in 0..MAX_STALE_BYTES {
            if self.try_read().is_none() {
                return;
            }
        }
    }
}

impl<R: Registers> fmt::Write for Pl011<R> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_text(text, |bytes| self.write(bytes))
    }
}

fn flag(registers: &mut impl Registers) -> Flag {
    Flag::from_bits_retain(registers.read(FLAG))
}

#[cfg(test)]
mod tests;
