//! The PL011 register by register, and against any sequence of accesses.

use std::vec::Vec;

use proptest::collection::vec as vec_of;
use proptest::prelude::*;

use super::*;

fn with_fifos() -> Pl011 {
    let mut uart = Pl011::new();
    let _ = uart.write(offset::LINE_CONTROL, 0x70);
    uart
}

fn receive_all(uart: &mut Pl011, bytes: &[u8]) {
    bytes.iter().for_each(|byte| assert!(uart.receive(*byte)));
}

#[test]
fn reset_values_are_the_manual_s() {
    let mut uart = Pl011::new();
    let registers = [0x000, 0x004, 0x018, 0x020, 0x024, 0x028, 0x02c, 0x030, 0x034, 0x038, 0x03c, 0x040, 0x048];
    let values = registers.map(|offset| uart.read(offset));
    assert_eq!(values, [0, 0, 0x97, 0, 0, 0, 0, 0x300, 0x12, 0, 0, 0, 0]);
    assert!(!uart.interrupt());
}

#[test]
fn identification_is_a_pl011_s() {
    let mut uart = Pl011::new();
    let bytes: Vec<u16> = (0xfe0..0x1000).step_by(4).map(|offset| uart.read(offset)).collect();
    assert_eq!(bytes, [0x11, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1]);
}

#[test]
fn a_byte_goes_out_and_leaves_an_interrupt() {
    let mut uart = Pl011::new();
    assert_eq!(uart.write(offset::DATA, 0x100 | u16::from(b'x')), Effect::Transmit(b'x'));
    assert!(!uart.interrupt());
    let _ = uart.write(offset::INTERRUPT_MASK, interrupt::TRANSMIT);
    assert!(uart.interrupt());
    assert_eq!(uart.read(offset::MASKED_INTERRUPT), interrupt::TRANSMIT);
    let _ = uart.write(offset::INTERRUPT_CLEAR, interrupt::TRANSMIT);
    assert!(!uart.interrupt());
    assert_eq!(uart.read(offset::FLAG) & (flag::TRANSMIT_EMPTY | 1 << 5 | 1 << 3), flag::TRANSMIT_EMPTY);
}

#[test]
fn a_received_byte_raises_the_line_until_it_is_read() {
    let mut uart = with_fifos();
    let _ = uart.write(offset::INTERRUPT_MASK, interrupt::RECEIVE | interrupt::RECEIVE_TIMEOUT);
    assert!(!uart.interrupt());
    receive_all(&mut uart, b"a");
    assert!(uart.interrupt());
    assert_eq!(uart.read(offset::MASKED_INTERRUPT), interrupt::RECEIVE_TIMEOUT);
    assert_eq!(uart.read(offset::FLAG) & flag::RECEIVE_EMPTY, 0);
    assert_eq!(uart.read(offset::DATA), u16::from(b'a'));
    assert!(!uart.interrupt());
    assert_eq!(uart.read(offset::FLAG) & flag::RECEIVE_EMPTY, flag::RECEIVE_EMPTY);
}

#[test]
fn the_receive_interrupt_follows_the_trigger_level() {
    for (select, trigger) in [(0, 4), (1, 8), (2, 16), (3, 24), (4, 28), (7, 28)] {
        let mut uart = with_fifos();
        let _ = uart.write(offset::FIFO_LEVEL, select << 3);
        receive_all(&mut uart, &[0; 32][..trigger - 1]);
        assert_eq!(uart.read(offset::RAW_INTERRUPT) & interrupt::RECEIVE, 0, "{select}");
        receive_all(&mut uart, &[0]);
        assert_eq!(uart.read(offset::RAW_INTERRUPT) & interrupt::RECEIVE, interrupt::RECEIVE, "{select}");
        uart.read(offset::DATA);
        assert_eq!(uart.read(offset::RAW_INTERRUPT) & interrupt::RECEIVE, 0, "{select}");
    }
    let mut uart = Pl011::new();
    receive_all(&mut uart, &[0]);
    assert_eq!(uart.read(offset::RAW_INTERRUPT), interrupt::RECEIVE | interrupt::RECEIVE_TIMEOUT, "without FIFOs");
    assert_eq!(uart.read(offset::FLAG) & flag::RECEIVE_FULL, flag::RECEIVE_FULL);
}

