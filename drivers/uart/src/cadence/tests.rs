use core::fmt::Write;

use super::*;

extern crate std;
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

/// Bytes that the transmitter holds; it sends one a look at its state.
const DEPTH: usize = 64;

/// A Cadence UART made of fields.
#[derive(Default)]
struct Fake {
    sent: Vec<u8>,
    to_receive: VecDeque<u8>,
    held: BTreeMap<u16, u32>,
    in_fifo: usize,
    /// Arrives while the interrupt is being taken back.
    late: Option<u8>,
    writes: Vec<(u16, u32)>,
}

impl Registers for &mut Fake {
    fn read(&mut self, offset: u16) -> u32 {
        match offset {
            FIFO => u32::from(self.to_receive.pop_front().unwrap()),
            STATUS => {
                let full = self.in_fifo == DEPTH;
                // The last byte is out of the FIFO and still on the line.
                let (empty, sending) = (self.in_fifo <= 1, self.in_fifo > 0);
                self.in_fifo = self.in_fifo.saturating_sub(1);
                u32::from(full) << 4
                    | u32::from(self.to_receive.is_empty()) << 1
                    | u32::from(empty) << 3
                    | u32::from(sending) << 11
            }
            _ => self.held.get(&offset).copied().unwrap_or(0),
        }
    }

    fn write(&mut self, offset: u16, value: u32) {
        self.writes.push((offset, value));
        match offset {
            FIFO => {
                assert!(self.in_fifo < DEPTH, "overflow");
                self.in_fifo += 1;
                self.sent.push(u8::try_from(value).unwrap());
            }
            INTERRUPT_STATUS => self.to_receive.extend(self.late.take()),
            _ => {
                self.held.insert(offset, value);
            }
        }
    }
}

#[test]
fn a_uart_that_is_off_is_switched_on() {
    let mut fake = Fake::default();
    fake.held.insert(CONTROL, 0x128);
    let _ = Cadence::new(&mut fake);
    let expected = [(INTERRUPT_DISABLE, 0x3fff), (RECEIVE_TRIGGER, 1), (MODE, 0x20), (CONTROL, 0x114)];
    assert_eq!(fake.writes[..4], expected);
}

#[test]
fn a_uart_that_is_on_keeps_its_line() {
    let mut fake = Fake::default();
    fake.held.insert(CONTROL, 0x114);
    let _ = Cadence::new(&mut fake);
    assert!(fake.writes.iter().all(|(offset, _)| !matches!(*offset, MODE | CONTROL)));
}

#[test]
fn nothing_is_lost_in_a_full_fifo() {
    let mut fake = Fake::default();
    let text: Vec<u8> = (0..=255).collect();
    Cadence::new(&mut fake).write(&text).unwrap();
    assert_eq!(fake.sent, text);
    Cadence::new(&mut fake).write_str("a\nb").unwrap();
    assert_eq!(fake.sent[256..], *b"a\r\nb");
}

#[test]
fn draining_waits_for_the_last_byte() {
    let mut fake = Fake::default();
    let mut uart = Cadence::new(&mut fake);
    uart.write(b"0123456789").unwrap();
    assert_eq!(uart.drain(), Ok(()));
    assert_eq!(fake.in_fifo, 0);
}

#[test]
fn no_byte_is_missed_while_the_interrupt_is_taken_back() {
    let mut fake = Fake::default();
    let mut uart = Cadence::new(&mut fake);
    uart.registers.to_receive.extend(b"a");
    uart.registers.late = Some(b'b');
    assert_eq!([uart.try_read(), uart.try_read(), uart.try_read()], [Some(b'a'), Some(b'b'), None]);
    uart.enable_receive_interrupt();
    uart.disable_interrupts();
    assert_eq!(fake.writes[fake.writes.len() - 2..], [(INTERRUPT_ENABLE, 1), (INTERRUPT_DISABLE, 0x3fff)]);
}
