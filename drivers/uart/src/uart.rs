//! The 16550.

use core::fmt;

use crate::registers::{
    Bus, FIFO_ON_AND_EMPTY, IDENTIFICATION_FIFOS, InterruptEnable, LINE_CONTROL_8N1, LINE_CONTROL_DIVISOR_LATCH,
    LineStatus, MODEM_INTERRUPT_GATE, MODEM_READY, Readable, Writable,
};
use crate::transmit::{Patience, TransmitTimeout, write_text};

/// The divisor for 115 200 baud from the PC's 1.8432 MHz clock.
const DIVISOR_115200: u16 = 1;
/// Bytes in the transmitter's FIFO.
const FIFO_BYTES: usize = 16;
/// Bytes that a receiver can hold at most, FIFO and buffer.
const MAX_STALE_BYTES: usize = FIFO_BYTES + 1;

/// There is no UART at the bus's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPresent;

/// A 16550 (or a 16450, without FIFOs).
#[derive(Debug)]
pub struct Uart<B> {
    bus: B,
    /// Bytes that an empty transmitter takes in one go.
    burst: usize,
    patience: Patience,
}

impl<B: Bus> Uart<B> {
    /// Takes a PC's UART over and sets it up for 115 200 baud, 8 data bits, no parity, one stop bit, with all its
    /// interrupts off.
    ///
    /// # Errors
    /// [`NotPresent`] where the scratch register does not keep what is written.
    pub fn new(mut bus: B) -> Result<Self, NotPresent> {
        if !is_present(&mut bus) {
            return Err(NotPresent);
        }
        bus.write(Writable::InterruptEnable, 0);
        set_line(&mut bus);
        Ok(Self::keeping_line(bus))
    }

    /// Takes a UART over that is known to be there, with all its interrupts off. Speed and word format stay as the
    /// firmware set them.
    pub fn keeping_line(mut bus: B) -> Self {
        bus.write(Writable::InterruptEnable, 0);
        bus.write(Writable::FifoControl, FIFO_ON_AND_EMPTY);
        bus.write(Writable::ModemControl, MODEM_READY);
        let fifos = bus.read(Readable::InterruptIdentification) & IDENTIFICATION_FIFOS == IDENTIFICATION_FIFOS;
        let mut uart = Self { bus, burst: if fifos { FIFO_BYTES } else { 1 }, patience: Patience::default() };
        uart.drop_stale_input();
        uart
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy; the rest of `bytes` is not sent.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TransmitTimeout> {
        for burst in bytes.chunks(self.burst) {
            let Self { bus, patience, .. } = self;
            patience.wait(|| line_status(bus).contains(LineStatus::HOLDING_EMPTY))?;
            for &byte in burst {
                self.bus.write(Writable::TransmitterHolding, byte);
            }
        }
        Ok(())
    }

    /// Waits until the last byte has left.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy.
    pub fn drain(&mut self) -> Result<(), TransmitTimeout> {
        let Self { bus, patience, .. } = self;
        patience.wait(|| line_status(bus).contains(LineStatus::TRANSMITTER_EMPTY))
    }

    /// The next received byte, if there is one.
    pub fn try_read(&mut self) -> Option<u8> {
        line_status(&mut self.bus).contains(LineStatus::DATA_READY).then(|| self.bus.read(Readable::ReceiverBuffer))
    }

    /// Raises the interrupt line while received bytes wait. Reading all of them lowers it.
    pub fn enable_receive_interrupt(&mut self) {
        self.bus.write(Writable::ModemControl, MODEM_READY | MODEM_INTERRUPT_GATE);
        self.bus.write(Writable::InterruptEnable, InterruptEnable::RECEIVED.bits());
    }

    /// Raises the interrupt line for nothing.
    pub fn disable_interrupts(&mut self) {
        self.bus.write(Writable::InterruptEnable, 0);
        self.bus.write(Writable::ModemControl, MODEM_READY);
    }

    /// The way to the registers.
    #[cfg(test)]
    pub(crate) fn bus_mut(&mut self) -> &mut B {
        &mut self.bus
    }

    /// Empties the receiver of what came before: a 16450 has no FIFO reset.
    fn drop_stale_input(&mut self) {
        for _ in 0..MAX_STALE_BYTES {
            if self.try_read().is_none() {
                return;
            }
        }
    }
}

impl<B: Bus> fmt::Write for Uart<B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_text(text, |bytes| self.write(bytes))
    }
}

fn line_status(bus: &mut impl Bus) -> LineStatus {
    LineStatus::from_bits_retain(bus.read(Readable::LineStatus))
}

fn is_present(bus: &mut impl Bus) -> bool {
    [0x5a, 0xa5].into_iter().all(|pattern| {
        bus.write(Writable::Scratch, pattern);
        bus.read(Readable::Scratch) == pattern
    })
}

fn set_line(bus: &mut impl Bus) {
    let [low, high] = DIVISOR_115200.to_le_bytes();
    bus.write(Writable::LineControl, LINE_CONTROL_DIVISOR_LATCH);
    bus.write(Writable::DivisorLow, low);
    bus.write(Writable::DivisorHigh, high);
    bus.write(Writable::LineControl, LINE_CONTROL_8N1);
}
