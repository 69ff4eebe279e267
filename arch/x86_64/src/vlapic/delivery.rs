//! Acceptance, priorities and EOI of fixed interrupts ("Handling Interrupts", "Task and Processor Priorities").

use super::errors::{RECEIVE_ILLEGAL_VECTOR, SEND_ILLEGAL_VECTOR};
use super::{Effect, LocalApic, SVR_SUPPRESS_EOI_BROADCAST};

/// Vectors 0 to 15 are reserved: the APIC never delivers them ("Interrupt and Exception Priority" and ESR bits 5, 6).
const FIRST_LEGAL_VECTOR: u8 = 16;

/// The vector that a register or a cache holds, where 0 stands for none.
const fn some_vector(vector: u8) -> Option<u8> {
    if vector == 0 { None } else { Some(vector) }
}

/// The priority class of a vector or a priority register: bits 7:4.
const fn class(vector: u8) -> u8 {
    vector >> 4
}

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
        self.irr.insert(vector);
        self.tmr.assign(vector, level);
        if vector > self.ppr | 0xf && vector > self.deliverable {
            self.deliverable = vector;
        }
    }

    /// The interrupt that the processor would take now, were RFLAGS.IF set: one load.
    #[inline]
    pub const fn pending_above_ppr(&self) -> Option<u8> {
        some_vector(self.deliverable)
    }

    /// The highest requested vector, whether or not the processor priority lets it through.
    pub fn highest_pending(&self) -> Option<u8> {
        some_vector(self.irr.highest())
    }

    /// Whether only the TPR holds back a request: lowering CR8 would make it deliverable.
    ///
    /// A backend that lets the guest write CR8 without an exit must then intercept that write. One load while CR8 is 0.
    #[inline]
    pub fn is_held_by_tpr(&self) -> bool {
        self.cr8() != 0 && self.deliverable == 0 && class(self.irr.highest()) > class(self.isr.highest())
    }

    /// Interrupt acknowledge: moves the deliverable vector from IRR to ISR and returns it for injection.
    #[inline]
    pub fn ack_interrupt(&mut self) -> Option<u8> {
        let vector = some_vector(self.deliverable)?;
        self.irr.remove(vector);
        self.isr.insert(vector);
        // It was the highest request, and it outranks the PPR: the new PPR is its class, and nothing is above it.
        self.ppr = vector & 0xf0;
        self.deliverable = 0;
        Some(vector)
    }

    /// A write to the EOI register ("Signaling Interrupt Servicing Completion").
    ///
    /// Ends the highest interrupt in service; a level-triggered one is broadcast to the IO-APICs unless suppressed.
    #[inline]
    pub fn eoi(&mut self) -> Effect {
        let vector = self.isr.highest();
        if vector == 0 {
            return Effect::None;
        }
        self.isr.remove(vector);
        self.refresh();
        if self.tmr.contains(vector) && self.svr & SVR_SUPPRESS_EOI_BROADCAST == 0 {
            return Effect::EoiBroadcast { vector };
        }
        Effect::None
    }

    /// The task-priority register.
    #[inline]
    pub const fn tpr(&self) -> u8 {
        self.tpr
    }

    /// Writes the task-priority register.
    #[inline]
    pub fn set_tpr(&mut self, tpr: u8) {
        if tpr != self.tpr {
            self.tpr = tpr;
            self.refresh();
        }
    }

    /// CR8: bits 7:4 of the TPR ("Interaction of Task Priorities between CR8 and APIC").
    #[inline]
    pub const fn cr8(&self) -> u8 {
        class(self.tpr)
    }

    /// Writes CR8 (bits 3:0 count): the TPR takes the class and clears its sub-class.
    ///
    /// An equal class leaves the sub-class alone, so that syncing a cached CR8 back after an exit changes nothing.
    #[inline]
    pub fn set_cr8(&mut self, cr8: u8) {
        if cr8 & 0xf != self.cr8() {
            self.set_tpr(cr8 << 4);
        }
    }

    /// The processor-priority register.
    pub const fn ppr(&self) -> u8 {
        self.ppr
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
        if self.lvt.error_is_masked() || !self.errors.take_trigger() {
            return;
        }
        let vector = self.lvt.error_vector();
        if vector < FIRST_LEGAL_VECTOR {
            self.errors.detect(RECEIVE_ILLEGAL_VECTOR);
        } else {
            self.accept(vector, false);
        }
    }

    /// Recomputes PPR and the deliverable vector after the TPR or the ISR changed.
    #[inline]
    fn refresh(&mut self) {
        let in_service = self.isr.highest();
        self.ppr = if class(self.tpr) >= class(in_service) { self.tpr } else { in_service & 0xf0 };
        let highest = self.irr.highest();
        self.deliverable = if highest > self.ppr | 0xf { highest } else { 0 };
    }
}
