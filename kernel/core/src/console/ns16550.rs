//! A 16550 UART as a guest sees it: registers, FIFO, one interrupt line.
//!
//! Sources: National Semiconductor PC16550D data sheet, table II (registers), section 8 (registers in detail).
//! Transmission takes no time: the transmitter is always empty, so THRE is pending again as soon as it is enabled.
//! Baud rate and frame format are stored and have no effect.

use arrayvec::ArrayVec;

use super::{Effect, Model};

/// Bytes in the receive FIFO. The part has 16; a deeper one loses no pasted text and no driver can tell.
const FIFO_DEPTH: usize = 64;

/// Registers that empty the receive FIFO.
pub(crate) mod offset {
    /// RBR: takes the oldest byte.
    pub(crate) const RECEIVE_BUFFER: u8 = 0;
    /// FCR: can clear the FIFO.
    pub(crate) const FIFO_CONTROL: u8 = 2;
}

/// Interrupt-enable register.
mod ier {
    pub(super) const RECEIVED: u8 = 1 << 0;
    pub(super) const TRANSMITTER_EMPTY: u8 = 1 << 1;
    pub(super) const WRITABLE: u8 = 0x0f;
}

/// Interrupt-identification register.
mod iir {
    pub(super) const NONE: u8 = 0x01;
    pub(super) const TRANSMITTER_EMPTY: u8 = 0x02;
    pub(super) const RECEIVED: u8 = 0x04;
    pub(super) const FIFOS_ENABLED: u8 = 0xc0;
}

/// Line-status register.
mod lsr {
    pub(super) const DATA_READY: u8 = 1 << 0;
    pub(super) const TRANSMITTER_EMPTY: u8 = 0x60;
}

/// Modem-control register.
mod mcr {
    pub(super) const OUT2: u8 = 1 << 3;
    pub(super) const LOOPBACK: u8 = 1 << 4;
    pub(super) const WRITABLE: u8 = 0x1f;
}

/// FIFO-control register: enable, clear the receive FIFO.
mod fcr {
    pub(super) const ENABLE: u8 = 1 << 0;
    pub(super) const CLEAR_RECEIVE: u8 = 1 << 1;
}

/// Line-control register: divisor latch access.
const LCR_DLAB: u8 = 1 << 7;
/// Modem-status register outside loopback: carrier, data set ready, clear to send.
const MSR_CONNECTED: u8 = 0xb0;

/// The state of one UART.
#[derive(Debug)]
pub(crate) struct Ns16550 {
    received: ArrayVec<u8, FIFO_DEPTH>,
    divisor: [u8; 2],
    interrupt_enable: u8,
    fifo_control: u8,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    transmitter_interrupt: bool,
}

impl Model for Ns16550 {
    fn reset(&mut self) {
        *self = Self::new();
    }

    fn receive(&mut self, byte: u8) -> bool {
        self.received.try_push(byte).is_ok()
    }

    fn is_drained(&self) -> bool {
        self.received.is_empty()
    }

    /// OUT2 gates the line, as on a PC.
    fn interrupt(&self) -> bool {
        self.pending() != iir::NONE && self.modem_control & (mcr::OUT2 | mcr::LOOPBACK) == mcr::OUT2
    }
}

impl Ns16550 {
    /// The state after a master reset.
    pub(crate) const fn new() -> Self {
        Self {
            received: ArrayVec::new_const(),
            divisor: [12, 0],
            interrupt_enable: 0,
            fifo_control: 0,
            line_control: 0x03,
            modem_control: 0,
            scratch: 0,
            transmitter_interrupt: false,
        }
    }

    /// Reads register `offset` (0 to 7).
    pub(crate) fn read(&mut self, offset: u8) -> u8 {
        match offset {
            0 | 1 if self.divisor_latch() => self.divisor[usize::from(offset)],
            0 => self.received.pop_at(0).unwrap_or(0),
            1 => self.interrupt_enable,
            2 => self.read_identification(),
            3 => self.line_control,
            4 => self.modem_control,
            5 => lsr::TRANSMITTER_EMPTY | if self.received.is_empty() { 0 } else { lsr::DATA_READY },
            6 => self.modem_status(),
            _ => self.scratch,
        }
    }

    /// Writes register `offset` (0 to 7).
    pub(crate) fn write(&mut self, offset: u8, value: u8) -> Effect {
        match offset {
            0 | 1 if self.divisor_latch() => self.divisor[usize::from(offset)] = value,
            0 => return self.transmit(value),
            1 => self.write_enable(value),
            2 => self.write_fifo_control(value),
            3 => self.line_control = value,
            4 => self.modem_control = value & mcr::WRITABLE,
            7 => self.scratch = value,
            _ => {}
        }
        Effect::None
    }

