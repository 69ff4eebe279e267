//! Who outranks whom ("Task and Processor Priorities").

use super::LocalApic;
use super::registers::{PPR, TPR};
use super::vectors::VectorSet::Requested;

/// The vector that a register holds, where 0 stands for none.
const fn some_vector(vector: u8) -> Option<u8> {
    if vector == 0 { None } else { Some(vector) }
}

/// The priority class of a vector, where it stands in a priority register: bits 7:4.
#[inline(always)]
pub(super) const fn class_bits(vector: u8) -> u8 {
    vector & 0xf0
}

impl LocalApic {
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

    /// Recomputes the PPR after the TPR or the ISR changed.
    ///
    /// The manual compares classes and then takes the TPR with its sub-class or the bare class in service; with the
    /// sub-class of the latter cleared that is the maximum.
    #[inline(always)]
    pub(super) fn update_ppr(&mut self) {
        self.page.set(PPR, u32::from(self.tpr().max(class_bits(self.in_service))));
    }
}
