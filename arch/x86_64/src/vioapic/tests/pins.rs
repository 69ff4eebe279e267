//! What a line does to its pin, by trigger mode, mask and remote IRR.

use std::vec::Vec;

use super::{Fired, IoApic, LEVEL, MASKED, REMOTE_IRR, entry, write, write_entry};
use crate::vioapic::PINS;
use crate::vlapic::{Delivery, Destination, Message};

fn fixed(vector: u8, level: bool) -> Option<Message> {
    Some(Message { destination: Destination::Physical(0), delivery: Delivery::Fixed { vector, level } })
}

fn with_entry(pin: u8, low: u32) -> IoApic {
    let mut io_apic = IoApic::new();
    assert_eq!(write_entry(&mut io_apic, pin, low), Fired::NONE);
    io_apic
}

fn pins(fired: Fired) -> Vec<u8> {
    fired.collect()
}

#[test]
fn an_edge_fires_once_for_each_rise() {
    let mut io_apic = with_entry(4, 0x34);
    assert_eq!(io_apic.set_line(4, true), fixed(0x34, false));
    assert_eq!(io_apic.set_line(4, true), None);
    assert_eq!(io_apic.set_line(4, false), None);
    assert_eq!(io_apic.set_line(4, true), fixed(0x34, false));
    assert_eq!(entry(&mut io_apic, 4) & REMOTE_IRR, 0);
    assert_eq!(pins(io_apic.eoi(0x34)), []);
}

#[test]
fn an_edge_on_a_masked_pin_is_lost() {
    let mut io_apic = with_entry(4, MASKED | 0x34);
    assert_eq!(io_apic.set_line(4, true), None);
    assert_eq!(pins(write_entry(&mut io_apic, 4, 0x34)), []);
    assert_eq!(io_apic.set_line(4, false), None);
    assert_eq!(io_apic.set_line(4, true), fixed(0x34, false));
}

#[test]
fn a_level_fires_once_until_its_eoi() {
    let mut io_apic = with_entry(9, LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), fixed(0x39, true));
    assert_eq!(entry(&mut io_apic, 9), LEVEL | REMOTE_IRR | 0x39);
    assert_eq!(io_apic.set_line(9, true), None);
    assert_eq!(io_apic.set_line(9, false), None);
    assert_eq!(io_apic.set_line(9, true), None, "still in flight");
    assert_eq!(pins(io_apic.eoi(0x38)), [], "another vector");
    assert_eq!(pins(io_apic.eoi(0x39)), [9], "asserted again: fires again");
    assert_eq!(io_apic.message(9), fixed(0x39, true));
    assert_eq!(io_apic.set_line(9, false), None);
    assert_eq!(pins(io_apic.eoi(0x39)), []);
    assert_eq!(entry(&mut io_apic, 9) & REMOTE_IRR, 0);
}

#[test]
fn a_level_waits_for_the_unmask() {
    let mut io_apic = with_entry(9, MASKED | LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), None);
    assert_eq!(pins(write_entry(&mut io_apic, 9, LEVEL | 0x39)), [9]);
    assert_eq!(pins(write_entry(&mut io_apic, 9, MASKED | LEVEL | 0x39)), []);
    assert_eq!(entry(&mut io_apic, 9) & REMOTE_IRR, REMOTE_IRR, "masking does not recall it");
    assert_eq!(pins(io_apic.eoi(0x39)), [], "masked: no new one");
    assert_eq!(pins(write_entry(&mut io_apic, 9, LEVEL | 0x39)), [9]);
}

#[test]
fn a_level_negated_while_masked_leaves_no_trace() {
    let mut io_apic = with_entry(9, MASKED | LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), None);
    assert_eq!(io_apic.set_line(9, false), None);
    assert_eq!(pins(write_entry(&mut io_apic, 9, LEVEL | 0x39)), []);
}