    const fn divisor_latch(&self) -> bool {
        self.line_control & LCR_DLAB != 0
    }

    fn pending(&self) -> u8 {
        if self.interrupt_enable & ier::RECEIVED != 0 && !self.received.is_empty() {
            iir::RECEIVED
        } else if self.interrupt_enable & ier::TRANSMITTER_EMPTY != 0 && self.transmitter_interrupt {
            iir::TRANSMITTER_EMPTY
        } else {
            iir::NONE
        }
    }

    fn read_identification(&mut self) -> u8 {
        let pending = self.pending();
        if pending == iir::TRANSMITTER_EMPTY {
            self.transmitter_interrupt = false;
        }
        pending | if self.fifo_control & fcr::ENABLE != 0 { iir::FIFOS_ENABLED } else { 0 }
    }

    fn transmit(&mut self, byte: u8) -> Effect {
        self.transmitter_interrupt = true;
        if self.modem_control & mcr::LOOPBACK == 0 {
            return Effect::Transmit(byte);
        }
        // A full FIFO drops the byte: an overrun, as on the part.
        let _ = self.receive(byte);
        Effect::None
    }

    fn write_enable(&mut self, value: u8) {
        let enabled = value & !self.interrupt_enable;
        if enabled & ier::TRANSMITTER_EMPTY != 0 {
            self.transmitter_interrupt = true;
        }
        self.interrupt_enable = value & ier::WRITABLE;
    }

    fn write_fifo_control(&mut self, value: u8) {
        if value & fcr::CLEAR_RECEIVE != 0 {
            self.received.clear();
        }
        self.fifo_control = value;
    }

    /// In loopback the modem outputs come back on the inputs: DTR→DSR, RTS→CTS, OUT1→RI, OUT2→DCD.
    const fn modem_status(&self) -> u8 {
        let control = self.modem_control;
        if control & mcr::LOOPBACK == 0 {
            return MSR_CONNECTED;
        }
        (control & 1) << 5 | (control & 2) << 3 | (control & 4) << 4 | (control & 8) << 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Ns16550 {
        let mut uart = Ns16550::new();
        let _ = uart.write(4, mcr::OUT2);
        uart
    }

    #[test]
    fn a_byte_goes_out() {
        assert_eq!(ready().write(0, b'x'), Effect::Transmit(b'x'));
    }

    #[test]
    fn the_divisor_latch_hides_data_and_enable() {
        let mut uart = ready();
        let _ = uart.write(3, LCR_DLAB | 3);
        assert_eq!(uart.write(0, 1), Effect::None);
        let _ = uart.write(1, 0);
        assert_eq!((uart.read(0), uart.read(1)), (1, 0));
        let _ = uart.write(3, 3);
        assert_eq!(uart.read(1), 0);
    }

    #[test]
    fn received_bytes_raise_the_line_until_read() {
        let mut uart = ready();
        let _ = uart.write(1, ier::RECEIVED);
        assert!(!uart.interrupt());
        assert!(uart.receive(b'a'));
        assert!(uart.interrupt());
        assert_eq!(uart.read(2) & 0x0f, iir::RECEIVED);
        assert_eq!(uart.read(0), b'a');
        assert!(!uart.interrupt());
        assert_eq!(uart.read(5) & lsr::DATA_READY, 0);
    }

    #[test]
    fn reading_the_identification_ends_the_transmitter_interrupt() {
        let mut uart = ready();
        let _ = uart.write(1, ier::TRANSMITTER_EMPTY);
        assert!(uart.interrupt());
        assert_eq!(uart.read(2) & 0x0f, iir::TRANSMITTER_EMPTY);
        assert!(!uart.interrupt());
        let _ = uart.write(0, b'x');
        assert!(uart.interrupt());
    }

    #[test]
    fn out2_gates_the_line() {
        let mut uart = Ns16550::new();
        let _ = uart.write(1, ier::TRANSMITTER_EMPTY);
        assert!(!uart.interrupt());
    }

    #[test]
    fn loopback_returns_data_and_modem_lines() {
        let mut uart = ready();
        let _ = uart.write(4, mcr::LOOPBACK | 0x0a);
        assert_eq!(uart.read(6), 0x90);
        assert_eq!(uart.write(0, 0x55), Effect::None);
        assert_eq!(uart.read(0), 0x55);
    }

    #[test]
    fn a_full_fifo_refuses() {
        let mut uart = ready();
        for byte in 0..64 {
            assert!(uart.receive(byte));
        }
        assert!(!uart.receive(64));
        let _ = uart.write(2, fcr::ENABLE | fcr::CLEAR_RECEIVE);
        assert_eq!(uart.read(5) & lsr::DATA_READY, 0);
    }
}
