//! A PL011 UART as a guest sees it: registers, receive FIFO, one interrupt line.
//!
//! Source: Arm PrimeCell UART (PL011) Technical Reference Manual, DDI 0183, revision r1p5; "table" below is one of its
//! chapter 3. Transmission takes no time: the transmitter is always empty, and its interrupt is pending after each byte.
//! Received bytes wait for nothing either: the receive timeout is over as soon as there is a byte. Baud rate, frame
//! format and DMA control are stored and have no effect, and so is the enable bit of the control register: an early
//! console that trusts its firmware to have enabled the UART has output.

use arrayvec::ArrayVec;

use super::{Effect, Model};

#[cfg(test)]
mod tests;

/// Bytes in the receive FIFO (r1p5; table 3-6, "receive FIFO").
const FIFO_DEPTH: usize = 32;

/// Offsets of the registers (table 3-1).
pub(crate) mod offset {
    /// UARTDR: takes the oldest byte, or sends one.
    pub(crate) const DATA: u16 = 0x000;
    pub(super) const RECEIVE_STATUS: u16 = 0x004;
    pub(super) const FLAG: u16 = 0x018;
    pub(super) const LOW_POWER: u16 = 0x020;
    pub(super) const INTEGER_DIVISOR: u16 = 0x024;
    pub(super) const FRACTIONAL_DIVISOR: u16 = 0x028;
    pub(super) const LINE_CONTROL: u16 = 0x02c;
    pub(super) const CONTROL: u16 = 0x030;
    pub(super) const FIFO_LEVEL: u16 = 0x034;
    pub(super) const INTERRUPT_MASK: u16 = 0x038;
    pub(super) const RAW_INTERRUPT: u16 = 0x03c;
    pub(super) const MASKED_INTERRUPT: u16 = 0x040;
    pub(super) const INTERRUPT_CLEAR: u16 = 0x044;
    pub(super) const DMA_CONTROL: u16 = 0x048;
    pub(super) const IDENTIFICATION: u16 = 0xfe0;
}

/// Data register and receive status: overrun (tables 3-2 and 3-3).
const DATA_OVERRUN: u16 = 1 << 11;
const STATUS_OVERRUN: u16 = 1 << 3;

/// Flag register (table 3-4).
mod flag {
    /// CTS, DSR and DCD are asserted: somebody is at the other end.
    pub(super) const CONNECTED: u16 = 0b111;
    pub(super) const RECEIVE_EMPTY: u16 = 1 << 4;
    pub(super) const RECEIVE_FULL: u16 = 1 << 6;
    pub(super) const TRANSMIT_EMPTY: u16 = 1 << 7;
    pub(super) const RING: u16 = 1 << 8;
}

/// Line control register: FIFOs enabled (table 3-8).
const FIFO_ENABLE: u16 = 1 << 4;

/// Control register (table 3-9).
mod control {
    pub(super) const LOOPBACK: u16 = 1 << 7;
    /// Bits 3 to 6 are reserved.
    pub(super) const WRITABLE: u16 = 0xff87;
    /// The value after reset: transmit and receive enabled, the UART not.
    pub(super) const RESET: u16 = 0x0300;
}

/// Interrupts: bits of UARTIMSC, UARTRIS, UARTMIS and UARTICR (tables 3-11 to 3-14).
mod interrupt {
    pub(super) const RECEIVE: u16 = 1 << 4;
    pub(super) const TRANSMIT: u16 = 1 << 5;
    pub(super) const RECEIVE_TIMEOUT: u16 = 1 << 6;
    pub(super) const OVERRUN: u16 = 1 << 10;
    pub(super) const ALL: u16 = 0x7ff;
}

/// UARTPeriphID0 to 3 and UARTPCellID0 to 3 (tables 3-16 to 3-23): part 0x011, designer Arm, revision r1p5.
const IDENTIFICATION: [u8; 8] = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// The state of one UART.
#[derive(Debug)]
pub(crate) struct Pl011 {
    received: ArrayVec<u8, FIFO_DEPTH>,
    overrun: bool,
    low_power: u16,
    divisor: [u16; 2],
    line_control: u16,
    control: u16,
    fifo_level: u16,
    mask: u16,
    raw: u16,
    dma_control: u16,
}

impl Model for Pl011 {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn receive(&mut self, byte: u8) -> bool {
        let taken = self.received.try_push(byte).is_ok();
        self.update_received();
        taken
    }

    fn is_drained(&self) -> bool {
        self.received.is_empty()
    }

    /// UARTINTR: any interrupt that is pending and not masked.
    #[inline]
    fn interrupt(&self) -> bool {
        self.raw & self.mask != 0
    }
}

impl Pl011 {
    /// The state after reset.
    pub(crate) const fn new() -> Self {
        Self {
            received: ArrayVec::new_const(),
            overrun: false,
            low_power: 0,
            divisor: [0; 2],
            line_control: 0,
            control: control::RESET,
            fifo_level: 0x12,
            mask: 0,
            raw: 0,
            dma_control: 0,
        }
    }

