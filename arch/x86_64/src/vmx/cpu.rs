//! One physical CPU in VMX operation.

use alloc::boxed::Box;

use x86_64::registers::control::{Cr0, Cr4, Cr4Flags};

use super::control::VmxControl;
use super::features::{FEATURE_CONTROL, FEATURE_CONTROL_LOCK, FEATURE_CONTROL_VMXON, Features, Missing, allows};
use super::field::HOST_RSP;
use super::{host, instr};
use crate::host::instr::{rdmsr, wrmsr};
use crate::physical::physical_address;
use crate::tag::Tags;
use crate::vcpu::{Control, Gprs};

/// A VMCS, or what VMXON wants: a page that begins with the revision.
#[repr(C, align(4096))]
#[derive(Debug)]
pub(super) struct Region([u32; 1024]);

impl Region {
    /// An empty one. Allocated at boot only.
    pub(super) fn new(revision: u32) -> Box<Self> {
        let mut region = Box::new(Self([0; 1024]));
        region.0[0] = revision;
        region
    }
}

/// Number of VPIDs: 16 bits, of which 0 is the host's (Intel SDM vol. 3C, section 30.1).
const VPIDS: u32 = 1 << 16;
/// INVEPT and INVVPID of everything.
const ALL: u64 = 2;

/// What a CPU needs to run guests.
#[derive(Debug)]
pub struct VmxCpu {
    index: u16,
    tags: Option<Tags>,
}

impl VmxCpu {
    /// Switches this CPU to VMX operation. Called once on each CPU, at boot, with its final GDT, TSS and GS base.
    ///
    /// # Errors
    /// [`Missing::HostRegisters`] or [`Missing::Refused`] where the processor does not switch.
    pub fn enable(index: u16, features: Features) -> Result<Self, Missing> {
        let control = rdmsr(FEATURE_CONTROL);
        if control & FEATURE_CONTROL_LOCK == 0 {
            // SAFETY: the register is there where VMX is; locking it allows VMXON, and nothing else that it did not.
            unsafe { wrmsr(FEATURE_CONTROL, control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON) };
        }
        // SAFETY: the processor has VMX (`features`); the bit alone changes nothing.
        unsafe { Cr4::update(|flags| flags.insert(Cr4Flags::VIRTUAL_MACHINE_EXTENSIONS)) };
        if !allows(Cr0::read_raw(), Cr4::read_raw()) {
            return Err(Missing::HostRegisters);
        }
        let region = physical_address(&raw const *Box::leak(Region::new(features.revision))).as_u64();
        // SAFETY: VMXE is set; the page is this CPU's own for ever.
        unsafe { instr::vmxon(region) }.map_err(|_| Missing::Refused)?;
        // SAFETY: in VMX operation, and `Features::detect` has asked for the type.
        unsafe { instr::invept(ALL, 0) };
        Ok(Self { index, tags: features.vpid.then(|| Tags::new(u32::from(index), VPIDS)) })
    }

    /// Makes a vCPU's VMCS the current one.
    pub(super) fn load(&mut self, control: &mut VmxControl, gprs: &Gprs) {
        // SAFETY: in VMX operation, and the core loads a vCPU on one CPU at a time.
        let moved = unsafe { control.make_current(self.index) };
        if moved {
            // SAFETY: the VMCS is current, and this CPU's descriptor tables and page tables are final.
            unsafe { host::write_state() };
            control.flush_second_level();
        }
        // SAFETY: the VMCS is current; `gprs` are the registers that it is entered with.
        unsafe { HOST_RSP.write(core::ptr::from_ref(gprs).wrapping_add(1).addr() as u64) };
        if let Some(tags) = &mut self.tags {
            let (tag, flush) = tags.assign(control.tag);
            if flush {
                // SAFETY: in VMX operation, and `Features::detect` has asked for the type.
                unsafe { instr::invvpid(ALL, 0) };
                tags.entered();
            }
            control.set_tag(tag);
        }
    }
}
