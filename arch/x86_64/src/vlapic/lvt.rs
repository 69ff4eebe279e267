//! The local vector table ("Local Vector Table", figure of the same name).

use super::registers::{LVT_ERROR, LVT_LINT0, LVT_LINT1, LVT_PERFORMANCE, LVT_THERMAL, LVT_TIMER};
use super::timer::TimerMode;
use super::{Effect, LocalApic};

/// The mask bit of every entry.
const MASKED: u32 = 1 << 16;
/// Delivery status, and remote IRR of the LINT entries: read-only, writes to them are ignored.
const STATUS: u32 = 1 << 12;
const REMOTE_IRR: u32 = 1 << 14;
/// Delivery mode (bits 10:8) NMI.
const MODE_MASK: u32 = 7 << 8;
const MODE_FIXED: u32 = 0;
const MODE_NMI: u32 = 4 << 8;

/// The six entries, each as software reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalVectors {
    timer: u32,
    thermal: u32,
    performance: u32,
    lint0: u32,
    lint1: u32,
    error: u32,
}

impl LocalVectors {
    /// All masked, all else zero.
    pub(super) const RESET: Self =
        Self { timer: MASKED, thermal: MASKED, performance: MASKED, lint0: MASKED, lint1: MASKED, error: MASKED };

    /// Reads an entry; `None` for a register that is none.
    pub(super) const fn read(&self, register: u8) -> Option<u32> {
        Some(match register {
            LVT_TIMER => self.timer,
            LVT_THERMAL => self.thermal,
            LVT_PERFORMANCE => self.performance,
            LVT_LINT0 => self.lint0,
            LVT_LINT1 => self.lint1,
            LVT_ERROR => self.error,
            _ => return None,
        })
    }

    fn entry(&mut self, register: u8) -> Option<&mut u32> {
        Some(match register {
            LVT_TIMER => &mut self.timer,
            LVT_THERMAL => &mut self.thermal,
            LVT_PERFORMANCE => &mut self.performance,
            LVT_LINT0 => &mut self.lint0,
            LVT_LINT1 => &mut self.lint1,
            LVT_ERROR => &mut self.error,
            _ => return None,
        })
    }

    /// Sets every mask bit, as clearing the software enable does.
    pub(super) fn mask_all(&mut self) {
        let all = [
            &mut self.timer,
            &mut self.thermal,
            &mut self.performance,
            &mut self.lint0,
            &mut self.lint1,
            &mut self.error,
        ];
        for entry in all {
            *entry |= MASKED;
        }
    }

    pub(super) const fn timer_is_masked(&self) -> bool {
        self.timer & MASKED != 0
    }

    pub(super) const fn timer_vector(&self) -> u8 {
        (self.timer & 0xff) as u8
    }

    pub(super) const fn error_is_masked(&self) -> bool {
        self.error & MASKED != 0
    }

    pub(super) const fn error_vector(&self) -> u8 {
        (self.error & 0xff) as u8
    }
}

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
        if register == LVT_TIMER {
            return Some(self.change_timer(now, |apic| {
                apic.lvt.timer = value;
                apic.timer.set_mode(TimerMode::from_lvt(value));
            }));
        }
        *self.lvt.entry(register)? = value;
        Some(Effect::None)
    }

    /// An NMI arrived on the LINT1 pin, where a PC wires it; true when the processor is to take an NMI.
    ///
    /// An entry programmed as fixed posts its vector instead. A disabled APIC passes the pin through as NMI.
    pub fn lint1_nmi(&mut self) -> bool {
        if self.mode == super::Mode::Disabled {
            return true;
        }
        let entry = self.lvt.lint1;
        if entry & MASKED != 0 {
            return false;
        }
        if entry & MODE_MASK == MODE_FIXED {
            self.accept((entry & 0xff) as u8, false);
        }
        entry & MODE_MASK == MODE_NMI
    }
}
