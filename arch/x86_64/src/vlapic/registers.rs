//! The registers by number ("Local APIC Register Address Map"; x2APIC: "x2APIC Register Address Space").
//!
//! A number is the xAPIC offset divided by 16, and the x2APIC MSR index less 800H.

use super::{LocalApic, Mode, SVR_RESET, lvt};

pub(super) const ID: u8 = 0x02;
pub(super) const VERSION: u8 = 0x03;
pub(super) const TPR: u8 = 0x08;
/// Arbitration priority: not on processors since the Pentium 4; an access is no error.
pub(super) const APR: u8 = 0x09;
pub(super) const PPR: u8 = 0x0a;
pub(super) const EOI: u8 = 0x0b;
/// Remote read: not on processors since the Pentium 4; an access is no error.
pub(super) const RRD: u8 = 0x0c;
pub(super) const LDR: u8 = 0x0d;
pub(super) const DFR: u8 = 0x0e;
pub(super) const SVR: u8 = 0x0f;
pub(super) const ISR: u8 = 0x10;
pub(super) const TMR: u8 = 0x18;
pub(super) const IRR: u8 = 0x20;
pub(super) const IRR_LAST: u8 = 0x27;
pub(super) const ESR: u8 = 0x28;
pub(super) const ICR_LOW: u8 = 0x30;
pub(super) const ICR_HIGH: u8 = 0x31;
pub(super) const LVT_TIMER: u8 = 0x32;
pub(super) const LVT_THERMAL: u8 = 0x33;
pub(super) const LVT_PERFORMANCE: u8 = 0x34;
pub(super) const LVT_LINT0: u8 = 0x35;
pub(super) const LVT_LINT1: u8 = 0x36;
pub(super) const LVT_ERROR: u8 = 0x37;
pub(super) const INITIAL_COUNT: u8 = 0x38;
pub(super) const CURRENT_COUNT: u8 = 0x39;
pub(super) const DIVIDE: u8 = 0x3e;
pub(super) const SELF_IPI: u8 = 0x3f;

/// Version 14H, highest LVT entry 5 (no CMCI), EOI-broadcast suppression ("Local APIC Version Register").
const VERSION_VALUE: u32 = 0x14 | 5 << 16 | 1 << 24;

/// The bits that a 32-bit register takes in x2APIC mode; a write of any other raises #GP.
pub(super) const fn x2apic_bits(register: u8) -> u32 {
    match register {
        TPR => 0xff,
        SVR => super::SVR_WRITABLE,
        LVT_TIMER..=LVT_ERROR => lvt::defined_bits(register),
        INITIAL_COUNT => u32::MAX,
        DIVIDE => 0b1011,
        // The ESR takes zero only.
        _ => 0,
    }
}

impl LocalApic {
    /// Reads a register that both modes have; `None` for all others.
    #[inline]
    pub(super) fn read_register(&self, register: u8, now: u64) -> Option<u32> {
        Some(match register {
            ID | VERSION | TPR | PPR | LDR | SVR | ISR..=IRR_LAST | ESR | ICR_LOW => self.page.get(register),
            LVT_TIMER..=INITIAL_COUNT | DIVIDE => self.page.get(register),
            CURRENT_COUNT => self.timer.current_count(now),
            _ => return None,
        })
    }

    /// What the ID register shows: 8 bits in xAPIC mode, 32 in x2APIC mode.
    pub(super) const fn id_register(&self) -> u32 {
        match self.mode {
            Mode::X2Apic => self.id,
            _ => self.id << 24,
        }
    }

    /// The LDR of x2APIC mode ("Deriving Logical x2APIC ID from the Local x2APIC ID").
    const fn x2apic_ldr(&self) -> u32 {
        self.id >> 4 << 16 | 1 << (self.id & 0xf)
    }

    /// Changes the mode, and with it what depends on it.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.page.set(ID, self.id_register());
        if mode == Mode::X2Apic {
            self.page.set(LDR, self.x2apic_ldr());
        }
    }

    /// The registers after RESET ("Local APIC State After Power-Up or Reset").
    pub(super) fn reset_page(&self) {
        self.page.clear();
        self.page.set(ID, self.id_register());
        self.page.set(VERSION, VERSION_VALUE);
        self.page.set(DFR, u32::MAX);
        self.page.set(SVR, SVR_RESET);
        for register in LVT_TIMER..=LVT_ERROR {
            self.page.set(register, lvt::MASKED);
        }
    }
}