#[test]
fn an_interrupt_that_was_cleared_comes_back_with_the_next_byte() {
    let mut uart = with_fifos();
    let _ = uart.write(offset::INTERRUPT_MASK, interrupt::RECEIVE_TIMEOUT);
    receive_all(&mut uart, b"ab");
    let _ = uart.write(offset::INTERRUPT_CLEAR, interrupt::ALL);
    assert!(!uart.interrupt());
    uart.read(offset::DATA);
    assert!(uart.interrupt(), "a byte is left");
    let _ = uart.write(offset::INTERRUPT_CLEAR, interrupt::ALL);
    receive_all(&mut uart, b"c");
    assert!(uart.interrupt());
}

#[test]
fn a_full_fifo_refuses_and_in_loopback_overruns() {
    let mut uart = with_fifos();
    receive_all(&mut uart, &[7; FIFO_DEPTH]);
    assert!(!uart.receive(8));
    assert_eq!(uart.read(offset::RECEIVE_STATUS), 0, "what was typed waits");
    assert_eq!(uart.read(offset::FLAG) & flag::RECEIVE_FULL, flag::RECEIVE_FULL);
    let _ = uart.write(offset::CONTROL, control::RESET | control::LOOPBACK);
    assert_eq!(uart.write(offset::DATA, 9), Effect::None);
    assert_eq!(uart.read(offset::RECEIVE_STATUS), STATUS_OVERRUN);
    assert_eq!(uart.read(offset::RAW_INTERRUPT) & interrupt::OVERRUN, interrupt::OVERRUN);
    assert_eq!(uart.read(offset::DATA), DATA_OVERRUN | 7);
    let _ = uart.write(offset::RECEIVE_STATUS, 0);
    assert_eq!((uart.read(offset::RECEIVE_STATUS), uart.read(offset::DATA)), (0, 7));
}

#[test]
fn loopback_returns_data_and_modem_lines() {
    let mut uart = with_fifos();
    for (outputs, inputs) in [(1 << 10, 1 << 1), (1 << 11, 1), (1 << 12, 1 << 2), (1 << 13, 1 << 8)] {
        let _ = uart.write(offset::CONTROL, control::LOOPBACK | outputs);
        assert_eq!(uart.read(offset::FLAG) & (flag::CONNECTED | flag::RING), inputs);
    }
    assert_eq!(uart.write(offset::DATA, 0x55), Effect::None);
    assert_eq!(uart.read(offset::DATA), 0x55);
    let _ = uart.write(offset::INTERRUPT_CLEAR, interrupt::ALL);
    // RI goes, CTS, DSR and DCD come: all four change.
    let _ = uart.write(offset::CONTROL, control::RESET);
    assert_eq!(uart.read(offset::RAW_INTERRUPT), 0b1111);
}

/// One thing that happens to a UART.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(u16),
    Write(u16, u16),
    Receive(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let register = prop_oneof![4 => (0..0x14u16).prop_map(|word| 4 * word), 1 => 0..0x1000u16];
    prop_oneof![
        register.clone().prop_map(Step::Read),
        (register, any::<u16>()).prop_map(|(offset, value)| Step::Write(offset, value)),
        any::<u8>().prop_map(Step::Receive),
    ]
}

proptest! {
    #[test]
    fn no_byte_is_lost_invented_or_reordered(steps in vec_of(step(), 0..200)) {
        let (mut uart, mut waiting) = (Pl011::new(), std::collections::VecDeque::new());
        for step in steps {
            let loopback = uart.control & control::LOOPBACK != 0;
            match step {
                Step::Read(offset) => {
                    let value = uart.read(offset);
                    if offset == offset::DATA {
                        prop_assert_eq!(value & 0xff, u16::from(waiting.pop_front().unwrap_or(0u8)));
                    }
                }
                Step::Write(offset, value) => {
                    let effect = uart.write(offset, value);
                    let sent = (offset == offset::DATA).then_some(value as u8);
                    prop_assert_eq!(effect, match sent.filter(|_| !loopback) {
                        Some(byte) => Effect::Transmit(byte),
                        None => Effect::None,
                    });
                    waiting.extend(sent.filter(|_| loopback && waiting.len() < FIFO_DEPTH));
                }
                Step::Receive(byte) => {
                    let room = waiting.len() < FIFO_DEPTH;
                    prop_assert_eq!(uart.receive(byte), room);
                    waiting.extend(room.then_some(byte));
                }
            }
            prop_assert_eq!(uart.is_drained(), waiting.is_empty());
            prop_assert_eq!(uart.read(offset::FLAG) & flag::RECEIVE_EMPTY != 0, waiting.is_empty());
            prop_assert_eq!(uart.interrupt(), uart.read(offset::MASKED_INTERRUPT) != 0);
            prop_assert_eq!(uart.read(offset::RAW_INTERRUPT) & !interrupt::ALL, 0);
        }
    }
}
