//! One entry of the redirection table (82093AA, "I/O Redirection Table Registers").

use crate::vlapic::{Delivery, Destination, Message};

const LOGICAL: u32 = 1 << 11;
const REMOTE_IRR: u32 = 1 << 14;
const LEVEL: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;
/// Vector, delivery mode, destination mode, polarity, trigger mode, mask. Delivery status and remote IRR are read-only.
const LOW_WRITABLE: u32 = 0x0001_afff & !(1 << 12);
const HIGH_WRITABLE: u32 = 0xff00_0000;

/// The two halves as software wrote them; the remote IRR bit is kept by the IO-APIC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    low: u32,
    high: u32,
}

impl Entry {
    /// Masked, all else zero.
    pub(super) const RESET: Self = Self { low: MASKED, high: 0 };

    /// Bits 31:0, with the remote IRR bit that the IO-APIC knows.
    pub(super) const fn low(self, remote_irr: bool) -> u32 {
        self.low | if remote_irr { REMOTE_IRR } else { 0 }
    }

    /// Bits 63:32.
    pub(super) const fn high(self) -> u32 {
        self.high
    }

    pub(super) const fn set_low(&mut self, value: u32) {
        self.low = value & LOW_WRITABLE;
    }

    pub(super) const fn set_high(&mut self, value: u32) {
        self.high = value & HIGH_WRITABLE;
    }

    pub(super) const fn vector(self) -> u8 {
        (self.low & 0xff) as u8
    }

    pub(super) const fn is_masked(self) -> bool {
        self.low & MASKED != 0
    }

    const fn delivery_mode(self) -> u32 {
        self.low >> 8 & 7
    }

    /// Level-triggered; only fixed and lowest-priority interrupts are ("Delivery Mode": all others are edge).
    pub(super) const fn is_level(self) -> bool {
        self.low & LEVEL != 0 && self.delivery_mode() <= 1
    }

    /// The message that this entry sends; `None` for a reserved delivery mode.
    pub(super) const fn message(self) -> Option<Message> {
        let vector = self.vector();
        let level = self.is_level();
        let delivery = match self.delivery_mode() {
            0 => Delivery::Fixed { vector, level },
            1 => Delivery::LowestPriority { vector, level },
            2 => Delivery::Smi,
            4 => Delivery::Nmi,
            5 => Delivery::Init,
            7 => Delivery::ExtInt,
            _ => return None,
        };
        let destination = Destination::from_8_bits(self.low & LOGICAL != 0, (self.high >> 24 & 0xff) as u8);
        Some(Message { destination, delivery })
    }
}
