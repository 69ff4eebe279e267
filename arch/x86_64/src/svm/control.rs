//! The VMCB as the shared x86 code sees it.
#![forbid(unsafe_code)]

use alloc::boxed::Box;

use phalanx_arch_api::{Hpa, Ticks};

use super::decode::{RawExit, classify, decode};
use super::features::Features;
use super::intercepts;
use super::vmcb::{Vmcb, VmcbSegment, clean, misc1, tlb, vintr};
use crate::exits::kind::{Exit, ExitClass};
use crate::physical::physical_address;
use crate::registers::{EFER_SVME, RFLAGS_IF};
use crate::tag::Tag;
use crate::vcpu::{ApicPart, Control, Gprs, Injection, InjectionKind, Segment, SegmentName, reg};
use crate::vlapic::{InterruptStatus, LocalApic};

/// NP_ENABLE (AMD APM vol. 2, table B-1, offset 090h).
const NESTED_PAGING: u64 = 1;
/// EVENTINJ.V and EXITINTINFO.V.
const EVENT_VALID: u64 = 1 << 31;
/// EVENTINJ.EV and EXITINTINFO.EV: an error code is present.
const EVENT_HAS_CODE: u64 = 1 << 11;

/// The VMCB and what of it stands for this processor.
#[derive(Debug)]
pub struct SvmControl {
    vmcb: Box<Vmcb>,
    /// Physical address of the VMCB.
    pub(super) physical: u64,
    /// The TLB tag in the VMCB.
    pub(super) tag: Tag,
    features: Features,
}

fn encode(event: Injection) -> u64 {
    let code = event.error_code.map_or(0, |code| EVENT_HAS_CODE | u64::from(code) << 32);
    u64::from(event.vector) | (event.kind as u64) << 8 | EVENT_VALID | code
}

/// EXITINTINFO uses EVENTINJ's format (APM vol. 2, section 15.7.2). A software interrupt (type 4) is not given back:
/// its instruction has not completed and runs again.
fn decode_event(raw: u64) -> Option<Injection> {
    let kind = match raw >> 8 & 7 {
        _ if raw & EVENT_VALID == 0 => return None,
        0 => InjectionKind::Interrupt,
        2 => InjectionKind::Nmi,
        3 if matches!(raw as u8, 3 | 4) => return None,
        3 => InjectionKind::Exception,
        _ => return None,
    };
    let error_code = (raw & EVENT_HAS_CODE != 0).then_some((raw >> 32) as u32);
    Some(Injection { kind, vector: raw as u8, error_code })
}

impl SvmControl {
    /// The control block of a guest whose nested tables have their root at `root`.
    pub(super) fn new(root: Hpa, features: Features) -> Self {
        let mut vmcb = Box::new(Vmcb::new());
        let (ports, msrs) = intercepts::maps(features.tsc_aux);
        let control = &mut vmcb.control;
        control.intercept_cr_writes = intercepts::CONTROL_REGISTER_WRITES;
        control.intercept_exceptions = intercepts::EXCEPTIONS;
        control.intercept_misc1 = intercepts::MISC_1;
        control.intercept_misc2 = intercepts::MISC_2;
        if features.pause_filter {
            control.intercept_misc1 |= misc1::PAUSE;
            control.pause_filter_count = intercepts::PAUSES;
            control.pause_filter_threshold = intercepts::PAUSE_GAP;
        }
        control.iopm_base = ports.as_u64();
        control.msrpm_base = msrs.as_u64();
        control.virtual_interrupt = vintr::MASKING;
        control.nested_control = NESTED_PAGING;
        control.nested_cr3 = root.as_u64();
        let physical = physical_address(&raw const *vmcb).as_u64();
        Self { vmcb, physical, tag: Tag::NONE, features }
    }

    /// Puts a tag into the VMCB, with whether all of the TLB is to be flushed at the next entry.
    pub(super) fn set_tag(&mut self, tag: Tag, flush: bool) {
        let control = &mut self.vmcb.control;
        // Another CPU may have cached other contents of this VMCB: nothing is clean here any more.
        control.clean = 0;
        control.asid = tag.number();
        if flush {
            control.tlb_control = tlb::FLUSH_ALL;
        }
        self.tag = tag;
    }

