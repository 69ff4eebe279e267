//! The IO-APIC against its datasheet.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod model;
mod pins;
mod registers;

use super::{Fired, IoApic};

const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const REMOTE_IRR: u32 = 1 << 14;

/// Writes an indirect register.
fn write(io_apic: &mut IoApic, index: u8, value: u32) -> Fired {
    assert_eq!(io_apic.write(0x00, u32::from(index)), Fired::NONE);
    io_apic.write(0x10, value)
}

/// Reads an indirect register.
fn read(io_apic: &mut IoApic, index: u8) -> u32 {
    assert_eq!(io_apic.write(0x00, u32::from(index)), Fired::NONE);
    io_apic.read(0x10)
}

fn write_entry(io_apic: &mut IoApic, pin: u8, low: u32) -> Fired {
    write(io_apic, 0x10 + 2 * pin, low)
}

fn entry(io_apic: &mut IoApic, pin: u8) -> u32 {
    read(io_apic, 0x10 + 2 * pin)
}
