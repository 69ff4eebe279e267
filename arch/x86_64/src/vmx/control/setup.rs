//! The fields that are written once, when the vCPU is made.

use phalanx_arch_api::Hpa;

use super::{CR0_FREE, NEVER, VmxControl};
use crate::physical::physical_address;
use crate::tag::Tag;
use crate::vlapic::{ApicPage, InterruptStatus};
use crate::vmx::bitmap::{self, Msrs};
use crate::vmx::features::Features;
use crate::vmx::field as f;
use crate::vmx::residue::Residue;
use crate::vmx::vmcs::Vmcs;
use crate::vmx::{ept, window};

/// Exceptions that exit: #DB and #AC (their delivery can loop in microcode for ever), #MC (it is the host's).
const EXCEPTIONS: u32 = 1 << 1 | 1 << 17 | 1 << 18;
/// PAUSE-loop exiting: so many ticks between two PAUSEs still make a loop, which exits after so many (vol. 3C, section 26.6.13).
const PAUSE_GAP: u32 = 128;
const PAUSE_WINDOW: u32 = 4096;

impl VmxControl {
    /// The control structure of a guest whose EPT has its root at `root`.
    pub(in crate::vmx) fn new(root: Hpa, apic: *const ApicPage, features: Features) -> Self {
        let mut control = Self {
            reason: 0,
            injected: false,
            synced: false,
            flush: false,
            rip: 0,
            slice_end: NEVER,
            status: InterruptStatus::default(),
            delivers: false,
            cr0: 0,
            cr4: 0,
            efer: 0,
            pat: 0,
            primary: features.primary,
            entry: features.entry,
            eptp: 0,
            host: None,
            tag: Tag::NONE,
            vmcs: Vmcs::new(features.revision),
            residue: Residue::default(),
            features,
        };
        // SAFETY: these values are what this backend is built on: `root` maps the domain's own memory, and everything that is
        // the host's exits.
        unsafe { control.defer_controls(root, apic) };
        control
    }

    /// The control fields that do not change.
    ///
    /// # Safety
    /// `root` is the root of tables that map the domain's own memory only; `apic` is the page of the vCPU's local APIC.
    unsafe fn defer_controls(&mut self, root: Hpa, apic: *const ApicPage) {
        let features = self.features;
        self.eptp = ept::pointer(root, features.accessed_dirty);
        // SAFETY: the caller's promise, and see `new`.
        unsafe {
            self.vmcs.set_host(f::PIN_CONTROLS, features.pin);
            self.vmcs.set_host(f::PROCESSOR_CONTROLS, features.primary);
            self.vmcs.set_host(f::SECONDARY_CONTROLS, features.secondary);
            self.vmcs.set_host(f::EXIT_CONTROLS, features.exit);
            self.vmcs.set_host(f::ENTRY_CONTROLS, features.entry);
            self.vmcs.set_host(f::EXCEPTION_BITMAP, EXCEPTIONS);
            self.vmcs.set_host(f::GUEST_ACTIVITY, 0);
            self.vmcs.set_host(f::CR3_TARGET_COUNT, 0);
            self.vmcs.set_host(f::EXIT_MSR_STORE_COUNT, 0);
            self.vmcs.set_host(f::EXIT_MSR_LOAD_COUNT, 0);
            self.vmcs.set_host(f::ENTRY_MSR_LOAD_COUNT, 0);
            self.vmcs.set_host(f::MSR_BITMAP, bitmap::of(Msrs::Usual, features.has_tsc_aux()).as_u64());
            self.vmcs.set_host(f::VIRTUAL_APIC_PAGE, physical_address(apic).as_u64());
            if features.virtual_apic {
                self.vmcs.set_host(f::APIC_ACCESS_PAGE, window::page().as_u64());
            }
            self.vmcs.set_host(f::EPT_POINTER, self.eptp);
            self.vmcs.set_host(f::VMCS_LINK_POINTER, u64::MAX);
            self.vmcs.set_host(f::CR0_MASK, !CR0_FREE);
            self.vmcs.set_host(f::CR4_MASK, u64::MAX);
        }
        self.vmcs.set(f::TPR_THRESHOLD, 0);
        if features.has_timer() {
            self.vmcs.set(f::PREEMPTION_TIMER, u32::MAX);
        }
        if features.has_pause_loop() {
            self.vmcs.set(f::PAUSE_LOOP_GAP, PAUSE_GAP);
            self.vmcs.set(f::PAUSE_LOOP_WINDOW, PAUSE_WINDOW);
        }
        self.vmcs.set(f::GUEST_DEBUGCTL, 0);
        self.vmcs.set(f::GUEST_PENDING_DEBUG, 0);
        self.vmcs.set(f::GUEST_INTERRUPTIBILITY, 0);
    }
}
