//! The registers, direct and indirect (82093AA, "Register Description").

use super::{Fired, IoApic, PINS};

/// IOREGSEL: selects the indirect register.
const SELECT: u16 = 0x00;
/// IOWIN: the selected register.
const WINDOW: u16 = 0x10;
/// EOI: ends the interrupt with the vector written (write-only; I/O Controller Hub).
const EOI: u16 = 0x40;

const INDEX_ID: u8 = 0;
const INDEX_VERSION: u8 = 1;
const INDEX_ARBITRATION: u8 = 2;
const INDEX_TABLE: u8 = 0x10;

/// Version 20H; bits 23:16 hold the highest entry.
const VERSION_VALUE: u32 = 0x20 | (PINS as u32 - 1) << 16;

impl IoApic {
    /// Reads the direct register at `offset` of the page; zero where there is none.
    pub fn read(&self, offset: u16) -> u32 {
        match offset {
            SELECT => u32::from(self.select),
            WINDOW => self.read_indirect(),
            _ => 0,
        }
    }

    /// Writes the direct register at `offset` of the page; ignored where there is none.
    pub fn write(&mut self, offset: u16, value: u32) -> Fired {
        match offset {
            SELECT => self.select = (value & 0xff) as u8,
            WINDOW => return self.write_indirect(value),
            EOI => return self.eoi((value & 0xff) as u8),
            _ => {}
        }
        Fired::NONE
    }

    fn read_indirect(&self) -> u32 {
        match self.select {
            // The arbitration ID is loaded with the ID whenever that is written.
            INDEX_ID | INDEX_ARBITRATION => u32::from(self.id) << 24,
            INDEX_VERSION => VERSION_VALUE,
            _ => self.read_entry().unwrap_or(0),
        }
    }

    fn write_indirect(&mut self, value: u32) -> Fired {
        if self.select == INDEX_ID {
            self.id = (value >> 24 & 0xf) as u8;
        }
        self.write_entry(value).unwrap_or(Fired::NONE)
    }

    fn read_entry(&self) -> Option<u32> {
        let (pin, high) = self.selected_entry()?;
        let entry = self.entry(pin)?;
        let remote_irr = self.in_flight >> pin & 1 != 0;
        Some(if high { entry.high() } else { entry.low(remote_irr) })
    }

    /// Writes one half of an entry. A level that waits fires when the write lets it through; an edge entry has no
    /// remote IRR, so that switching to edge and back clears a stuck one.
    fn write_entry(&mut self, value: u32) -> Option<Fired> {
        let (pin, high) = self.selected_entry()?;
        let entry = self.entries.get_mut(usize::from(pin))?;
        if high {
            entry.set_high(value)
        } else {
            entry.set_low(value)
        }
        if !entry.is_level() {
            self.in_flight &= !(1 << pin);
        }
        Some(self.fire_level(pin))
    }

    /// The pin, and whether the upper half is meant. `None` when IOREGSEL names no entry.
    fn selected_entry(&self) -> Option<(u8, bool)> {
        let offset = self.select.checked_sub(INDEX_TABLE)?;
        let pin = offset >> 1;
        (pin < PINS).then_some((pin, offset & 1 != 0))
    }
}
