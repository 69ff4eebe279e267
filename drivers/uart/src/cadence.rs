//! The Cadence UART of Zynq and its successors (Xilinx UG1085, chapter 21; registers in UG1087).

use core::fmt;

use bitflags::bitflags;

use crate::memory_mapped::Registers;
use crate::transmit::{Patience, TransmitTimeout, write_text};

/// Control: [`Control`].
const CONTROL: u16 = 0x00;
/// Mode: word format, clock, loops.
const MODE: u16 = 0x04;
/// Interrupt enable: the set bits of [`Interrupt`] reach the line.
const INTERRUPT_ENABLE: u16 = 0x08;
/// Interrupt disable: the set bits of [`Interrupt`] do not.
const INTERRUPT_DISABLE: u16 = 0x0c;
/// Interrupt status: [`Interrupt`]s that were raised; writing takes them back.
const INTERRUPT_STATUS: u16 = 0x14;
/// Bytes in the receiver's FIFO that raise [`Interrupt::RECEIVED`].
const RECEIVE_TRIGGER: u16 = 0x20;
/// Channel status: [`Status`].
const STATUS: u16 = 0x2c;
/// The oldest received byte, the next byte to send.
const FIFO: u16 = 0x30;

/// Mode: 8 data bits, no parity, one stop bit.
const MODE_8N1: u32 = 4 << 3;
/// Every interrupt.
const ALL_INTERRUPTS: u32 = 0x3fff;
/// Bytes that the receiver can hold at most.
const MAX_STALE_BYTES: usize = 64;

bitflags! {
    #[derive(Clone, Copy, Debug)]
    struct Control: u32 {
        const RECEIVER = 1 << 2;
        const RECEIVER_OFF = 1 << 3;
        const TRANSMITTER = 1 << 4;
        const TRANSMITTER_OFF = 1 << 5;
        const _ = !0;
    }

    #[derive(Clone, Copy, Debug)]
    struct Status: u32 {
        const RECEIVER_EMPTY = 1 << 1;
        const TRANSMITTER_EMPTY = 1 << 3;
        const TRANSMITTER_FULL = 1 << 4;
        const SENDING = 1 << 11;
        const _ = !0;
    }

    #[derive(Clone, Copy, Debug)]
    struct Interrupt: u32 {
        const RECEIVED = 1 << 0;
        const RECEIVE_TIMEOUT = 1 << 8;
        const _ = !0;
    }
}

/// A Cadence UART. Its speed is as the firmware set it: the clock that it comes from is not known here.
#[derive(Debug)]
pub struct Cadence<R> {
    registers: R,
    patience: Patience,
}

impl<R: Registers> Cadence<R> {
    /// Takes the UART over, with all its interrupts off; switches it on where the firmware did not.
    pub fn new(mut registers: R) -> Self {
        registers.write(INTERRUPT_DISABLE, ALL_INTERRUPTS);
        registers.write(RECEIVE_TRIGGER, 1);
        let on = Control::RECEIVER | Control::TRANSMITTER;
        let off = Control::RECEIVER_OFF | Control::TRANSMITTER_OFF;
        let control = Control::from_bits_retain(registers.read(CONTROL));
        if !control.contains(on) || control.intersects(off) {
            registers.write(MODE, MODE_8N1);
            registers.write(CONTROL, ((control - off) | on).bits());
        }
        let mut uart = Self { registers, patience: Patience::default() };
        uart.drop_stale_input();
        uart.registers.write(INTERRUPT_STATUS, ALL_INTERRUPTS);
        uart
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy; the rest of `bytes` is not sent.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TransmitTimeout> {
        let Self { registers, patience } = self;
        for &byte in bytes {
            patience.wait(|| !status(registers).contains(Status::TRANSMITTER_FULL))?;
            registers.write(FIFO, u32::from(byte));
        }
        Ok(())
    }

    /// Waits until the last byte has left.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy.
    pub fn drain(&mut self) -> Result<(), TransmitTimeout> {
        let Self { registers, patience } = self;
        let done = |status: Status| status.contains(Status::TRANSMITTER_EMPTY) && !status.contains(Status::SENDING);
        patience.wait(|| done(status(registers)))
    }

    /// The next received byte, if there is one.
    ///
    /// The interrupt stays raised until it is taken back. That comes before the last look, so that no byte is missed
    /// that is received in between.
    pub fn try_read(&mut self) -> Option<u8> {
        if self.is_empty() {
            self.registers.write(INTERRUPT_STATUS, (Interrupt::RECEIVED | Interrupt::RECEIVE_TIMEOUT).bits());
            if self.is_empty() {
                return None;
            }
        }
        Some(self.registers.read(FIFO).to_le_bytes()[0])
    }

    /// Raises the interrupt line while received bytes wait. Reading until nothing is left lowers it.
    pub fn enable_receive_interrupt(&mut self) {
        self.registers.write(INTERRUPT_ENABLE, Interrupt::RECEIVED.bits());
    }

    /// Raises the interrupt line for nothing.
    pub fn disable_interrupts(&mut self) {
        self.registers.write(INTERRUPT_DISABLE, ALL_INTERRUPTS);
    }

    fn is_empty(&mut self) -> bool {
        status(&mut self.registers).contains(Status::RECEIVER_EMPTY)
    }

    fn drop_stale_input(&mut self) {
        for _ in 0..MAX_STALE_BYTES {
            if self.try_read().is_none() {
                return;
            }
        }
    }
}

impl<R: Registers> fmt::Write for Cadence<R> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_text(text, |bytes| self.write(bytes))
    }
}

fn status(registers: &mut impl Registers) -> Status {
    Status::from_bits_retain(registers.read(STATUS))
}

#[cfg(test)]
mod tests;
