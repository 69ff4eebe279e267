//! The IO-APICs of the machine and the old interrupt controllers: all silent, but for the console's line.
//!
//! (IO-APIC: Intel 82093AA data sheet. 8259A: Intel data sheet.)

use phalanx_arch_api::Hpa;

use super::acpi::{InterruptOverride, IoApicEntry, Platform};
use super::interrupts::CONSOLE;
use super::paging::direct_map;
use super::ports::Port;

/// The ISA interrupt of the first serial port.
const COM1_IRQ: u8 = 4;

/// Register numbers.
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;

/// Bits of a redirection entry.
const MASKED: u64 = 1 << 16;
const LEVEL: u64 = 1 << 15;
const ACTIVE_LOW: u64 = 1 << 13;

/// Access to one IO-APIC's registers, through its index and data windows.
struct IoApic(*mut u32);

impl IoApic {
    /// # Safety
    /// The registers are mapped uncached in the direct map, and nobody else uses the IO-APIC meanwhile.
    unsafe fn new(address: Hpa) -> Self {
        Self(direct_map(address).cast())
    }

    fn read(&self, register: u32) -> u32 {
        // SAFETY: see `new`; the index window is at offset 0, the data window at 0x10.
        unsafe {
            self.0.write_volatile(register);
            self.0.add(4).read_volatile()
        }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: see `new`; the entries that are written name vectors with handlers only.
        unsafe {
            self.0.write_volatile(register);
            self.0.add(4).write_volatile(value);
        }
    }

    /// How many pins there are.
    fn pins(&self) -> u32 {
        (self.read(VERSION) >> 16 & 0xff) + 1
    }

    /// Sets a pin's redirection entry, masked while it is between two values.
    fn route(&self, pin: u32, entry: u64) {
        self.write(REDIRECTION + 2 * pin, MASKED as u32);
        self.write(REDIRECTION + 2 * pin + 1, (entry >> 32) as u32);
        self.write(REDIRECTION + 2 * pin, entry as u32);
    }
}

/// Where an ISA interrupt arrives: the override's word, or one to one, edge, active high.
#[must_use]
fn wiring(overrides: &[InterruptOverride], irq: u8) -> InterruptOverride {
    let identity = InterruptOverride { irq, gsi: u32::from(irq), is_active_low: false, is_level: false };
    overrides.iter().find(|wiring| wiring.irq == irq).copied().unwrap_or(identity)
}

/// The redirection entry that delivers an interrupt to one CPU: fixed, physical destination.
#[must_use]
const fn redirection(wiring: InterruptOverride, vector: u8, apic_id: u8) -> u64 {
    let level = if wiring.is_level { LEVEL } else { 0 };
    let polarity = if wiring.is_active_low { ACTIVE_LOW } else { 0 };
    (apic_id as u64) << 56 | level | polarity | vector as u64
}

/// Masks every pin of every IO-APIC, then routes the first serial port to the CPU with this APIC id.
///
/// Returns whether the serial port has an interrupt now; without one, the console must be polled.
///
/// # Safety
/// The IO-APICs' registers are mapped uncached in the direct map; called once, on the boot CPU.
pub(super) unsafe fn set_up(platform: &Platform, apic_id: u32) -> bool {
    let line = wiring(&platform.overrides, COM1_IRQ);
    let mut is_routed = false;
    for IoApicEntry { address, first_gsi } in &platform.io_apics {
        // SAFETY: as for this function.
        let io_apic = unsafe { IoApic::new(*address) };
        let pins = io_apic.pins();
        for pin in 0..pins {
            io_apic.route(pin, MASKED);
        }
        if let (Ok(id), Some(pin)) = (u8::try_from(apic_id), line.gsi.checked_sub(*first_gsi))
            && pin < pins
        {
            io_apic.route(pin, redirection(line, CONSOLE, id));
            is_routed = true;
        }
    }
    is_routed
}

/// Silences the two 8259A, after moving their vectors away from the exceptions: a spurious interrupt cannot be masked.
pub(super) fn mask_legacy_controllers() {
    const FIRST_VECTOR: u8 = 0x20;
    for (command, offset, cascade) in [(0x20_u16, 0_u8, 4_u8), (0xa0, 8, 2)] {
        // SAFETY: the controllers' ports; they only raise interrupts, and each vector has a handler.
        let (command, data) = unsafe { (Port::<u8>::new(command), Port::<u8>::new(command + 1)) };
        command.write(0x11);
        data.write(FIRST_VECTOR + offset);
        data.write(cascade);
        data.write(1);
        data.write(0xff);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isa_interrupts_are_one_to_one_unless_overridden() {
        let timer = InterruptOverride { irq: 0, gsi: 2, is_active_low: false, is_level: false };
        let sci = InterruptOverride { irq: 9, gsi: 9, is_active_low: true, is_level: true };
        assert_eq!(wiring(&[timer, sci], 0).gsi, 2);
        assert_eq!(wiring(&[timer, sci], 4), InterruptOverride { irq: 4, gsi: 4, ..timer });
        assert_eq!(redirection(wiring(&[sci], 9), 0x30, 3), 3 << 56 | 1 << 15 | 1 << 13 | 0x30);
        assert_eq!(redirection(wiring(&[], 4), CONSOLE, 0), u64::from(CONSOLE));
    }
}
