use core::fmt::Write;

use crate::fake::FakeUart;
use crate::{NotPresent, TransmitTimeout, Uart};

extern crate std;
use std::vec::Vec;

#[test]
fn set_up_for_115200_8n1_without_interrupts() {
    let mut fake =
        FakeUart { interrupt_enable: 0xf, to_receive: b"stale".iter().copied().collect(), ..FakeUart::default() };
    let mut uart = Uart::new(&mut fake).unwrap();
    assert_eq!(uart.try_read(), None);
    assert_eq!(fake.divisor, [1, 0]);
    assert_eq!((fake.line_control, fake.interrupt_enable, fake.modem_control), (0x03, 0, 0x03));
}

#[test]
fn an_empty_bus_is_noticed() {
    let mut fake = FakeUart { absent: true, ..FakeUart::default() };
    assert_eq!(Uart::new(&mut fake).err(), Some(NotPresent));
}

#[test]
fn bytes_are_sent_raw_and_text_with_carriage_returns() {
    let mut fake = FakeUart::default();
    let mut uart = Uart::new(&mut fake).unwrap();
    uart.write(b"raw\n").unwrap();
    write!(uart, "a\nb\n\nc").unwrap();
    assert_eq!(fake.sent, b"raw\na\r\nb\r\n\r\nc");
}

#[test]
fn the_transmitter_is_never_overrun() {
    let text: Vec<u8> = (0..200).collect();
    for without_fifos in [false, true] {
        let mut fake = FakeUart { without_fifos, ..FakeUart::default() };
        Uart::new(&mut fake).unwrap().write(&text).unwrap();
        assert_eq!((fake.overflowed, &fake.sent), (0, &text));
    }
}

#[test]
fn draining_waits_for_the_last_byte() {
    let mut fake = FakeUart::default();
    let mut uart = Uart::new(&mut fake).unwrap();
    uart.write(b"end").unwrap();
    uart.bus_mut().lingering = 5;
    assert_eq!(uart.drain(), Ok(()));
    assert_eq!(uart.bus_mut().lingering, 0);
    uart.bus_mut().jammed = true;
    assert_eq!(uart.drain(), Err(TransmitTimeout));
}

#[test]
fn a_jammed_transmitter_costs_time_only_once() {
    let mut fake = FakeUart { jammed: true, ..FakeUart::default() };
    let mut uart = Uart::new(&mut fake).unwrap();
    assert_eq!(uart.write(b"lost"), Err(TransmitTimeout));
    assert_eq!(uart.write(b"lost too"), Err(TransmitTimeout));
    writeln!(uart, "and this").unwrap();
    assert!(fake.looks < 100_010, "{} looks", fake.looks);
    assert_eq!(fake.sent, b"");
}

#[test]
fn received_bytes_come_in_order() {
    let mut fake = FakeUart::default();
    let mut uart = Uart::new(&mut fake).unwrap();
    uart.bus_mut().to_receive.extend(b"ab");
    assert_eq!([uart.try_read(), uart.try_read(), uart.try_read()], [Some(b'a'), Some(b'b'), None]);
}

#[test]
fn the_receive_interrupt_can_be_switched() {
    let mut fake = FakeUart::default();
    Uart::new(&mut fake).unwrap().enable_receive_interrupt();
    assert_eq!((fake.interrupt_enable, fake.modem_control), (0x01, 0x0b));
    Uart::new(&mut fake).unwrap().disable_interrupts();
    assert_eq!((fake.interrupt_enable, fake.modem_control), (0, 0x03));
}
