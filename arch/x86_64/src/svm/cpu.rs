//! One physical CPU in SVM operation.

use alloc::boxed::Box;

use super::control::SvmControl;
use super::enter;
use super::features::Features;
use crate::host::instr::{self, Msr};
use crate::physical::physical_address;
use crate::registers::EFER_SVME;
use crate::tag::Tags;

/// VM_HSAVE_PA (AMD APM vol. 2, section 15.30.4).
const VM_HSAVE_PA: Msr = Msr(0xc001_0117);

/// A page that the processor uses as it likes.
#[repr(C, align(4096))]
struct Page([u8; 4096]);

/// What a CPU needs to run guests.
#[derive(Debug)]
pub struct SvmCpu {
    pub(super) tags: Tags,
    /// Physical address of the page that holds this CPU's VMSAVE state.
    pub(super) host_state: u64,
}

impl SvmCpu {
    /// Switches this CPU to SVM operation. Called once on each CPU, at boot, with its final GDT, TSS and GS base.
    #[must_use]
    pub fn enable(index: u16, features: Features) -> Self {
        let hsave = physical_address(&raw const *Box::leak(Box::new(Page([0; 4096]))));
        let host_state = physical_address(&raw const *Box::leak(Box::new(Page([0; 4096])))).as_u64();
        // SAFETY: SVM is there (`features`), and SVME alone changes nothing.
        unsafe { instr::wrmsr(Msr::EFER, instr::rdmsr(Msr::EFER) | EFER_SVME) };
        // SAFETY: the page is this CPU's own for ever.
        unsafe { instr::wrmsr(VM_HSAVE_PA, hsave.as_u64()) };
        // SAFETY: SVME is set, and the page is this CPU's own for ever.
        unsafe { enter::save_host_state(host_state) };
        Self { tags: Tags::new(u32::from(index), features.asids), host_state }
    }

    /// Gives the control block a tag that holds nothing stale here.
    pub(super) fn assign_tag(&mut self, control: &mut SvmControl) {
        let (tag, flush) = self.tags.assign(control.tag);
        control.set_tag(tag, flush);
    }
}
