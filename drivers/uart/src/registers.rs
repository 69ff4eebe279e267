//! The registers (PC16550D data sheet, table II) and the way to them.

use bitflags::bitflags;

/// The way to one UART's eight registers.
///
/// Reads need `&mut self`: several registers change by being read.
pub trait Bus {
    /// Reads one register.
    fn read(&mut self, register: Readable) -> u8;

    /// Writes one register.
    fn write(&mut self, register: Writable, value: u8);
}

/// What can be read while the divisor latch is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Readable {
    /// RBR: the oldest received byte.
    ReceiverBuffer = 0,
    /// IER: which events raise the interrupt.
    InterruptEnable = 1,
    /// IIR: which event raised the interrupt, and whether there are FIFOs.
    InterruptIdentification = 2,
    /// LCR: word format, divisor latch access.
    LineControl = 3,
    /// MCR: modem lines, interrupt gate.
    ModemControl = 4,
    /// LSR: [`LineStatus`].
    LineStatus = 5,
    /// MSR: modem lines of the other side.
    ModemStatus = 6,
    /// SCR: one byte without meaning.
    Scratch = 7,
}

/// What can be written. The divisor latch takes the place of offsets 0 and 1 while LCR bit 7 is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writable {
    /// THR: the next byte to send.
    TransmitterHolding,
    /// IER: [`InterruptEnable`].
    InterruptEnable,
    /// FCR: FIFO enable, reset, receive trigger level.
    FifoControl,
    /// LCR: word format, divisor latch access.
    LineControl,
    /// MCR: modem lines, interrupt gate.
    ModemControl,
    /// SCR: one byte without meaning.
    Scratch,
    /// DLL: low byte of the divisor, behind LCR bit 7.
    DivisorLow,
    /// DLM: high byte of the divisor, behind LCR bit 7.
    DivisorHigh,
}

impl Readable {
    /// The register's distance from the first one.
    #[must_use]
    pub const fn offset(self) -> u8 {
        self as u8
    }
}

impl Writable {
    /// The register's distance from the first one.
    #[must_use]
    pub const fn offset(self) -> u8 {
        match self {
            Self::TransmitterHolding | Self::DivisorLow => 0,
            Self::InterruptEnable | Self::DivisorHigh => 1,
            Self::FifoControl => 2,
            Self::LineControl => 3,
            Self::ModemControl => 4,
            Self::Scratch => 7,
        }
    }
}

bitflags! {
    /// IER: which events raise the interrupt.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InterruptEnable: u8 {
        /// A byte was received, or waits in the FIFO for longer than four character times.
        const RECEIVED = 1 << 0;
        /// The transmitter can take more.
        const TRANSMITTER_EMPTY = 1 << 1;
        /// A receive error or a break.
        const LINE_STATUS = 1 << 2;
        /// A modem line changed.
        const MODEM_STATUS = 1 << 3;
    }

    /// LSR: the state of both directions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LineStatus: u8 {
        /// A received byte can be read.
        const DATA_READY = 1 << 0;
        /// A received byte was lost.
        const OVERRUN = 1 << 1;
        /// The transmitter's FIFO is empty.
        const HOLDING_EMPTY = 1 << 5;
        /// The FIFO and the shift register are empty.
        const TRANSMITTER_EMPTY = 1 << 6;
        const _ = !0;
    }
}

/// LCR: 8 data bits, no parity, one stop bit.
pub(crate) const LINE_CONTROL_8N1: u8 = 0x03;
/// LCR: opens the divisor latch.
pub(crate) const LINE_CONTROL_DIVISOR_LATCH: u8 = 0x80;
/// FCR: FIFOs on and emptied; the receive interrupt comes with the first byte.
pub(crate) const FIFO_ON_AND_EMPTY: u8 = 0x07;
/// IIR: both bits are set where the FIFOs are on.
pub(crate) const IDENTIFICATION_FIFOS: u8 = 0xc0;
/// MCR: data terminal ready, request to send.
pub(crate) const MODEM_READY: u8 = 0x03;
/// MCR: OUT2, which on a PC connects the UART to its interrupt line.
pub(crate) const MODEM_INTERRUPT_GATE: u8 = 0x08;
