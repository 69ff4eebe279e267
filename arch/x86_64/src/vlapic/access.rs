//! Register writes, and the memory-mapped page of xAPIC mode ("Local APIC Register Address Map").

use super::errors::ILLEGAL_REGISTER;
use super::registers::{
    APR, CURRENT_COUNT, DFR, DIVIDE, EOI, ESR, ICR_HIGH, ICR_LOW, ID, INITIAL_COUNT, IRR_LAST, ISR, LDR, PPR, RRD, SVR,
    TPR, VERSION,
};
use super::{
    Delivery, Destination, Effect, LocalApic, Message, Mode, SVR_ENABLE, SVR_SUPPRESS_EOI_BROADCAST, SVR_WRITABLE,
};

/// The fields of ICR bits 31:0 ("Interrupt Command Register"); delivery status (bit 12) always reads idle.
pub(super) const ICR_WRITABLE: u32 = 0x000c_cfff;
/// Destination shorthand "self" with delivery mode "fixed", and the bits that say so.
const ICR_SELF_FIXED: u32 = 1 << 18;
const ICR_SELF_FIXED_MASK: u32 = 3 << 18 | 7 << 8;

impl LocalApic {
    /// Reads from the register page at `offset`; registers are 32 bits wide and 16 bytes apart.
    ///
    /// The low bytes of a register can be read on their own (`offset + 1` and so on), the 12 bytes between two
    /// registers read zero. All ones when the APIC is not in xAPIC mode: then no register is at that address.
    #[inline]
    pub fn read(&mut self, offset: u16, now: u64) -> u32 {
        if self.mode != Mode::XApic {
            return u32::MAX;
        }
        let value = self.read_xapic(register_at(offset), now);
        match offset & 0xf {
            0 => value,
            byte @ 1..=3 => value >> (8 * byte),
            _ => 0,
        }
    }

    /// Writes `value` to the register at `offset` of the page.
    ///
    /// Ignored when the APIC is not in xAPIC mode or `offset` is not a multiple of 16. A register that does not exist
    /// is logged in the ESR.
    #[inline]
    pub fn write(&mut self, offset: u16, value: u32, now: u64) -> Effect {
        if self.mode != Mode::XApic || offset & 0xf != 0 {
            return Effect::None;
        }
        match register_at(offset) {
            EOI => self.eoi(),
            ICR_LOW => {
                let low = value & ICR_WRITABLE;
                self.page.set(ICR_LOW, low);
                self.send_ipi(low)
            }
            register => self.write_other(register, value, now),
        }
    }

    /// The registers that are written less often than once an interrupt.
    #[inline(never)]
    pub(super) fn write_other(&mut self, register: u8, value: u32, now: u64) -> Effect {
        match self.write_register(register, value, now) {
            Some(effect) => effect,
            None => self.write_xapic(register, value),
        }
    }

    #[inline]
    fn read_xapic(&mut self, register: u8, now: u64) -> u32 {
        if let Some(value) = self.read_register(register, now) {
            return value;
        }
        match register {
            APR | EOI | RRD | DFR | ICR_HIGH => self.page.get(register),
            _ => {
                self.record_error(ILLEGAL_REGISTER);
                0
            }
        }
    }

    /// Writes a register that both modes have; `None` for all others, also the read-only ones.
    #[inline]
    pub(super) fn write_register(&mut self, register: u8, value: u32, now: u64) -> Option<Effect> {
        match register {
            TPR => {
                self.set_tpr((value & 0xff) as u8);
                return Some(Effect::TaskPriorityChanged);
            }
            SVR => return Some(self.write_svr(value, now)),
            ESR => self.page.set(ESR, self.errors.latch()),
            INITIAL_COUNT => return Some(self.program_timer(now, |timer| timer.set_initial_count(value, now))),
            DIVIDE => return Some(self.program_timer(now, |timer| timer.set_divide(value, now))),
            _ => return self.write_lvt(register, value, now),
        }
        Some(Effect::None)
    }

    /// Writes a register that only xAPIC mode has.
    fn write_xapic(&mut self, register: u8, value: u32) -> Effect {
        match register {
            LDR => self.page.set(LDR, value & 0xff00_0000),
            DFR => self.page.set(DFR, value | 0x0fff_ffff),
            ICR_HIGH => {
                self.page.set(ICR_HIGH, value & 0xff00_0000);
                return Effect::None;
            }
            ID | VERSION | APR | PPR | RRD | ISR..=IRR_LAST | CURRENT_COUNT => return Effect::None,
            _ => {
                // Only a write that the processor let through can have left something there.
                self.page.set(register, 0);
                self.record_error(ILLEGAL_REGISTER);
                return Effect::None;
            }
        }
        Effect::Reconfigured
    }

    /// "Spurious-Interrupt Vector Register": clearing the software enable masks the whole LVT.
    fn write_svr(&mut self, value: u32, now: u64) -> Effect {
        let toggles = (value ^ self.svr) & SVR_ENABLE != 0;
        if toggles {
            self.timer_expired(now);
        }
        self.eoi_exits_changed |= (value ^ self.svr) & SVR_SUPPRESS_EOI_BROADCAST != 0;
        self.svr = value & SVR_WRITABLE;
        self.page.set(SVR, self.svr);
        if !self.is_software_enabled() {
            self.mask_lvt();
        }
        if toggles { Effect::Reconfigured } else { Effect::None }
    }

    /// Sends what the ICR describes ("Issuing Interprocessor Interrupts"); an interrupt to itself is accepted here.
    ///
    /// `low` is ICR bits 31:0, which stand in the page already, as the rest does.
    #[inline]
    pub(super) fn send_ipi(&mut self, low: u32) -> Effect {
        if low & ICR_SELF_FIXED_MASK == ICR_SELF_FIXED {
            self.self_ipi((low & 0xff) as u8);
            return Effect::None;
        }
        let high = if self.mode == Mode::X2Apic { self.page.high(ICR_LOW) } else { self.page.get(ICR_HIGH) };
        let Some(message) = Message::from_icr(low, high, self.mode) else {
            return Effect::None;
        };
        match message.delivery {
            Delivery::Fixed { vector, .. } if message.destination == Destination::Physical(self.id) => {
                self.self_ipi(vector);
                Effect::None
            }
            Delivery::Fixed { vector, .. } | Delivery::LowestPriority { vector, .. } if !self.may_send(vector) => {
                Effect::None
            }
            _ => Effect::Ipi(message),
        }
    }
}

/// The number of the register whose 16 bytes hold `offset`; the page repeats nothing above 3FFH.
#[inline]
pub(super) const fn register_at(offset: u16) -> u8 {
    // 12-bit offsets give numbers up to FFH, none of which above 3FH exists.
    (offset >> 4 & 0xff) as u8
}
