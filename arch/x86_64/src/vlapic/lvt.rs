//! The local vector table ("Local Vector Table", figure of the same name).

use super::registers::{LVT_ERROR, LVT_LINT0, LVT_LINT1, LVT_PERFORMANCE, LVT_THERMAL, LVT_TIMER};
use super::{Effect, LocalApic};

/// The mask bit of every entry.
pub(super) const MASKED: u32 = 1 << 16;
/// Delivery status, and remote IRR of the LINT entries: read-only, writes to them are ignored.
const STATUS: u32 = 1 << 12;
const REMOTE_IRR: u32 = 1 << 14;

/// The bits of an entry that a write may set without #GP in x2APIC mode: its fields and its read-only status.
pub(super) const fn defined_bits(register: u8) -> u32 {
    match register {
        LVT_LINT0 | LVT_LINT1 => writable_bits(register) | STATUS | REMOTE_IRR,
        _ => writable_bits(register) | STATUS,
    }
}

/// The fields of an entry that software can change.
const fn writable_bits(register: u8) -> u32 {
    match register {
        LVT_TIMER => 0x0007_00ff,
        LVT_THERMAL | LVT_PERFORMANCE => 0x0001_07ff,
        LVT_LINT0 | LVT_LINT1 => 0x0001_a7ff,
        _ => 0x0001_00ff,
    }
}

impl LocalApic {
    /// Writes an entry; `None` for a register that is none. While software-disabled the mask bit stays set.
    pub(super) fn write_lvt(&mut self, register: u8, value: u32, now: u64) -> Option<Effect> {
        let forced = if self.is_software_enabled() { 0 } else { MASKED };
        let value = value & writable_bits(register) | forced;
        match register {
            LVT_TIMER => return Some(self.program_timer(now, |timer| timer.set_entry(value))),
            LVT_THERMAL..=LVT_ERROR => self.page.set(register, value),
            _ => return None,
        }
        Some(Effect::None)
    }

    /// Sets every mask bit, as clearing the software enable does.
    pub(super) fn mask_lvt(&mut self) {
        self.timer.mask();
        for register in LVT_TIMER..=LVT_ERROR {
            self.page.set(register, self.page.get(register) | MASKED);
        }
    }

    /// The vector of the error entry, `None` while that is masked.
    pub(super) fn error_vector(&self) -> Option<u8> {
        let entry = self.page.get(LVT_ERROR);
        (entry & MASKED == 0).then_some((entry & 0xff) as u8)
    }
}
