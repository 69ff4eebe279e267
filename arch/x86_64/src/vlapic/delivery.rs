//! Acceptance, priorities and EOI of fixed interrupts ("Handling Interrupts", "Task and Processor Priorities").

use super::errors::{RECEIVE_ILLEGAL_VECTOR, SEND_ILLEGAL_VECTOR};
use super::registers::{PPR, TPR};
use super::vectors::VectorSet::{InService, LevelTriggered, Requested};
use super::{Effect, LocalApic, SVR_SUPPRESS_EOI_BROADCAST};

/// Vectors 0 to 15 are reserved: the APIC never delivers them ("Interrupt and Exception Priority" and ESR bits 5, 6).
const FIRST_LEGAL_VECTOR: u8 = 16;

/// The vector that a register holds, where 0 stands for none.
const fn some_vector(vector: u8) -> Option<u8> {
    if vector == 0 { None } else { Some(vector) }
}

/// The priority class of a vector, where it stands in a priority register: bits 7:4.
#[inline(always)]
const fn class_bits(vector: u8) -> u8 {
    vector & 0xf0
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

    /// Whether a request outranks what is in service: it can be taken now or [is held by the TPR](Self::is_held_by_tpr).
    ///
    /// False nearly always, and cheaper than either question.
    #[inline(always)]
    pub const fn has_candidate(&self) -> bool {
        class_bits(self.requested) > self.in_service
    }

    /// Whether the request of the highest priority outranks the PPR.
    #[inline(always)]
    fn outranks_ppr(&self) -> bool {
        u32::from(class_bits(self.requested)) > self.page.get(PPR)
    }

    /// The interrupt that the processor would take now, were RFLAGS.IF set.
    #[inline(always)]
    pub fn pending_above_ppr(&self) -> Option<u8> {
        // The PPR is at least the class in service, so the first question follows from the second. It is asked because
        // it needs no look into the page.
        (self.has_candidate() && self.outranks_ppr()).then_some(self.requested)
    }

    /// The highest requested vector, whether or not the processor priority lets it through.
    pub fn highest_pending(&self) -> Option<u8> {
        some_vector(self.highest_requested())
    }

    /// The highest vector in IRR, 0 for none.
    #[inline(always)]
    pub(super) fn highest_requested(&self) -> u8 {
        let is_bound = self.requested == self.in_service && self.requested != 0;
        if is_bound { self.page.highest(Requested) } else { self.requested }
    }

    /// Whether only the TPR holds back a request: lowering CR8 would make it deliverable.
    ///
    /// A backend that lets the guest write CR8 without an exit must then intercept that write.
    #[inline(always)]
    pub fn is_held_by_tpr(&self) -> bool {
        self.has_candidate() && !self.outranks_ppr()
    }

    /// Interrupt acknowledge: moves the deliverable vector from IRR to ISR and returns it for injection.
    ///
    /// The same steps as "virtual-interrupt delivery" (Intel SDM vol. 3C, section 30.2.2).
    #[inline]
    pub fn ack_interrupt(&mut self) -> Option<u8> {
        let vector = self.pending_above_ppr()?;
        self.page.remove(Requested, vector);
        self.page.insert(InService, vector);
        // It outranks the PPR: the new PPR is its class.
        self.page.set(PPR, u32::from(class_bits(vector)));
        // Now `requested` is only a bound: see there.
        self.in_service = vector;
        Some(vector)
    }

    /// A write to the EOI register ("Signaling Interrupt Servicing Completion").
    ///
    /// Ends the highest interrupt in service; a level-triggered one is broadcast to the IO-APICs unless suppressed.
    #[inline]
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

    /// The task-priority register.
    #[inline(always)]
    pub fn tpr(&self) -> u8 {
        (self.page.get(TPR) & 0xff) as u8
    }

    /// Writes the task-priority register.
    #[inline]
    pub fn set_tpr(&mut self, tpr: u8) {
        self.page.set(TPR, u32::from(tpr));
        self.update_ppr();
    }

    /// CR8: bits 7:4 of the TPR ("Interaction of Task Priorities between CR8 and APIC").
    #[inline(always)]
    pub fn cr8(&self) -> u8 {
        self.tpr() >> 4
    }

    /// Writes CR8 (bits 3:0 count): the TPR takes the class and clears its sub-class.
    ///
    /// An equal class leaves the sub-class alone, so that syncing a cached CR8 back after an exit changes nothing. Where
    /// the TPR in the page is the guest's CR8 (VT-x's TPR shadow), the processor has changed it without the PPR: this
    /// makes up for that as well.
    #[inline]
    pub fn set_cr8(&mut self, cr8: u8) {
        if cr8 & 0xf != self.cr8() {
            self.page.set(TPR, u32::from(cr8 & 0xf) << 4);
        }
        self.update_ppr();
    }

    /// The processor-priority register.
    pub fn ppr(&self) -> u8 {
        (self.page.get(PPR) & 0xff) as u8
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

    /// Recomputes the PPR after the TPR or the ISR changed.
    ///
    /// The manual compares classes and then takes the TPR with its sub-class or the bare class in service; with the
    /// sub-class of the latter cleared that is the maximum.
    #[inline(always)]
    fn update_ppr(&mut self) {
        self.page.set(PPR, u32::from(self.tpr().max(class_bits(self.in_service))));
    }
}