#[test]
fn switching_to_edge_and_back_clears_the_remote_irr() {
    let mut io_apic = with_entry(9, LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), fixed(0x39, true));
    assert_eq!(pins(write_entry(&mut io_apic, 9, MASKED | 0x39)), []);
    assert_eq!(pins(write_entry(&mut io_apic, 9, MASKED | LEVEL | 0x39)), []);
    assert_eq!(entry(&mut io_apic, 9) & REMOTE_IRR, 0);
    assert_eq!(pins(write_entry(&mut io_apic, 9, LEVEL | 0x39)), [9]);
}

#[test]
fn pins_that_share_a_vector_end_together() {
    let mut io_apic = IoApic::new();
    for pin in [3, 7, 20] {
        assert_eq!(write_entry(&mut io_apic, pin, LEVEL | 0x50), Fired::NONE);
        assert_eq!(io_apic.set_line(pin, true), fixed(0x50, true));
    }
    assert_eq!(io_apic.set_line(7, false), None);
    assert_eq!(pins(io_apic.write(0x40, 0x50)), [3, 20], "by the EOI register");
}

#[test]
fn a_message_that_nobody_takes_is_tried_again() {
    let mut io_apic = with_entry(9, LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), fixed(0x39, true));
    io_apic.not_accepted(9);
    assert_eq!(entry(&mut io_apic, 9) & REMOTE_IRR, 0);
    assert_eq!(pins(write(&mut io_apic, 0x10 + 2 * 9 + 1, 1 << 24)), [9]);
    io_apic.not_accepted(200);
}

#[test]
fn delivery_and_destination_modes_decode_as_the_table_says() {
    let level = LEVEL | 0x1_0000 & !MASKED;
    let table = [
        (0x0031, Some(Delivery::Fixed { vector: 0x31, level: false })),
        (0x0131 | level, Some(Delivery::LowestPriority { vector: 0x31, level: true })),
        (0x0200, Some(Delivery::Smi)),
        (0x0331, None),
        (0x0400 | level, Some(Delivery::Nmi)),
        (0x0500 | level, Some(Delivery::Init)),
        (0x0631, None),
        (0x0700, Some(Delivery::ExtInt)),
    ];
    for (low, delivery) in table {
        for (high, mode, destination) in [
            (3 << 24, 0, Destination::Physical(3)),
            (3 << 24, 0x800, Destination::Logical(3)),
            (0xff << 24, 0, Destination::Broadcast),
            (0xff << 24, 0x800, Destination::Broadcast),
        ] {
            let mut io_apic = with_entry(2, low | mode);
            assert_eq!(write(&mut io_apic, 0x15, high), Fired::NONE);
            let message = delivery.map(|delivery| Message { destination, delivery });
            assert_eq!(io_apic.set_line(2, true), message, "entry {high:#x}:{low:#x}");
            assert_eq!(io_apic.message(2), message);
        }
    }
}

#[test]
fn a_level_nmi_is_an_edge() {
    let mut io_apic = with_entry(2, LEVEL | 0x400);
    assert!(io_apic.set_line(2, true).is_some());
    assert_eq!(entry(&mut io_apic, 2) & REMOTE_IRR, 0);
    assert_eq!(io_apic.set_line(2, true), None);
}

#[test]
fn pins_that_do_not_exist_do_nothing() {
    let mut io_apic = IoApic::new();
    for pin in PINS..=255 {
        assert_eq!(io_apic.set_line(pin, true), None);
        assert_eq!(io_apic.message(pin), None);
    }
}

#[test]
fn reset_masks_all_and_keeps_the_lines() {
    let mut io_apic = with_entry(9, LEVEL | 0x39);
    assert_eq!(io_apic.set_line(9, true), fixed(0x39, true));
    io_apic.reset();
    assert_eq!(entry(&mut io_apic, 9), MASKED);
    assert_eq!(pins(write_entry(&mut io_apic, 9, LEVEL | 0x41)), [9]);
}
