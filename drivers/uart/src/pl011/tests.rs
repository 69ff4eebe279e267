use core::fmt::Write;

use super::*;

extern crate std;
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

/// Bytes that the transmitter holds; it sends one a look at its state.
const DEPTH: usize = 16;

/// A PL011 made of fields.
#[derive(Default)]
struct Fake {
    sent: Vec<u8>,
    to_receive: VecDeque<u8>,
    held: BTreeMap<u16, u32>,
    in_fifo: usize,
    jammed: bool,
    looks: u32,
    /// Writes in order.
    writes: Vec<(u16, u32)>,
}

impl Registers for &mut Fake {
    fn read(&mut self, offset: u16) -> u32 {
        match offset {
            DATA => u32::from(self.to_receive.pop_front().unwrap()) | 0xf00,
            FLAG => {
                self.looks += 1;
                let full = self.in_fifo == DEPTH || self.jammed;
                let busy = self.in_fifo > 0 || self.jammed;
                self.in_fifo = self.in_fifo.saturating_sub(1);
                u32::from(full) << 5 | u32::from(self.to_receive.is_empty()) << 4 | u32::from(busy) << 3
            }
            _ => self.held.get(&offset).copied().unwrap_or(0),
        }
    }

    fn write(&mut self, offset: u16, value: u32) {
        self.writes.push((offset, value));
        if offset == DATA {
            assert!(self.in_fifo < DEPTH, "overflow");
            self.in_fifo += 1;
            self.sent.push(u8::try_from(value).unwrap());
        } else {
            self.held.insert(offset, value);
        }
    }
}

#[test]
fn a_uart_that_is_off_is_switched_on() {
    let mut fake = Fake { to_receive: b"stale".iter().copied().collect(), ..Fake::default() };
    fake.held.insert(CONTROL, 1 << 15);
    assert_eq!(Pl011::new(&mut fake).try_read(), None);
    let expected = [(INTERRUPT_MASK, 0), (CONTROL, 1 << 15), (LINE_CONTROL, 0x70), (CONTROL, 0x8301)];
    assert_eq!(fake.writes[..4], expected);
    assert_eq!(fake.writes[4..], [(INTERRUPT_CLEAR, 0x7ff)]);
}

#[test]
fn a_uart_that_is_on_keeps_its_line() {
    let mut fake = Fake::default();
    fake.held.insert(CONTROL, 0x301);
    let _ = Pl011::new(&mut fake);
    assert_eq!(fake.writes, [(INTERRUPT_MASK, 0), (INTERRUPT_CLEAR, 0x7ff)]);
}

#[test]
fn nothing_is_lost_in_a_full_fifo() {
    let mut fake = Fake::default();
    let text: Vec<u8> = (0..=255).collect();
    Pl011::new(&mut fake).write(&text).unwrap();
    assert_eq!(fake.sent, text);
    Pl011::new(&mut fake).write_str("a\nb").unwrap();
    assert_eq!(fake.sent[256..], *b"a\r\nb");
}

#[test]
fn draining_waits_for_the_last_byte() {
    let mut fake = Fake::default();
    let mut uart = Pl011::new(&mut fake);
    uart.write(b"0123456789").unwrap();
    assert_eq!(uart.drain(), Ok(()));
    assert_eq!(fake.in_fifo, 0);
    fake.jammed = true;
    assert_eq!(Pl011::new(&mut fake).drain(), Err(TransmitTimeout));
}

#[test]
fn a_jammed_transmitter_costs_time_only_once() {
    let mut fake = Fake { jammed: true, ..Fake::default() };
    let mut uart = Pl011::new(&mut fake);
    assert_eq!([uart.write(b"lost"), uart.write(b"lost too")], [Err(TransmitTimeout); 2]);
    assert!(fake.looks < 100_010, "{} looks", fake.looks);
}

#[test]
fn input_and_its_interrupt() {
    let mut fake = Fake::default();
    let mut uart = Pl011::new(&mut fake);
    uart.registers.to_receive.extend(b"ab");
    assert_eq!([uart.try_read(), uart.try_read(), uart.try_read()], [Some(b'a'), Some(b'b'), None]);
    uart.enable_receive_interrupt();
    assert_eq!(uart.registers.held[&INTERRUPT_MASK], 0x50);
    uart.disable_interrupts();
    assert_eq!(uart.registers.held[&INTERRUPT_MASK], 0);
}
