//! Intel VT-x: the backend for processors with EPT and unrestricted guest (Intel SDM vol. 3C, chapters 25 to 32).
//!
//! Chapters and sections have the numbers of the manual's edition of June 2025; others count them differently.
//!
//! | file | what | its twin in `svm` |
//! |---|---|---|
//! | `capability` | controls by name, and what the processor lets them be | `intercepts` |
//! | `features` | what this processor has, and whether it is enough | `features` |
//! | `field` | the VMCS, one table of fields | `vmcb` |
//! | `instr` | the instructions of VMX | |
//! | `control` | the VMCS as the shared x86 code sees it | `control` |
//! | `vmcs`, `deferred` | the VMCS in memory and on a CPU; writes that wait until it is current | |
//! | `segment`, `event` | segment registers and events in its words | |
//! | `residue` | guest registers that no entry and no exit switches | |
//! | `decode` | exit reasons | `decode` |
//! | `enter` | the world switch | `enter` |
//! | `bitmap` | MSRs that do not exit | `intercepts` |
//! | `window` | the page whose accesses the processor answers like a local APIC | |
//! | `ept` | the format of the second-level tables | `../table` |
//! | `host` | where an exit brings the processor | |
//! | `cpu` | one physical CPU in VMX operation | `cpu` |

mod bitmap;
mod capability;
mod control;
mod cpu;
mod decode;
mod deferred;
mod enter;
mod ept;
mod event;
mod features;
#[allow(missing_docs, reason = "the fields are named as the manual names them")]
mod field;
mod host;
mod instr;
mod residue;
mod segment;
mod vmcs;
mod window;

use core::arch::asm;

pub use control::VmxControl;
pub use cpu::VmxCpu;
pub use features::{Features, Missing};
use phalanx_arch_api::table::Mapping;
use phalanx_arch_api::{Gpa, Hpa};

use crate::apic_window::ApicWindow;
use crate::backend::Backend;
use crate::vcpu::{Control, Gprs};
use crate::vlapic::LocalApic;

/// The backend.
#[derive(Debug)]
pub enum Vmx {}

impl Backend for Vmx {
    type Cpu = VmxCpu;
    type Control = VmxControl;
    type SecondLevel = ept::ExtendedPaging;
    const DELIVERY_ENDS_IN_FAULTS_ONLY: bool = true;

    fn new_control(root: Hpa, apic: &LocalApic) -> VmxControl {
        VmxControl::new(root, apic.page_address(), features::chosen())
    }

    fn apic_mapping() -> Option<Mapping<Gpa>> {
        features::chosen().virtual_apic.then(window::mapping)
    }

    fn apic_window(root: Hpa) -> Option<ApicWindow> {
        // SAFETY: the core calls this with the root of a new domain's tables, which stay as they are.
        unsafe { window::find(root) }
    }

    fn load(cpu: &mut VmxCpu, control: &mut VmxControl, gprs: &Gprs) {
        cpu.load(control, gprs);
    }

    fn put(_cpu: &mut VmxCpu, control: &mut VmxControl) {
        // SAFETY: a `VmxCpu` exists only in VMX operation, and the VMCS was loaded on this CPU.
        unsafe { control.unload() };
    }

    /// Nothing to do: while interrupts are disabled, one that waits makes the guest exit before its first instruction.
    #[inline(always)]
    fn open(_cpu: &mut VmxCpu) {}

    #[inline(always)]
    fn close(_cpu: &mut VmxCpu) {}

    #[inline(always)]
    fn take_host_interrupts(_cpu: &mut VmxCpu, control: &VmxControl) {
        if control.is_nmi_exit() {
            // SAFETY: the exit has taken the NMI from the processor and blocked further ones. The handler only marks what
            // happened, and its IRET ends the blocking (Intel SDM vol. 3C, section 29.5.5).
            unsafe { asm!("int 2", options(nostack)) };
        }
        // SAFETY: the handlers only mark what happened, and preserve all registers.
        unsafe { asm!("sti", "nop", "cli", options(nostack)) };
    }

    #[inline(always)]
    fn enter(_cpu: &mut VmxCpu, control: &mut VmxControl, gprs: &mut Gprs) {
        control.before_entry();
        // SAFETY: the VMCS was loaded by `VmxCpu::load` with this CPU's host state and changed only through its methods; its
        // EPT maps the domain's own memory. Interrupts are disabled while vCPUs run.
        unsafe { enter::enter(gprs) };
        control.after_exit();
    }
}

const _: () = {
    const fn is_control<C: Control>() {}
    is_control::<VmxControl>();
};
