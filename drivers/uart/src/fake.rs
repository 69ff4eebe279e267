//! A UART made of fields.

extern crate std;
use std::collections::VecDeque;
use std::vec::Vec;

use crate::registers::{Bus, LINE_CONTROL_DIVISOR_LATCH, LineStatus, Readable, Writable};

/// Bytes that the fake's transmitter holds.
const DEPTH: usize = 16;

/// Records what is sent; plays back what is to be received.
#[derive(Debug, Default)]
pub(crate) struct FakeUart {
    pub(crate) sent: Vec<u8>,
    pub(crate) to_receive: VecDeque<u8>,
    pub(crate) interrupt_enable: u8,
    pub(crate) modem_control: u8,
    pub(crate) line_control: u8,
    pub(crate) divisor: [u8; 2],
    /// The transmitter never drains.
    pub(crate) jammed: bool,
    /// Looks at LSR that find the last byte still on the line.
    pub(crate) lingering: u32,
    /// Nothing answers at these addresses.
    pub(crate) absent: bool,
    /// The chip is a 16450.
    pub(crate) without_fifos: bool,
    /// How often LSR was read.
    pub(crate) looks: u32,
    /// Bytes that found the transmitter full.
    pub(crate) overflowed: usize,
    pub(crate) scratch: u8,
    pub(crate) in_fifo: usize,
}

impl FakeUart {
    fn status(&mut self) -> LineStatus {
        self.looks += 1;
        if !self.jammed {
            self.in_fifo = 0;
        }
        let mut status = LineStatus::empty();
        let empty = self.in_fifo == 0 && !self.jammed;
        status.set(LineStatus::HOLDING_EMPTY, empty);
        status.set(LineStatus::TRANSMITTER_EMPTY, empty && self.lingering == 0);
        self.lingering = self.lingering.saturating_sub(1);
        status.set(LineStatus::DATA_READY, !self.to_receive.is_empty());
        status
    }

    fn send(&mut self, byte: u8) {
        let depth = if self.without_fifos { 1 } else { DEPTH };
        if self.in_fifo == depth {
            self.overflowed += 1;
        } else {
            self.in_fifo += 1;
            self.sent.push(byte);
        }
    }
}

impl Bus for &mut FakeUart {
    fn read(&mut self, register: Readable) -> u8 {
        assert!(self.line_control & LINE_CONTROL_DIVISOR_LATCH == 0 || register.offset() > 1);
        if self.absent {
            return 0xff;
        }
        match register {
            Readable::ReceiverBuffer => self.to_receive.pop_front().unwrap_or(0),
            Readable::InterruptEnable => self.interrupt_enable,
            Readable::InterruptIdentification => {
                if self.without_fifos {
                    0x01
                } else {
                    0xc1
                }
            }
            Readable::LineControl => self.line_control,
            Readable::ModemControl => self.modem_control,
            Readable::LineStatus => self.status().bits(),
            Readable::ModemStatus => 0,
            Readable::Scratch => self.scratch,
        }
    }

    fn write(&mut self, register: Writable, value: u8) {
        let divisor = matches!(register, Writable::DivisorLow | Writable::DivisorHigh);
        assert!((self.line_control & LINE_CONTROL_DIVISOR_LATCH != 0) == divisor || register.offset() > 1);
        match register {
            Writable::TransmitterHolding => self.send(value),
            Writable::InterruptEnable => self.interrupt_enable = value,
            Writable::FifoControl => {}
            Writable::LineControl => self.line_control = value,
            Writable::ModemControl => self.modem_control = value,
            Writable::Scratch => self.scratch = value,
            Writable::DivisorLow => self.divisor[0] = value,
            Writable::DivisorHigh => self.divisor[1] = value,
        }
    }
}
