//! The two tables that matter: MADT (ACPI 6.5, 5.2.12) and FADT (5.2.9).

use phalanx_arch_api::Hpa;

use super::acpi::{AcpiError, HEADER, Platform, Table, little_endian};

/// An IO-APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApicEntry {
    /// Its registers.
    pub address: Hpa,
    /// The global system interrupt of its first pin.
    pub first_gsi: u32,
}

/// An ISA interrupt that is wired to another global system interrupt, or in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterruptOverride {
    /// ISA interrupt.
    pub irq: u8,
    /// Where it is wired.
    pub gsi: u32,
    /// Active low, not high.
    pub is_active_low: bool,
    /// Level-triggered, not edge.
    pub is_level: bool,
}

/// The ACPI PM timer: 3.579545 MHz at an I/O port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmTimer {
    /// Port, read as 32 bits.
    pub port: u16,
    /// 32 bits count, not 24.
    pub is_32_bit: bool,
}

/// The register that resets the machine, where it is an I/O port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetRegister {
    /// Port, written as 8 bits.
    pub port: u16,
    /// What to write.
    pub value: u8,
}

/// Takes what the MADT says into `platform`. Entries of unknown kinds are skipped.
pub(super) fn read_madt(madt: &[u8], platform: &mut Platform) -> Result<(), AcpiError> {
    const TRUNCATED: AcpiError = AcpiError::Truncated(Table::Madt);
    let mut rest = madt.get(HEADER + 8..).ok_or(TRUNCATED)?;
    while !rest.is_empty() {
        let length = usize::from(*rest.get(1).ok_or(TRUNCATED)?);
        if length < 2 || length > rest.len() {
            return Err(TRUNCATED);
        }
        let (entry, after) = rest.split_at(length);
        read_madt_entry(entry, platform).ok_or(TRUNCATED)?;
        rest = after;
    }
    Ok(())
}

/// One entry; `None` where it is too short for its kind.
fn read_madt_entry(entry: &[u8], platform: &mut Platform) -> Option<()> {
    let number = |from: usize, bytes: usize| entry.get(from..from + bytes).map(little_endian);
    match entry[0] {
        0 => add_cpu(number(3, 1)? as u32, number(4, 4)?, platform),
        1 => {
            let io_apic = IoApicEntry { address: Hpa::new(number(4, 4)?), first_gsi: number(8, 4)? as u32 };
            let _ = platform.io_apics.try_push(io_apic);
        }
        2 => {
            let flags = number(8, 2)?;
            let wiring = InterruptOverride {
                irq: number(3, 1)? as u8,
                gsi: number(4, 4)? as u32,
                is_active_low: flags & 0b11 == 0b11,
                is_level: flags >> 2 & 0b11 == 0b11,
            };
            let _ = platform.overrides.try_push(wiring);
        }
        9 => add_cpu(number(4, 4)? as u32, number(8, 4)?, platform),
        _ => {}
    }
    Some(())
}

/// Adds a CPU if it is enabled and not known by the other kind of entry already.
fn add_cpu(apic_id: u32, flags: u64, platform: &mut Platform) {
    const ENABLED: u64 = 1;
    if flags & ENABLED == 0 || platform.apic_ids.contains(&apic_id) {
        return;
    }
    if platform.apic_ids.try_push(apic_id).is_err() {
        platform.ignored_cpus += 1;
    }
}

/// Takes what the FADT says into `platform`. Fields that an old, short FADT does not have count as 0.
pub(super) fn read_fadt(fadt: &[u8], platform: &mut Platform) -> Result<(), AcpiError> {
    const TIMER_IS_32_BIT: u64 = 1 << 8;
    const HAS_RESET: u64 = 1 << 10;
    const IO_SPACE: u64 = 1;
    let number = |from: usize, bytes: usize| fadt.get(from..from + bytes).map(little_endian).unwrap_or_default();
    if fadt.len() < 116 {
        return Err(AcpiError::Truncated(Table::Fadt));
    }
    let flags = number(112, 4);
    let extended = if number(208, 1) == IO_SPACE { number(212, 8) } else { 0 };
    let port = if extended != 0 { extended } else { number(76, 4) };
    platform.pm_timer = u16::try_from(port)
        .ok()
        .filter(|&port| port != 0)
        .map(|port| PmTimer { port, is_32_bit: flags & TIMER_IS_32_BIT != 0 });
    if flags & HAS_RESET != 0 && number(116, 1) == IO_SPACE {
        let value = number(128, 1) as u8;
        platform.reset = u16::try_from(number(120, 8)).ok().map(|port| ResetRegister { port, value });
    }
    Ok(())
}
