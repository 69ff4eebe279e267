//! DSDT: the devices that no bus announces, and how to power off (ACPI 6.5, 5.2.11 and 7.4.2.6).

use acpi_tables::Aml;
use acpi_tables::aml::{Device, EISAName, IO, Interrupt, Name, Package, Path, ResourceTemplate, Scope, ZERO};
use acpi_tables::sdt::Sdt;

use super::{OEM, OEM_REVISION, OEM_TABLE};
use crate::x86_64::layout::{COM1_IRQ, COM1_PORT};

/// Length of a table header in bytes.
const HEADER: u32 = 36;
/// From revision 2 on, integers of the byte code have 64 bits.
const REVISION: u8 = 2;
/// What the PM1 control register takes as sleep type to power off.
const POWER_OFF: u8 = 5;
/// Ports of the real-time clock.
const CMOS_PORT: u16 = 0x70;

/// The table for `vcpus` processors.
pub(super) fn table(vcpus: u32) -> Sdt {
    let mut code = Vec::new();
    let sleep = Package::new(vec![&POWER_OFF, &POWER_OFF, &0u8, &0u8]);
    Name::new(Path::new("_S5_"), &sleep).to_aml_bytes(&mut code);
    serial_port(&mut code);
    clock(&mut code);
    (0..vcpus).for_each(|index| processor(&mut code, index));
    let mut table = Sdt::new(*b"DSDT", HEADER, REVISION, OEM, OEM_TABLE, OEM_REVISION);
    table.append_slice(&code);
    table
}

/// COM1: a 16550 with eight ports and an edge-triggered, active-high interrupt.
fn serial_port(code: &mut Vec<u8>) {
    let ports = IO::new(COM1_PORT, COM1_PORT, 1, 8);
    let interrupt = Interrupt::new(true, true, false, false, COM1_IRQ);
    let resources = ResourceTemplate::new(vec![&ports, &interrupt]);
    device(code, "COM1", &EISAName::new("PNP0501"), &ZERO, &resources);
}

/// The real-time clock; it raises no interrupt.
fn clock(code: &mut Vec<u8>) {
    let ports = IO::new(CMOS_PORT, CMOS_PORT, 1, 2);
    let resources = ResourceTemplate::new(vec![&ports]);
    device(code, "RTC_", &EISAName::new("PNP0B00"), &ZERO, &resources);
}

fn device(code: &mut Vec<u8>, name: &str, id: &dyn Aml, unique: &dyn Aml, resources: &dyn Aml) {
    let id = Name::new(Path::new("_HID"), id);
    let unique = Name::new(Path::new("_UID"), unique);
    let resources = Name::new(Path::new("_CRS"), resources);
    let device = Device::new(Path::new(name), vec![&id, &unique, &resources]);
    Scope::new(Path::new("_SB_"), vec![&device]).to_aml_bytes(code);
}

/// A processor, named by the same number as in the MADT (8.4).
fn processor(code: &mut Vec<u8>, index: u32) {
    let id = Name::new(Path::new("_HID"), &"ACPI0007");
    let unique = Name::new(Path::new("_UID"), &index);
    let name = format!("C{index:03X}");
    let device = Device::new(Path::new(&name), vec![&id, &unique]);
    Scope::new(Path::new("_SB_"), vec![&device]).to_aml_bytes(code);
}