    #[inline(always)]
    pub(super) fn before_entry(&mut self, gprs: &Gprs) {
        self.vmcb.save.rax = gprs.get(reg::RAX);
    }

    /// What was read at entry is clean until somebody touches it; a flush is done.
    #[inline(always)]
    pub(super) fn after_exit(&mut self, gprs: &mut Gprs) {
        gprs.set(reg::RAX, self.vmcb.save.rax);
        self.vmcb.control.tlb_control = tlb::NOTHING;
        self.vmcb.control.clean = clean::ALL;
    }

    /// Marks groups of fields as changed, so that the processor reads them again (APM vol. 2, section 15.15).
    #[inline(always)]
    fn touch(&mut self, groups: u32) {
        self.vmcb.control.clean &= !groups;
    }

    fn segment_mut(&mut self, name: SegmentName) -> &mut VmcbSegment {
        let save = &mut self.vmcb.save;
        match name {
            SegmentName::Es => &mut save.es,
            SegmentName::Cs => &mut save.cs,
            SegmentName::Ss => &mut save.ss,
            SegmentName::Ds => &mut save.ds,
            SegmentName::Fs => &mut save.fs,
            SegmentName::Gs => &mut save.gs,
            SegmentName::Tr => &mut save.tr,
            SegmentName::Ldtr => &mut save.ldtr,
        }
    }
}

macro_rules! register {
    ($get:ident, $set:ident, $field:ident, $clean:expr) => {
        #[inline(always)]
        fn $get(&self) -> u64 {
            self.vmcb.save.$field
        }
        #[inline(always)]
        fn $set(&mut self, value: u64) {
            self.vmcb.save.$field = value;
            self.touch($clean);
        }
    };
}

impl Control for SvmControl {
    register!(rip, set_rip, rip, 0);
    register!(rsp, set_rsp, rsp, 0);
    register!(rflags, set_rflags, rflags, 0);
    register!(cr0, set_cr0, cr0, clean::CONTROL_REGISTERS);
    register!(cr2, set_cr2, cr2, clean::CR2);
    register!(cr3, set_cr3, cr3, clean::CONTROL_REGISTERS);
    register!(cr4, set_cr4, cr4, clean::CONTROL_REGISTERS);
    register!(dr6, set_dr6, dr6, clean::DEBUG_REGISTERS);
    register!(dr7, set_dr7, dr7, clean::DEBUG_REGISTERS);
    register!(pat, set_pat, guest_pat, clean::ALL);

    /// SVME is always set in the VMCB, as VMRUN demands it, and the guest never sees it.
    #[inline(always)]
    fn efer(&self) -> u64 {
        self.vmcb.save.efer & !EFER_SVME
    }

    fn set_efer(&mut self, value: u64) {
        self.vmcb.save.efer = value | EFER_SVME;
        self.touch(clean::CONTROL_REGISTERS);
    }

    fn segment(&self, name: SegmentName) -> Segment {
        let save = &self.vmcb.save;
        let raw = match name {
            SegmentName::Es => save.es,
            SegmentName::Cs => save.cs,
            SegmentName::Ss => save.ss,
            SegmentName::Ds => save.ds,
            SegmentName::Fs => save.fs,
            SegmentName::Gs => save.gs,
            SegmentName::Tr => save.tr,
            SegmentName::Ldtr => save.ldtr,
        };
        Segment { selector: raw.selector, attributes: raw.attributes, limit: raw.limit, base: raw.base }
    }

    fn set_segment(&mut self, name: SegmentName, segment: Segment) {
        *self.segment_mut(name) = VmcbSegment {
            selector: segment.selector,
            attributes: segment.attributes,
            limit: segment.limit,
            base: segment.base,
        };
        if name == SegmentName::Ss {
            self.vmcb.save.cpl = (segment.attributes >> 5 & 3) as u8;
        }
        self.touch(clean::SEGMENTS);
    }

