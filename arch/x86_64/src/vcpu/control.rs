//! What the shared x86 code asks of a backend's control structure (VMCB or VMCS).
#![forbid(unsafe_code)]

use phalanx_arch_api::Ticks;

use crate::exits::kind::{Exit, ExitClass};
use crate::vlapic::{InterruptStatus, LocalApic};

/// A segment register as the bundle and both backends describe it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Selector.
    pub selector: u16,
    /// Attributes packed as in the VMCB: type, S, DPL, P in bits 7:0; AVL, L, D/B, G in bits 11:8.
    pub attributes: u16,
    /// Limit in bytes, granularity applied.
    pub limit: u32,
    /// Base address.
    pub base: u64,
}

/// The segment registers in the order in which instructions encode them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentName {
    /// ES.
    Es,
    /// CS.
    Cs,
    /// SS.
    Ss,
    /// DS.
    Ds,
    /// FS.
    Fs,
    /// GS.
    Gs,
    /// The task register.
    Tr,
    /// The local descriptor-table register.
    Ldtr,
}

/// Kind of an event to inject, numbered as EVENTINJ.TYPE (AMD APM vol. 2, section 15.20) and as the VMX
/// interruption type (Intel SDM vol. 3C, section 25.8.3): they agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectionKind {
    /// An external interrupt.
    Interrupt = 0,
    /// A non-maskable interrupt.
    Nmi = 2,
    /// An exception.
    Exception = 3,
}

/// An event that the guest takes before its next instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injection {
    /// Kind.
    pub kind: InjectionKind,
    /// Vector.
    pub vector: u8,
    /// Error code, for the exceptions that have one.
    pub error_code: Option<u32>,
}

impl Injection {
    /// An exception without an error code.
    #[must_use]
    pub const fn fault(vector: u8) -> Self {
        Self { kind: InjectionKind::Exception, vector, error_code: None }
    }

    /// An exception with an error code.
    #[must_use]
    pub const fn fault_with_code(vector: u8, code: u32) -> Self {
        Self { kind: InjectionKind::Exception, vector, error_code: Some(code) }
    }

    /// #UD.
    #[must_use]
    pub const fn undefined_opcode() -> Self {
        Self::fault(6)
    }

    /// #GP(0).
    #[must_use]
    pub const fn general_protection() -> Self {
        Self::fault_with_code(13, 0)
    }

    /// Whether it is a fault, after which the instruction runs again. #DB is as it may be; #BP and #OF are traps, #DF and #MC
    /// aborts (Intel SDM vol. 3A, table 7-1).
    #[must_use]
    pub const fn is_fault(self) -> bool {
        matches!(self.kind, InjectionKind::Exception) && !matches!(self.vector, 1 | 3 | 4 | 8 | 18)
    }

    /// An external interrupt.
    #[must_use]
    pub const fn interrupt(vector: u8) -> Self {
        Self { kind: InjectionKind::Interrupt, vector, error_code: None }
    }

    /// An NMI.
    #[must_use]
    pub const fn nmi() -> Self {
        Self { kind: InjectionKind::Nmi, vector: 2, error_code: None }
    }
}

/// The processor's part in a local APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApicPart {
    /// None: every access exits, and interrupts are injected.
    Nothing,
    /// It answers reads of the registers in memory.
    ReadMemory,
    /// It answers reads of the registers in MSRs (x2APIC).
    ReadMsrs,
    /// Registers in memory, and the delivery of interrupts.
    Memory,
    /// Registers in MSRs, and the delivery of interrupts.
    Msrs,
}

/// The guest's state that hardware switches.
///
/// Reads give the state at the last exit with what was written since; writes take effect at the next entry.
#[allow(missing_docs, reason = "the registers are named as the manuals name them")]
pub trait Control: Sized {
    fn rip(&self) -> u64;
    fn set_rip(&mut self, value: u64);
    fn rsp(&self) -> u64;
    fn set_rsp(&mut self, value: u64);
    fn rflags(&self) -> u64;
    fn set_rflags(&mut self, value: u64);
    fn cr0(&self) -> u64;
    fn set_cr0(&mut self, value: u64);
    fn cr2(&self) -> u64;
    fn set_cr2(&mut self, value: u64);
    fn cr3(&self) -> u64;
    fn set_cr3(&mut self, value: u64);
    fn cr4(&self) -> u64;
    fn set_cr4(&mut self, value: u64);
    /// EFER as the guest sees it.
    fn efer(&self) -> u64;
    fn set_efer(&mut self, value: u64);
    fn pat(&self) -> u64;
    fn set_pat(&mut self, value: u64);
    fn dr6(&self) -> u64;
    fn set_dr6(&mut self, value: u64);
    fn dr7(&self) -> u64;
    fn set_dr7(&mut self, value: u64);
    fn segment(&self, name: SegmentName) -> Segment;
    fn set_segment(&mut self, name: SegmentName, segment: Segment);
    fn set_gdtr(&mut self, base: u64, limit: u32);
    fn set_idtr(&mut self, base: u64, limit: u32);
    /// Current privilege level, 0 to 3: the DPL of SS.
    fn cpl(&self) -> u8;

