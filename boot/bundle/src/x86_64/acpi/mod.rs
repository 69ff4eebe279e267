//! The ACPI tables of the virtual PC (ACPI Specification 6.5): RSDP, XSDT, FADT, FACS, MADT, DSDT.

mod dsdt;
mod fadt;
mod madt;

use acpi_tables::Aml;
use acpi_tables::facs::FACS;
use acpi_tables::rsdp::Rsdp;
use acpi_tables::xsdt::XSDT;

use crate::program::{About, Refusal};
use crate::ram::Ram;
use crate::x86_64::layout::ACPI;

const OEM: [u8; 6] = *b"PHALNX";
const OEM_TABLE: [u8; 8] = *b"PHALANX ";
const OEM_REVISION: u32 = 1;
/// The FACS must lie on a multiple of 64; all other tables are content with it.
const ALIGNMENT: usize = 64;

/// Puts the tables for `vcpus` processors into RAM, the RSDP first, at [`ACPI`].
pub(crate) fn place(ram: &mut Ram, vcpus: u32) -> Result<(), Refusal> {
    ram.place(About::Memory, "the ACPI tables", ACPI, tables(vcpus))
}

/// Tables one after the other; each knows where it will be.
fn tables(vcpus: u32) -> Vec<u8> {
    let mut area = vec![0; Rsdp::len()];
    let facs = append(&mut area, &FACS::new());
    let dsdt = append(&mut area, &dsdt::table(vcpus));
    let fadt = append(&mut area, &fadt::table(facs, dsdt));
    let madt = append(&mut area, &madt::table(vcpus));
    let mut xsdt = XSDT::new(OEM, OEM_TABLE, OEM_REVISION);
    xsdt.add_entry(fadt.into());
    xsdt.add_entry(madt.into());
    let xsdt = append(&mut area, &xsdt);
    let mut rsdp = Vec::new();
    Rsdp::new(OEM, xsdt.into()).to_aml_bytes(&mut rsdp);
    area[..rsdp.len()].copy_from_slice(&rsdp);
    area
}

/// Appends a table and returns its physical address.
fn append(area: &mut Vec<u8>, table: &dyn Aml) -> u32 {
    area.resize(area.len().next_multiple_of(ALIGNMENT), 0);
    let address = ACPI as u32 + area.len() as u32;
    table.to_aml_bytes(area);
    address
}

#[cfg(test)]
mod tests;
