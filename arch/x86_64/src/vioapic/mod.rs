//! The virtual IO-APIC (Intel 82093AA datasheet; Intel I/O Controller Hub datasheets, "Advanced Programmable Interrupt
//! Controller", for the EOI register).
//!
//! 24 pins; a domain has one, shared by its vCPUs under a lock of the caller's. Version 20H: it has the EOI register,
//! which belongs with the local APIC's EOI-broadcast suppression, and which Linux and others use where present.
//! Polarity is kept but has no effect: devices give logical assertion.
//!
//! Calls that can cause interrupts return the pins that fired; the caller sends [`IoApic::message`] of each:
//! ```text
//! line ──▶ set_line ─┐
//! guest ─▶ write ────┼─▶ Fired (pins) ──▶ message(pin) ──▶ resolve ──▶ Inbox::deliver
//! EOI ───▶ eoi ──────┘                                        └─ nobody? ──▶ not_accepted(pin)
//! ```
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod entry;
mod registers;

#[cfg(test)]
mod tests;

use crate::vlapic::Message;
use entry::Entry;

/// The number of pins, and of redirection entries.
pub const PINS: u8 = 24;

/// An IO-APIC with its lines.
#[derive(Clone, Debug)]
pub struct IoApic {
    entries: [Entry; PINS as usize],
    /// Pins whose line is asserted.
    lines: u32,
    /// Pins whose level-triggered interrupt is in flight: the remote IRR bits.
    in_flight: u32,
    /// IOREGSEL.
    select: u8,
    /// Bits 27:24 of the ID register.
    id: u8,
}

/// Pins whose entries are to be sent now, in ascending order.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired(u32);

impl Fired {
    /// No pin.
    pub const NONE: Self = Self(0);

    /// Whether there is nothing to send.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Fired {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let lowest = (self.0.trailing_zeros() & 31) as u8;
        self.0 &= self.0.checked_sub(1)?;
        Some(lowest)
    }
}

impl IoApic {
    /// An IO-APIC after reset: all entries masked, all lines low, ID 0.
    pub const fn new() -> Self {
        Self { entries: [Entry::RESET; PINS as usize], lines: 0, in_flight: 0, select: 0, id: 0 }
    }

    /// Reset: as new, but the lines stay as the devices hold them.
    pub fn reset(&mut self) {
        *self = Self { lines: self.lines, ..Self::new() };
    }

    /// A device asserts or negates its line. The message to send when that fires the pin.
    ///
    /// Redirection table, "Interrupt Mask": an edge on a masked pin is lost; an asserted level waits for the unmask.
    #[inline]
    pub fn set_line(&mut self, pin: u8, asserted: bool) -> Option<Message> {
        let entry = *self.entry(pin)?;
        let bit = 1 << pin;
        let rises = asserted && self.lines & bit == 0;
        self.lines = if asserted { self.lines | bit } else { self.lines & !bit };
        if entry.is_level() {
            return if self.fire_level(pin).is_empty() { None } else { entry.message() };
        }
        if rises && !entry.is_masked() { entry.message() } else { None }
    }

    /// The end of a level-triggered interrupt with `vector`: an EOI broadcast or a write of the EOI register.
    ///
    /// Clears the remote IRR of each entry with that vector; those whose line is still asserted fire again.
    #[inline]
    pub fn eoi(&mut self, vector: u8) -> Fired {
        let mut again = 0;
        for pin in Fired(self.in_flight) {
            if self.entry(pin).is_some_and(|entry| entry.vector() == vector) {
                self.in_flight &= !(1 << pin);
                again |= self.fire_level(pin).0;
            }
        }
        Fired(again)
    }

    /// What the entry of a fired `pin` sends; `None` for reserved delivery modes and pins that do not exist.
    #[inline]
    pub fn message(&self, pin: u8) -> Option<Message> {
        self.entry(pin)?.message()
    }

    /// No local APIC took the message of `pin`: it is not in flight, and is tried again when its entry or line changes.
    pub fn not_accepted(&mut self, pin: u8) {
        self.in_flight &= !1_u32.checked_shl(u32::from(pin)).unwrap_or(0);
    }

    /// Fires a level-triggered pin if it is asserted, unmasked and not in flight.
    fn fire_level(&mut self, pin: u8) -> Fired {
        let Some(entry) = self.entry(pin) else {
            return Fired::NONE;
        };
        let bit = 1 << pin;
        let ready = entry.is_level() && !entry.is_masked() && entry.message().is_some();
        if !ready || self.lines & !self.in_flight & bit == 0 {
            return Fired::NONE;
        }
        self.in_flight |= bit;
        Fired(bit)
    }

    fn entry(&self, pin: u8) -> Option<&Entry> {
        self.entries.get(usize::from(pin))
    }
}

impl Default for IoApic {
    fn default() -> Self {
        Self::new()
    }
}