    /// A debug exception made the guest exit: brings DR6 and DR7 to what its delivery would have left.
    fn take_debug_exception(&mut self);

    /// The four page-directory pointers of PAE paging, read from the table at CR3 by an instruction that was emulated.
    fn set_page_directory_pointers(&mut self, entries: [u64; 4]);

    /// Puts the MSRs that hardware switches (system calls, segment bases, debug control) to their reset values.
    fn reset_switched_msrs(&mut self);

    /// Drops what the processor has cached of the guest's own translations, before the next entry.
    fn flush_tlb(&mut self);

    /// Makes the guest exit at host time `until` at the latest, by [`Exit::SliceEnd`]; `None` ends that.
    ///
    /// `false` where the hardware has no timer of its own for it: then the host's timer has to do it.
    fn end_slice_at(&mut self, until: Option<Ticks>) -> bool;

    /// Drops what the processor has cached of the second-level tables for this vCPU, combined with the guest's own or not,
    /// before the next entry.
    fn flush_second_level(&mut self);

    /// What is added to the host's TSC while the guest runs.
    fn set_tsc_offset(&mut self, offset: u64);

    /// Why the guest left, as far as the run loop needs it to choose a way.
    fn exit_class(&self) -> ExitClass;

    /// Whether an exit of class [`ExitClass::Msr`] is a WRMSR: all that there is to decode.
    fn writes_msr(&self) -> bool;

    /// Decodes why the guest left.
    fn exit(&self) -> Exit;

    /// Address of the instruction after the one that exited, on processors that tell.
    fn next_rip(&self) -> Option<u64>;

    /// The bytes of the instruction that exited, on processors that tell.
    fn fetched_instruction(&self) -> Option<&[u8]>;

    /// The event whose delivery the exit interrupted, to be injected again.
    fn take_interrupted_delivery(&mut self) -> Option<Injection>;

    /// Queues an event for the next entry.
    fn inject(&mut self, event: Injection);

    /// Forgets a queued event.
    fn cancel_injection(&mut self);

    /// Whether an event waits for the next entry.
    fn injection_pending(&self) -> bool;

    /// The event that waits for the next entry.
    fn injection(&self) -> Option<Injection>;

    /// Ends the interrupt shadow of STI or MOV SS, and where hardware keeps it the blocking of NMIs: RESET.
    fn reset_blocking(&mut self);

    /// An instruction was emulated: the guest goes on at `next`, and the shadow of STI or MOV SS is over.
    fn retire(&mut self, next: u64);

    /// Whether RFLAGS.IF is set and no interrupt shadow is in force.
    fn interrupts_open(&self) -> bool;

    /// Whether the shadow of STI or MOV SS is in force.
    fn interrupt_shadow(&self) -> bool;

    /// Asks for [`Exit::InterruptWindow`] as soon as the guest can take an interrupt of this priority class (the upper
    /// four bits of its vector): RFLAGS.IF is set, no shadow is in force, CR8 is lower. `None` ends the request.
    fn request_interrupt_window(&mut self, class: Option<u8>);

    /// Asks for an exit when the guest lowers its CR8 so far that an interrupt of this priority class is let through:
    /// [`Exit::ControlRegisterWrite`] before any write, or [`Exit::TaskPriority`] behind it. `None` ends the request.
    fn request_task_priority_exit(&mut self, class: Option<u8>);

    /// Asks for [`Exit::NmiWindow`] as soon as the guest can take an NMI. `false` where the hardware has no such exit.
    fn request_nmi_window(&mut self) -> bool;

    /// Asks for an exit where NMI blocking ends: [`Exit::Iret`] before the instruction or [`Exit::NmiWindow`] behind it.
    fn request_iret_exit(&mut self, wanted: bool);

    /// Which part of the local APIC's work the processor does from the next entry on. The requests for windows and for an
    /// exit at a task priority have ended.
    fn share_apic(&mut self, part: ApicPart);

    /// Whether the processor delivers interrupts by itself, from the page of the local APIC and its interrupt status.
    fn delivers_interrupts(&self) -> bool;

    /// The interrupt status as [`Self::sync_apic`] took it over, or as it was set since.
    fn interrupt_status(&self) -> InterruptStatus;
    fn set_interrupt_status(&mut self, status: InterruptStatus);

    /// The vectors whose end of interrupt exits: bit n mod 64 of word n / 64.
    fn set_eoi_exits(&mut self, vectors: [u64; 4]);

    /// Takes over into `apic` what the guest and the processor did to it since the last entry: the task priority (CR8),
    /// deliveries. Nothing when it is called again before the next.
    fn sync_apic(&mut self, apic: &mut LocalApic);

    /// The task priority for the next entry, 0 to 15.
    fn set_task_priority(&mut self, priority: u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_from_traps_and_aborts() {
        assert!(Injection::general_protection().is_fault() && Injection::undefined_opcode().is_fault());
        assert!(Injection::fault_with_code(14, 2).is_fault() && Injection::fault_with_code(17, 0).is_fault());
        for vector in [1, 3, 4, 8, 18] {
            assert!(!Injection::fault(vector).is_fault(), "{vector}");
        }
        assert!(!Injection::interrupt(14).is_fault() && !Injection::nmi().is_fault());
    }
}