    fn set_gdtr(&mut self, base: u64, limit: u32) {
        self.vmcb.save.gdtr = VmcbSegment { base, limit, ..VmcbSegment::default() };
        self.touch(clean::DESCRIPTOR_TABLES);
    }

    fn set_idtr(&mut self, base: u64, limit: u32) {
        self.vmcb.save.idtr = VmcbSegment { base, limit, ..VmcbSegment::default() };
        self.touch(clean::DESCRIPTOR_TABLES);
    }

    #[inline(always)]
    fn cpl(&self) -> u8 {
        self.vmcb.save.cpl
    }

    /// DR6 and DR7 are in the VMCB as the exception would have left them.
    fn take_debug_exception(&mut self) {}

    /// With nested paging the processor reads them from memory when it needs them (AMD APM vol. 2, section 15.25.10).
    fn set_page_directory_pointers(&mut self, _entries: [u64; 4]) {}

    fn reset_switched_msrs(&mut self) {
        let save = &mut self.vmcb.save;
        for msr in [
            &mut save.star,
            &mut save.lstar,
            &mut save.cstar,
            &mut save.sfmask,
            &mut save.kernel_gs_base,
            &mut save.sysenter_cs,
            &mut save.sysenter_esp,
            &mut save.sysenter_eip,
            &mut save.debug_control,
        ] {
            *msr = 0;
        }
    }

    fn flush_tlb(&mut self) {
        // Flushing every guest's entries is always right and needs no feature; it is as rare as writes to CR4.
        let control = &mut self.vmcb.control;
        if control.tlb_control != tlb::FLUSH_ALL {
            control.tlb_control = if self.features.flush_by_asid { tlb::FLUSH_THIS } else { tlb::FLUSH_ALL };
        }
    }

    fn end_slice_at(&mut self, _until: Option<Ticks>) -> bool {
        false
    }

    /// The processor's part in the local APIC (AVIC) is not used.
    fn share_apic(&mut self, _part: ApicPart) {}

    #[inline(always)]
    fn delivers_interrupts(&self) -> bool {
        false
    }

    #[inline(always)]
    fn interrupt_status(&self) -> InterruptStatus {
        InterruptStatus::default()
    }

    fn set_interrupt_status(&mut self, _status: InterruptStatus) {}

    fn set_eoi_exits(&mut self, _vectors: [u64; 4]) {}

    fn flush_second_level(&mut self) {
        // A tag's entries go as a whole, those of the nested walk too (AMD APM vol. 2, sections 15.16.2 and 15.25.8).
        self.flush_tlb();
    }

    fn set_tsc_offset(&mut self, offset: u64) {
        self.vmcb.control.tsc_offset = offset;
        self.touch(clean::INTERCEPTS);
    }

    #[inline(always)]
    fn exit_class(&self) -> ExitClass {
        classify(self.vmcb.control.exit_code)
    }

    /// EXITINFO1 is 1 for WRMSR (AMD APM vol. 2, section 15.11).
    #[inline(always)]
    fn writes_msr(&self) -> bool {
        self.vmcb.control.exit_info_1 & 1 != 0
    }

    #[inline(always)]
    fn exit(&self) -> Exit {
        let control = &self.vmcb.control;
        decode(RawExit {
            code: control.exit_code,
            info_1: control.exit_info_1,
            info_2: control.exit_info_2,
            decode_assists: self.features.decode_assists,
        })
    }

    #[inline(always)]
    fn next_rip(&self) -> Option<u64> {
        self.features.next_rip_save.then_some(self.vmcb.control.next_rip)
    }

    fn fetched_instruction(&self) -> Option<&[u8]> {
        let count = usize::from(self.vmcb.control.fetched_bytes & 0xf);
        if !self.features.decode_assists || count == 0 {
            return None;
        }
        self.vmcb.control.instruction.get(..count)
    }

    #[inline(always)]
    fn take_interrupted_delivery(&mut self) -> Option<Injection> {
        let raw = self.vmcb.control.exit_interrupt_info;
        if raw & EVENT_VALID == 0 {
            return None;
        }
        decode_event(raw)
    }