    /// Reads the register at `offset` (0 to 0xfff). What is no register reads as zero.
    #[inline]
    pub(crate) fn read(&mut self, offset: u16) -> u16 {
        match offset {
            offset::FLAG => self.flags(),
            offset::DATA => self.take(),
            offset::RECEIVE_STATUS if self.overrun => STATUS_OVERRUN,
            offset::LOW_POWER => self.low_power,
            offset::INTEGER_DIVISOR => self.divisor[0],
            offset::FRACTIONAL_DIVISOR => self.divisor[1],
            offset::LINE_CONTROL => self.line_control,
            offset::CONTROL => self.control,
            offset::FIFO_LEVEL => self.fifo_level,
            offset::INTERRUPT_MASK => self.mask,
            offset::RAW_INTERRUPT => self.raw,
            offset::MASKED_INTERRUPT => self.raw & self.mask,
            offset::DMA_CONTROL => self.dma_control,
            offset::IDENTIFICATION.. => identification(offset),
            _ => 0,
        }
    }

    /// Writes the register at `offset` (0 to 0xfff). What cannot be written ignores it.
    #[inline]
    pub(crate) fn write(&mut self, offset: u16, value: u16) -> Effect {
        match offset {
            offset::DATA => return self.transmit(value as u8),
            offset::RECEIVE_STATUS => self.overrun = false,
            offset::LOW_POWER => self.low_power = value & 0xff,
            offset::INTEGER_DIVISOR => self.divisor[0] = value,
            offset::FRACTIONAL_DIVISOR => self.divisor[1] = value & 0x3f,
            offset::LINE_CONTROL => self.line_control = value & 0xff,
            offset::CONTROL => self.write_control(value),
            offset::FIFO_LEVEL => self.fifo_level = value & 0x3f,
            offset::INTERRUPT_MASK => self.mask = value & interrupt::ALL,
            offset::INTERRUPT_CLEAR => self.raw &= !value,
            offset::DMA_CONTROL => self.dma_control = value & 0x7,
            _ => {}
        }
        Effect::None
    }

    fn flags(&self) -> u16 {
        let full = self.received.len() >= if self.fifo_enabled() { FIFO_DEPTH } else { 1 };
        let receive = if self.received.is_empty() { flag::RECEIVE_EMPTY } else { 0 };
        receive | if full { flag::RECEIVE_FULL } else { 0 } | flag::TRANSMIT_EMPTY | self.modem_inputs()
    }

    /// CTS, DSR, DCD and RI. In loopback they are what goes out at RTS, DTR, Out1 and Out2 (table 3-9, bit 7).
    const fn modem_inputs(&self) -> u16 {
        let control = self.control;
        if control & control::LOOPBACK == 0 {
            return flag::CONNECTED;
        }
        let (dtr, rts, out1, out2) = (control >> 10 & 1, control >> 11 & 1, control >> 12 & 1, control >> 13 & 1);
        rts | dtr << 1 | out1 << 2 | if out2 != 0 { flag::RING } else { 0 }
    }

    fn take(&mut self) -> u16 {
        let overrun = if self.overrun { DATA_OVERRUN } else { 0 };
        let byte = self.received.pop_at(0).unwrap_or(0);
        self.update_received();
        overrun | u16::from(byte)
    }

    #[inline]
    fn transmit(&mut self, byte: u8) -> Effect {
        self.raw |= interrupt::TRANSMIT;
        if self.control & control::LOOPBACK == 0 {
            return Effect::Transmit(byte);
        }
        if !self.receive(byte) {
            self.overrun = true;
            self.raw |= interrupt::OVERRUN;
        }
        Effect::None
    }

    /// A modem input that changes is an interrupt (table 3-12): RI, CTS, DCD, DSR from bit 0 on.
    fn write_control(&mut self, value: u16) {
        let before = self.modem_inputs();
        self.control = value & control::WRITABLE;
        let changed = before ^ self.modem_inputs();
        self.raw |= changed >> 8 & 1 | (changed & 1) << 1 | changed & 1 << 2 | (changed & 2) << 2;
    }

    /// Receive interrupt and timeout, as they stand after a byte has come or gone.
    fn update_received(&mut self) {
        let waiting = self.received.len();
        let level = if waiting >= self.trigger() { interrupt::RECEIVE } else { 0 };
        let timeout = if waiting > 0 { interrupt::RECEIVE_TIMEOUT } else { 0 };
        self.raw = self.raw & !(interrupt::RECEIVE | interrupt::RECEIVE_TIMEOUT) | level | timeout;
    }

    /// Bytes that make a receive interrupt: eighths of the FIFO (table 3-10).
    const fn trigger(&self) -> usize {
        if !self.fifo_enabled() {
            return 1;
        }
        FIFO_DEPTH / 8
            * match self.fifo_level >> 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                3 => 6,
                _ => 7,
            }
    }

    const fn fifo_enabled(&self) -> bool {
        self.line_control & FIFO_ENABLE != 0
    }
}

/// One byte in each word from [`offset::IDENTIFICATION`] on.
fn identification(offset: u16) -> u16 {
    let index = usize::from((offset - offset::IDENTIFICATION) / 4);
    IDENTIFICATION.get(index).copied().map_or(0, u16::from)
}
