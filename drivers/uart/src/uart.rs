//! The port itself.

use core::fmt;

use crate::registers::{
    Bus, FIFO_ON_AND_EMPTY, IDENTIFICATION_FIFOS, InterruptEnable, LINE_CONTROL_8N1, LINE_CONTROL_DIVISOR_LATCH,
    LineStatus, MODEM_INTERRUPT_GATE, MODEM_READY, Readable, Writable,
};

/// The divisor for 115 200 baud from the PC's 1.8432 MHz clock.
const DIVISOR_115200: u16 = 1;
/// Bytes in the transmitter's FIFO.
const FIFO_BYTES: usize = 16;
/// Looks at LSR before a send is given up. A full FIFO needs 1.4 ms; a look takes about 1 µs on real hardware.
const SEND_LOOKS: u32 = 100_000;
/// Bytes that a receiver can hold at most, FIFO and buffer.
const MAX_STALE_BYTES: usize = FIFO_BYTES + 1;

/// There is no UART at the bus's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPresent;

/// The transmitter did not take the bytes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmitTimeout;

/// A 16550 (or a 16450, without FIFOs) at 115 200 baud, 8 data bits, no parity, one stop bit.
#[derive(Debug)]
pub struct Uart<B> {
    bus: B,
    /// Bytes that an empty transmitter takes in one go.
    burst: usize,
    /// The transmitter once ran into the bound: it gets one look a burst from now on, until it is ready again.
    stuck: bool,
}

impl<B: Bus> Uart<B> {
    /// Takes the UART over and sets it up, with all its interrupts off.
    ///
    /// # Errors
    /// [`NotPresent`] where the scratch register does not keep what is written.
    pub fn new(mut bus: B) -> Result<Self, NotPresent> {
        if !is_present(&mut bus) {
            return Err(NotPresent);
        }
        bus.write(Writable::InterruptEnable, 0);
        set_line(&mut bus);
        bus.write(Writable::FifoControl, FIFO_ON_AND_EMPTY);
        bus.write(Writable::ModemControl, MODEM_READY);
        let fifos = bus.read(Readable::InterruptIdentification) & IDENTIFICATION_FIFOS == IDENTIFICATION_FIFOS;
        let mut uart = Self { bus, burst: if fifos { FIFO_BYTES } else { 1 }, stuck: false };
        uart.drop_stale_input();
        Ok(uart)
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// [`TransmitTimeout`] where the transmitter stays busy; the rest of `bytes` is not sent.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TransmitTimeout> {
        for burst in bytes.chunks(self.burst) {
            self.wait_for_transmitter()?;
            for &byte in burst {
                self.bus.write(Writable::TransmitterHolding, byte);
            }
        }
        Ok(())
    }

    /// The next received byte, if there is one.
    pub fn try_read(&mut self) -> Option<u8> {
        self.line_status().contains(LineStatus::DATA_READY).then(|| self.bus.read(Readable::ReceiverBuffer))
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

    fn line_status(&mut self) -> LineStatus {
        LineStatus::from_bits_retain(self.bus.read(Readable::LineStatus))
    }

    fn wait_for_transmitter(&mut self) -> Result<(), TransmitTimeout> {
        let looks = if self.stuck { 1 } else { SEND_LOOKS };
        for _ in 0..looks {
            if self.line_status().contains(LineStatus::HOLDING_EMPTY) {
                self.stuck = false;
                return Ok(());
            }
            core::hint::spin_loop();
        }
        self.stuck = true;
        Err(TransmitTimeout)
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

/// Text for a terminal: a line feed is sent as carriage return and line feed.
///
/// A transmitter that is stuck loses the text: nobody could be told.
impl<B: Bus> fmt::Write for Uart<B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            let sent = match line.strip_suffix('\n') {
                Some(line) => self.write(line.as_bytes()).and_then(|()| self.write(b"\r\n")),
                None => self.write(line.as_bytes()),
            };
            if sent.is_err() {
                break;
            }
        }
        Ok(())
    }
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
