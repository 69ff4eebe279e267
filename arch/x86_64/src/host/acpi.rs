//! What the firmware's tables say about CPUs, interrupts and clocks (ACPI 6.5, chapter 5).
//!
//! Only fixed tables are read: RSDP, then XSDT or RSDT, then MADT and FADT. Every length is checked against the table
//! that it stands in and every table against its checksum; nothing here allocates, panics or loops on bad input.

use core::fmt;

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;

pub use super::acpi_tables::{InterruptOverride, IoApicEntry, PmTimer, ResetRegister};
use super::acpi_tables::{read_fadt, read_madt};
use super::percpu::MAX_CPUS;

/// A table longer than this is not believed.
const LONGEST_TABLE: usize = 1 << 20;
/// Bytes of the header that all tables begin with.
pub(super) const HEADER: usize = 36;

/// Which table an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Root system description pointer.
    Rsdp,
    /// Root or extended system description table.
    Root,
    /// Multiple APIC description table.
    Madt,
    /// Fixed ACPI description table.
    Fadt,
}

/// Why the tables cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiError {
    /// The table is not in memory that the loader mapped, or its length is absurd.
    OutOfReach(Table),
    /// The signature is not that of the table.
    BadSignature(Table),
    /// The bytes do not add up to 0.
    BadChecksum(Table),
    /// The table ends within a field or an entry.
    Truncated(Table),
    /// There is no such table.
    Missing(Table),
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsdp => "RSDP",
            Self::Root => "RSDT or XSDT",
            Self::Madt => "MADT",
            Self::Fadt => "FADT",
        })
    }
}

impl fmt::Display for AcpiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfReach(table) => write!(f, "the ACPI table {table} is outside of the first 4 GiB or too long"),
            Self::BadSignature(table) => {
                write!(f, "the ACPI table {table} does not have its signature")
            }
            Self::BadChecksum(table) => write!(f, "the ACPI table {table} has a wrong checksum"),
            Self::Truncated(table) => {
                write!(f, "the ACPI table {table} is too short for what it holds")
            }
            Self::Missing(table) => write!(f, "there is no ACPI table {table}"),
        }
    }
}

/// The machine as the tables describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platform {
    /// Local APIC ids of the CPUs that are enabled.
    pub apic_ids: ArrayVec<u32, MAX_CPUS>,
    /// Enabled CPUs beyond [`MAX_CPUS`].
    pub ignored_cpus: usize,
    /// IO-APICs.
    pub io_apics: ArrayVec<IoApicEntry, 16>,
    /// ISA interrupts that are not wired one to one.
    pub overrides: ArrayVec<InterruptOverride, 16>,
    /// The ACPI PM timer.
    pub pm_timer: Option<PmTimer>,
    /// How to reset the machine.
    pub reset: Option<ResetRegister>,
}

/// Physical memory in which tables may be.
pub trait Firmware {
    /// The bytes at `start`; `None` where they cannot be reached.
    fn bytes(&self, start: Hpa, length: usize) -> Option<&[u8]>;
}

/// Reads the tables that the RSDP at `rsdp` leads to.
///
/// # Errors
/// See [`AcpiError`]. A MADT is required; an absent FADT is not an error.
pub fn read(firmware: &impl Firmware, rsdp: Hpa) -> Result<Platform, AcpiError> {
    let (root, width) = find_root(firmware, rsdp)?;
    let mut platform = Platform::default();
    let mut has_madt = false;
    for entry in root[HEADER..].chunks_exact(width) {
        let address = Hpa::new(little_endian(entry));
        match firmware.bytes(address, 4) {
            Some(b"APIC") => {
                has_madt = true;
                read_madt(table(firmware, address, b"APIC", Table::Madt)?, &mut platform)?;
            }
            Some(b"FACP") => read_fadt(table(firmware, address, b"FACP", Table::Fadt)?, &mut platform)?,
            _ => {}
        }
    }
    if has_madt { Ok(platform) } else { Err(AcpiError::Missing(Table::Madt)) }
}

/// The root table, and the width of its entries in bytes (5.2.5.3).
fn find_root(firmware: &impl Firmware, rsdp: Hpa) -> Result<(&[u8], usize), AcpiError> {
    const V1_LENGTH: usize = 20;
    const V2_LENGTH: usize = 36;
    let first = firmware.bytes(rsdp, V1_LENGTH).ok_or(AcpiError::OutOfReach(Table::Rsdp))?;
    if &first[..8] != b"RSD PTR " {
        return Err(AcpiError::BadSignature(Table::Rsdp));
    }
    check_sum(first, Table::Rsdp)?;
    if first[15] >= 2 {
        let whole = firmware.bytes(rsdp, V2_LENGTH).ok_or(AcpiError::OutOfReach(Table::Rsdp))?;
        check_sum(whole, Table::Rsdp)?;
        let xsdt = little_endian(&whole[24..32]);
        if xsdt != 0 {
            return Ok((table(firmware, Hpa::new(xsdt), b"XSDT", Table::Root)?, 8));
        }
    }
    let rsdt = Hpa::new(little_endian(&first[16..20]));
    Ok((table(firmware, rsdt, b"RSDT", Table::Root)?, 4))
}

/// A whole table with a valid header: at least [`HEADER`] bytes.
fn table<'a>(firmware: &'a impl Firmware, at: Hpa, signature: &[u8; 4], kind: Table) -> Result<&'a [u8], AcpiError> {
    let header = firmware.bytes(at, HEADER).ok_or(AcpiError::OutOfReach(kind))?;
    if &header[..4] != signature {
        return Err(AcpiError::BadSignature(kind));
    }
    let length = little_endian(&header[4..8]) as usize;
    if length < HEADER {
        return Err(AcpiError::Truncated(kind));
    }
    if length > LONGEST_TABLE {
        return Err(AcpiError::OutOfReach(kind));
    }
    let whole = firmware.bytes(at, length).ok_or(AcpiError::OutOfReach(kind))?;
    check_sum(whole, kind)?;
    Ok(whole)
}

fn check_sum(bytes: &[u8], kind: Table) -> Result<(), AcpiError> {
    let sum = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    if sum == 0 { Ok(()) } else { Err(AcpiError::BadChecksum(kind)) }
}

/// A little-endian number of at most eight bytes.
pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
