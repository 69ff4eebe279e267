//! Debug exceptions: what the processor does for those that it delivers, and leaves to software at an exit and at an injection.

use super::VmxControl;
use crate::registers::{DR6_BREAKPOINTS, RFLAGS_TF};
use crate::vcpu::Control;
use crate::vmx::decode::{Details, is_int1};
use crate::vmx::field as f;

/// Pending debug exceptions: BS.
const PENDING_STEP: u64 = 1 << 14;
/// DR6 bits that a #DB sets: B0 to B3, BD, BS; they stand in the exit qualification at the same places.
const DR6_REPORTED: u64 = DR6_BREAKPOINTS | 1 << 13 | 1 << 14;
const DR7_GENERAL_DETECT: u64 = 1 << 13;

impl VmxControl {
    /// What the processor does with a #DB of its own, but not with one that is injected: DR7.GD is cleared. And an entry with
    /// RFLAGS.TF in the shadow of STI or MOV SS wants the step pending (vol. 3C, section 28.3.1.5).
    #[cold]
    pub(super) fn prepare_debug(&mut self) {
        self.set_dr7(self.dr7() & !DR7_GENERAL_DETECT);
        if self.rflags() & RFLAGS_TF != 0 && self.interrupt_shadow() {
            f::GUEST_PENDING_DEBUG.write(PENDING_STEP);
        }
    }

    /// An exit by #DB leaves DR6 alone and tells what it would have got (vol. 3C, table 29-1).
    pub(super) fn take_debug(&mut self) {
        if is_int1(f::EXIT_INTERRUPTION.read()) {
            let next = Details::next_rip(self);
            return self.retire(next);
        }
        let reported = f::EXIT_QUALIFICATION.read() & DR6_REPORTED;
        self.set_dr6(self.dr6() & !DR6_BREAKPOINTS | reported);
    }
}
