//! AMD SVM: the backend for processors with nested paging (AMD APM vol. 2, chapter 15).
//!
//! | file | what |
//! |---|---|
//! | `features` | what this processor has, and whether it is enough |
//! | `vmcb` | the control block's layout |
//! | `control` | the control block as the shared x86 code sees it |
//! | `decode` | exit codes |
//! | `enter` | the world switch |
//! | `intercepts` | what makes a guest exit: instructions, ports, MSRs |
//! | `cpu` | one physical CPU in SVM operation |

mod control;
mod cpu;
mod decode;
mod enter;
mod features;
mod intercepts;
#[allow(missing_docs, reason = "the fields are named as the manual names them")]
mod vmcb;

pub use control::SvmControl;
pub use cpu::SvmCpu;
pub use features::{Features, Missing};
use phalanx_arch_api::table::Mapping;
use phalanx_arch_api::{Gpa, Hpa};

use crate::apic_window::ApicWindow;
use crate::backend::Backend;
use crate::table::NestedPaging;
use crate::vcpu::Gprs;
use crate::vlapic::LocalApic;

/// The backend.
#[derive(Debug)]
pub enum Svm {}

impl Backend for Svm {
    type Cpu = SvmCpu;
    type Control = SvmControl;
    type SecondLevel = NestedPaging;
    const DELIVERY_ENDS_IN_FAULTS_ONLY: bool = false;

    fn new_control(root: Hpa, _apic: &LocalApic) -> SvmControl {
        SvmControl::new(root, features::chosen())
    }

    fn apic_mapping() -> Option<Mapping<Gpa>> {
        None
    }

    fn apic_window(_root: Hpa) -> Option<ApicWindow> {
        None
    }

    fn load(cpu: &mut SvmCpu, control: &mut SvmControl, _gprs: &Gprs) {
        cpu.assign_tag(control);
    }

    fn put(_cpu: &mut SvmCpu, _control: &mut SvmControl) {}

    #[inline(always)]
    fn open(_cpu: &mut SvmCpu) {
        // SAFETY: an `SvmCpu` exists only where EFER.SVME is set; the run loop closes before it returns.
        unsafe { enter::open() }
    }

    #[inline(always)]
    fn close(_cpu: &mut SvmCpu) {
        // SAFETY: as for `open`.
        unsafe { enter::close() }
    }

    #[inline(always)]
    fn take_host_interrupts(_cpu: &mut SvmCpu, _control: &SvmControl) {
        // SAFETY: as for `open`; the handlers only mark what happened.
        unsafe { enter::take_host_interrupts() }
    }

    #[inline(always)]
    fn enter(cpu: &mut SvmCpu, control: &mut SvmControl, gprs: &mut Gprs) {
        control.before_entry(gprs);
        // SAFETY: the VMCB was made by `SvmControl::new` and changed only through its methods; its nested tables map
        // the domain's own memory. The host page was filled by VMSAVE on this CPU. GIF is clear since `open`.
        unsafe { enter::enter(control.physical, cpu.host_state, gprs) };
        cpu.tags.entered();
        control.after_exit(gprs);
    }
}
