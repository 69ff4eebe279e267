//! The states in which a vCPU can find itself: power-on, INIT, start-up IPI, and the bundle's entry.

use phalanx_abi::bundle::{Entry, X86EntryRecord, X86Segment};
use phalanx_arch_api::EntryError;

use super::{Activity, ApicPart, Control, NmiBlocking, Question, Segment, SegmentName, Vcpu, attention, reg};

/// CR0 after RESET and INIT: ET, NW, CD (Intel SDM vol. 3A, table 10-1).
const CR0_RESET: u64 = 0x6000_0010;
/// RFLAGS after RESET: the bit that always reads 1.
const RFLAGS_RESET: u64 = 2;
/// DR6 and DR7 after RESET and INIT.
const DR6_RESET: u64 = 0xffff_0ff0;
const DR7_RESET: u64 = 0x400;
/// A present, writable, accessed data segment.
const DATA: u16 = 0x93;
/// A present, readable, accessed code segment.
const CODE: u16 = 0x9b;
/// A present LDT.
const LDT: u16 = 0x82;
/// A present, busy 32-bit TSS. A 16-bit one would keep the guest out of long mode: switching it on checks TR's type
/// (Intel SDM vol. 3A, section 10.8.5).
const TSS: u16 = 0x8b;

impl<C: Control> Vcpu<C> {
    /// RESET: everything of the vCPU is as after power-on (AMD APM vol. 2, table 14-1).
    pub fn power_on(&mut self) {
        self.apic.reset();
        self.msrs = crate::exits::msr::MsrState::new(self.cpuid.physical_address_bits());
        self.switched.reset();
        self.control.reset_switched_msrs();
        self.control.set_pat(crate::platform::mtrr::PAT_RESET);
        self.note = crate::exits::record::Note::Start;
        self.architectural_reset();
        let activity = if self.apic.is_bootstrap() { Activity::Running } else { Activity::WaitForSipi };
        self.set_activity(activity);
    }

    /// INIT: as RESET, but MSRs, FPU and the APIC's mode keep their values (AMD APM vol. 2, table 14-1).
    pub fn init(&mut self) {
        self.apic.init_reset();
        self.switched.init();
        self.architectural_reset();
        self.set_activity(Activity::WaitForSipi);
    }

    /// A start-up IPI: real mode at the page that the vector names (Intel SDM vol. 3A, section 10.4.4).
    pub fn start_up(&mut self, vector: u8) {
        let page = u64::from(vector) << 12;
        self.control.set_segment(
            SegmentName::Cs,
            Segment { selector: u16::from(vector) << 8, attributes: CODE, limit: 0xffff, base: page },
        );
        self.control.set_rip(0);
        self.set_activity(Activity::Running);
    }

    fn architectural_reset(&mut self) {
        for number in 0..16 {
            self.gprs.set(number, 0);
        }
        // The processor's family, model and stepping.
        let signature = self.cpuid.lookup(1, 0).eax;
        self.gprs.set(reg::RDX, u64::from(signature));
        self.reset_control();
        self.cpuid.set_osxsave(false);
        self.cpuid.set_xcr0(self.switched.xcr0());
        self.cpuid.set_apic_enabled(self.apic.mode() != crate::vlapic::Mode::Disabled);
        self.nmi = NmiBlocking::Open;
        self.question = Question::None;
        self.unfinished = None;
        self.attention = attention::TIMER;
        self.code_pages.clear();
    }

    fn reset_control(&mut self) {
        let control = &mut self.control;
        control.set_cr0(CR0_RESET);
        control.set_cr2(0);
        control.set_cr3(0);
        control.set_cr4(0);
        control.set_efer(0);
        control.set_dr6(DR6_RESET);
        control.set_dr7(DR7_RESET);
        control.set_rflags(RFLAGS_RESET);
        control.set_rsp(0);
        control.set_rip(0xfff0);
        control.set_task_priority(0);
        control.reset_blocking();
        control.request_interrupt_window(None);
        control.request_iret_exit(false);
        control.request_task_priority_exit(None);
        control.share_apic(ApicPart::Nothing);
        let code = Segment { selector: 0xf000, attributes: CODE, limit: 0xffff, base: 0xffff_0000 };
        control.set_segment(SegmentName::Cs, code);
        let data = Segment { selector: 0, attributes: DATA, limit: 0xffff, base: 0 };
        for name in [SegmentName::Ds, SegmentName::Es, SegmentName::Fs, SegmentName::Gs, SegmentName::Ss] {
            control.set_segment(name, data);
        }
        control.set_segment(SegmentName::Ldtr, Segment { attributes: LDT, ..data });
        control.set_segment(SegmentName::Tr, Segment { attributes: TSS, ..data });
        control.set_gdtr(0, 0xffff);
        control.set_idtr(0, 0xffff);
        control.cancel_injection();
        control.flush_tlb();
    }

    /// Loads the bundle's entry state.
    ///
    /// # Errors
    /// [`EntryError::WrongArchitecture`] where the record is not an x86 one.
    pub fn set_entry(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        // A record for another architecture will be another variant.
        #[allow(clippy::infallible_destructuring_match, irrefutable_let_patterns, reason = "one variant so far")]
        let Entry::X86(record) = entry else { return Err(EntryError::WrongArchitecture) };
        for (number, value) in record.gprs.iter().enumerate() {
            self.gprs.set(number, value.get());
        }
        self.load_control(record);
        self.set_activity(Activity::Running);
        Ok(())
    }

    fn load_control(&mut self, record: &X86EntryRecord) {
        let control = &mut self.control;
        control.set_rsp(record.gprs[reg::RSP].get());
        control.set_rip(record.rip.get());
        control.set_rflags(record.rflags.get() | RFLAGS_RESET);
        control.set_cr0(record.cr0.get());
        control.set_cr3(record.cr3.get());
        control.set_cr4(record.cr4.get());
        control.set_efer(record.efer.get());
        for (name, segment) in [
            (SegmentName::Cs, &record.cs),
            (SegmentName::Ds, &record.ds),
            (SegmentName::Es, &record.es),
            (SegmentName::Fs, &record.fs),
            (SegmentName::Gs, &record.gs),
            (SegmentName::Ss, &record.ss),
            (SegmentName::Tr, &record.tr),
            (SegmentName::Ldtr, &record.ldtr),
        ] {
            control.set_segment(name, segment_of(segment));
        }
        control.set_gdtr(record.gdtr.base.get(), record.gdtr.limit.get());
        control.set_idtr(record.idtr.base.get(), record.idtr.limit.get());
    }
}

fn segment_of(record: &X86Segment) -> Segment {
    Segment {
        selector: record.selector.get(),
        attributes: record.attributes.get(),
        limit: record.limit.get(),
        base: record.base.get(),
    }
}
