//! Acceptance, acknowledge and EOI of fixed interrupts ("Handling Interrupts").

use super::errors::{RECEIVE_ILLEGAL_VECTOR, SEND_ILLEGAL_VECTOR};
use super::priority::class_bits;
use super::registers::PPR;
use super::vectors::VectorSet::{InService, LevelTriggered, Requested};
use super::{Effect, LocalApic, SVR_SUPPRESS_EOI_BROADCAST};

/// Vectors 0 to 15 are reserved: the APIC never delivers them ("Interrupt and Exception Priority" and ESR bits 5, 6).
const FIRST_LEGAL_VECTOR: u8 = 16;

impl LocalApic {
    /// Accepts a fixed or lowest-priority interrupt into the IRR; `level` sets its TMR bit.
    ///
    /// Dropped while the APIC is disabled ("Local APIC State After It Has Been Software Disabled"). A vector below 16
    /// is logged in the ESR instead.
    #[inline]
    pub fn accept(&mut self, vector: u8, level: bool) {
        if !self.is_software_enabled() {
            return;
        }
        if vector < FIRST_LEGAL_VECTOR {
            self.record_error(RECEIVE_ILLEGAL_VECTOR);
            return;
        }
        self.page.insert(Requested, vector);
        if vector > self.requested {
            self.requested = vector;
        }
        if level != self.page.contains(LevelTriggered, vector) {
            self.change_trigger_mode(vector, level);
        }
    }

    /// Sets or clears a TMR bit: the first time that a vector comes from a line, as a rule.
    #[cold]
    #[inline(never)]
    fn change_trigger_mode(&mut self, vector: u8, level: bool) {
        match level {
            true => self.page.insert(LevelTriggered, vector),
            false => self.page.remove(LevelTriggered, vector),
        }
        self.eoi_exits_changed = true;
    }

    /// Interrupt acknowledge: moves `vector`, which [`pending_above_ppr`](Self::pending_above_ppr) has just returned, from IRR
    /// to ISR: it is being injected.
    ///
    /// The same steps as "Virtual-Interrupt Delivery" (Intel SDM vol. 3C).
    #[inline(always)]
    pub(crate) fn acknowledge(&mut self, vector: u8) {
        debug_assert_eq!(self.pending_above_ppr(), Some(vector), "nothing else can be acknowledged");
        self.page.remove(Requested, vector);
        self.page.insert(InService, vector);
        // It outranks the PPR: the new PPR is its class.
        self.page.set(PPR, u32::from(class_bits(vector)));
        // Now `requested` is only a bound: see there.
        self.in_service = vector;
    }

    /// A write to the EOI register ("Signaling Interrupt Servicing Completion").
    ///
    /// Ends the highest interrupt in service; a level-triggered one is broadcast to the IO-APICs unless suppressed.
    #[inline(always)]
    pub fn eoi(&mut self) -> Effect {
        let vector = self.in_service;
        if vector == 0 {
            return Effect::None;
        }
        self.page.remove(InService, vector);
        if self.requested == vector {
            self.requested = self.page.highest(Requested);
        }
        self.in_service = self.page.highest(InService);
        self.update_ppr();
        self.end_of_service(vector)
    }

    /// What the end of service of `vector` means to others.
    #[inline]
    pub(super) fn end_of_service(&self, vector: u8) -> Effect {
        if self.page.contains(LevelTriggered, vector) && self.svr & SVR_SUPPRESS_EOI_BROADCAST == 0 {
            return Effect::EoiBroadcast { vector };
        }
        Effect::None
    }

    /// A self-IPI, by the SELF IPI register or by a shorthand.
    #[inline]
    pub(super) fn self_ipi(&mut self, vector: u8) {
        if vector < FIRST_LEGAL_VECTOR {
            self.record_error(SEND_ILLEGAL_VECTOR);
        }
        self.accept(vector, false);
    }

    /// Whether a message with `vector` may leave; logs "send illegal vector" otherwise.
    pub(super) fn may_send(&mut self, vector: u8) -> bool {
        let legal = vector >= FIRST_LEGAL_VECTOR;
        if !legal {
            self.record_error(SEND_ILLEGAL_VECTOR);
        }
        legal
    }

    /// Logs an error, and posts the error interrupt of the LVT when it is armed and unmasked ("Error Handling").
    #[cold]
    pub(super) fn record_error(&mut self, bits: u32) {
        self.errors.detect(bits);
        let Some(vector) = self.error_vector() else { return };
        if !self.errors.take_trigger() {
            return;
        }
        if vector < FIRST_LEGAL_VECTOR {
            self.errors.detect(RECEIVE_ILLEGAL_VECTOR);
        } else {
            self.accept(vector, false);
        }
    }
}