    #[inline(always)]
    fn inject(&mut self, event: Injection) {
        self.vmcb.control.event_injection = encode(event);
    }

    fn cancel_injection(&mut self) {
        self.vmcb.control.event_injection = 0;
        self.vmcb.control.exit_interrupt_info = 0;
    }

    #[inline(always)]
    fn injection_pending(&self) -> bool {
        self.vmcb.control.event_injection & EVENT_VALID != 0
    }

    fn injection(&self) -> Option<Injection> {
        decode_event(self.vmcb.control.event_injection)
    }

    fn reset_blocking(&mut self) {
        self.vmcb.control.interrupt_shadow = 0;
    }

    #[inline(always)]
    fn retire(&mut self, next: u64) {
        self.vmcb.save.rip = next;
        self.vmcb.control.interrupt_shadow &= !1;
    }

    #[inline(always)]
    fn interrupts_open(&self) -> bool {
        self.vmcb.save.rflags & RFLAGS_IF != 0 && !self.interrupt_shadow()
    }

    #[inline(always)]
    fn interrupt_shadow(&self) -> bool {
        self.vmcb.control.interrupt_shadow & 1 != 0
    }

    /// A virtual interrupt is made pending and its delivery intercepted (AMD APM vol. 2, section 15.21.4).
    fn request_interrupt_window(&mut self, class: Option<u8>) {
        let control = &mut self.vmcb.control;
        control.virtual_interrupt &= !(vintr::IRQ | vintr::PRIORITY);
        match class {
            Some(class) => {
                control.intercept_misc1 |= misc1::VINTR;
                control.virtual_interrupt |= vintr::IRQ | u32::from(class & 0xf) << vintr::PRIORITY_SHIFT;
            }
            None => control.intercept_misc1 &= !misc1::VINTR,
        }
        self.touch(clean::INTERCEPTS | clean::INTERRUPT);
    }

    /// Writes of CR8 are intercepted.
    fn request_task_priority_exit(&mut self, class: Option<u8>) {
        self.vmcb.control.intercept_cr_writes = intercepts::CONTROL_REGISTER_WRITES | u16::from(class.is_some()) << 8;
        self.touch(clean::INTERCEPTS);
    }

    fn request_nmi_window(&mut self) -> bool {
        false
    }

    fn request_iret_exit(&mut self, wanted: bool) {
        let intercepts = &mut self.vmcb.control.intercept_misc1;
        *intercepts = if wanted { *intercepts | misc1::IRET } else { *intercepts & !misc1::IRET };
        self.touch(clean::INTERCEPTS);
    }

    #[inline(always)]
    fn sync_apic(&mut self, apic: &mut LocalApic) {
        let priority = (self.vmcb.control.virtual_interrupt & vintr::TPR) as u8;
        if priority != apic.cr8() {
            apic.set_cr8(priority);
        }
    }

    #[inline(always)]
    fn set_task_priority(&mut self, priority: u8) {
        let field = &mut self.vmcb.control.virtual_interrupt;
        *field = *field & !vintr::TPR | u32::from(priority & 0xf);
        self.touch(clean::INTERRUPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_delivery_is_injected_again() {
        let fault = Injection::fault_with_code(14, 2);
        assert_eq!(decode_event(encode(fault)), Some(fault));
        assert_eq!(decode_event(encode(Injection::nmi())), Some(Injection::nmi()));
        assert_eq!(decode_event(encode(Injection::interrupt(0x31))), Some(Injection::interrupt(0x31)));
    }

    #[test]
    fn a_software_interrupt_runs_again_instead() {
        assert_eq!(decode_event(EVENT_VALID | 4 << 8 | 0x80), None);
        assert_eq!(decode_event(EVENT_VALID | 3 << 8 | 3), None);
        assert_eq!(decode_event(0x31), None);
    }

    #[test]
    fn the_guest_never_sees_svme() {
        let mut control = SvmControl::new(Hpa::new(0), crate::svm::features::chosen());
        control.set_efer(0xd01);
        assert_eq!(control.efer(), 0xd01);
        assert_ne!(control.vmcb.save.efer & EFER_SVME, 0);
    }
}
