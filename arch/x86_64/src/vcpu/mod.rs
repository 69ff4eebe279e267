//! One vCPU: everything about it that the backends share.
#![forbid(unsafe_code)]

mod control;
mod gprs;
mod reset;

use alloc::boxed::Box;

pub use control::{ApicPart, Control, Injection, InjectionKind, Segment, SegmentName};
pub use gprs::{Gprs, reg};
use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::Ticks;

use crate::cpuid::CpuidTable;
use crate::decode::{Reg, Registers, Seg};
use crate::exits::code_pages::CodePages;
use crate::exits::memory::Emulation;
use crate::exits::msr::MsrState;
use crate::exits::port::UnfinishedInput;
use crate::exits::record::Note;
use crate::registers::{CR0_PE, RFLAGS_RF};
use crate::switched::SwitchedState;
use crate::vlapic::{Inbox, LocalApic};

/// Whether the vCPU executes instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Yes.
    Running,
    /// It waits for an interrupt (HLT).
    Halted,
    /// It waits for a start-up IPI (Intel SDM vol. 3A, section 10.4.3).
    WaitForSipi,
}

/// Reasons to look twice before the next entry. All clear on the fast path, so one comparison decides.
pub mod attention {
    /// The timer's deadline may have changed: program the host's timer.
    pub const TIMER: u8 = 1 << 0;
    /// An NMI waits.
    pub const NMI: u8 = 1 << 1;
    /// An interrupt waits for the guest to open its window.
    pub const WINDOW: u8 = 1 << 2;
    /// The local APIC or the inbox may hold something for the guest.
    pub const APIC: u8 = 1 << 6;
    /// CR8 writes exit: an interrupt waits for a lower task priority.
    pub const TASK_PRIORITY: u8 = 1 << 5;
    /// The activity is not [`super::Activity::Running`].
    pub const INACTIVE: u8 = 1 << 3;
    /// An instruction is half done: see [`super::Vcpu::unfinished`].
    pub const UNFINISHED: u8 = 1 << 4;
}

/// Whether NMIs are blocked, and what ends it (AMD APM vol. 2, section 15.21.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NmiBlocking {
    /// NMIs can be taken.
    Open,
    /// One is being handled: until IRET.
    UntilIret,
    /// The IRET is about to execute: until the single-step trap behind it.
    StepOverIret {
        /// The guest itself had TF set.
        guest_steps: bool,
    },
}

/// What the core was asked and has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    None,
    /// The value of an IN: goes to the accumulator.
    PortRead(phalanx_arch_api::AccessSize),
    /// A write: the answer is dropped.
    Write,
    /// What [`Vcpu::unfinished`] needs.
    Unfinished,
}

/// An instruction that waits for an answer of the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// One that touches a physical address.
    Emulation(Emulation),
    /// INS.
    Input(UnfinishedInput),
}

/// A vCPU on a backend with control structure `C`.
pub struct Vcpu<C> {
    /// General-purpose registers.
    pub gprs: Gprs,
    /// What the hardware switches.
    pub control: C,
    /// Local APIC.
    pub apic: LocalApic,
    /// See [`attention`].
    pub attention: u8,
    /// What the core was asked.
    pub question: Question,
    /// Whether it executes.
    pub activity: Activity,
    /// NMI blocking.
    pub nmi: NmiBlocking,
    /// Guest TSC = host TSC + this (wrapping).
    pub tsc_offset: u64,
    /// [`crate::domain::Domain::translations`] when the TLB was last rid of second-level translations.
    pub translations: u64,
    /// Where recent code lies.
    pub code_pages: CodePages,
    /// What others send.
    pub inbox: &'static Inbox,
    /// What the guest learns about its processor.
    pub cpuid: CpuidTable,
    /// MSRs without hardware behind them.
    pub msrs: MsrState,
    /// An instruction that waits for the core.
    pub unfinished: Option<Unfinished>,
    /// What the core answered, for `unfinished`.
    pub answer: u64,
    /// What the recorder writes before the next entry.
    pub note: Note,
    /// FPU, debug registers and MSRs that are switched with the vCPU.
    pub switched: Box<SwitchedState>,
    /// Index within the domain; the APIC id as well.
    pub index: u8,
    counters: [u64; ExitCounter::COUNT],
}

impl<C: Control> Vcpu<C> {
    /// A vCPU after power-on. The boot vCPU (index 0) is ready for an entry state, the others wait for SIPI.
    #[must_use]
    pub fn new(
        index: u8,
        inbox: &'static Inbox,
        apic: LocalApic,
        control: C,
        cpuid: CpuidTable,
        switched: Box<SwitchedState>,
    ) -> Self {
        let mut vcpu = Self {
            gprs: Gprs::default(),
            control,
            apic,
            attention: 0,
            question: Question::None,
            activity: Activity::Running,
            nmi: NmiBlocking::Open,
            tsc_offset: 0,
            translations: 0,
            code_pages: CodePages::default(),
            inbox,
            msrs: MsrState::new(cpuid.physical_address_bits()),
            cpuid,
            unfinished: None,
            answer: 0,
            note: Note::Start,
            switched,
            index,
            counters: [0; ExitCounter::COUNT],
        };
        vcpu.power_on();
        vcpu
    }

    /// Counts an exit or an event.
    #[inline(always)]
    pub fn count(&mut self, counter: ExitCounter) {
        self.counters[counter.index()] += 1;
    }

    /// The value of a counter.
    #[must_use]
    pub fn counter(&self, counter: ExitCounter) -> u64 {
        self.counters[counter.index()]
    }

    /// What RDTSC gives the guest at host time `now`.
    #[inline(always)]
    #[must_use]
    pub const fn guest_tsc(&self, now: Ticks) -> u64 {
        now.wrapping_add(self.tsc_offset)
    }

    /// Moves the guest's TSC by `delta` ticks (wrapping).
    pub fn move_tsc(&mut self, delta: u64) {
        self.tsc_offset = self.tsc_offset.wrapping_add(delta);
        self.control.set_tsc_offset(self.tsc_offset);
        self.apic.tsc_moved(delta);
    }

    /// Sets whether the vCPU executes.
    pub fn set_activity(&mut self, activity: Activity) {
        self.activity = activity;
        match activity {
            Activity::Running => self.attention &= !attention::INACTIVE,
            Activity::Halted | Activity::WaitForSipi => self.attention |= attention::INACTIVE,
        }
    }

    /// Queues an exception for the next entry, unless an event waits already: then the instruction runs again first.
    ///
    /// Faults push RFLAGS with RF set, so that an instruction breakpoint does not come again when the handler returns (Intel
    /// SDM vol. 3B, section 18.3.1.1). Processors push what they find in the guest's state.
    ///
    /// Real mode has no error codes, and VMX refuses to deliver one there (Intel SDM vol. 3B, 22.1.4; vol. 3C, 28.2.1.3).
    pub fn raise(&mut self, event: Injection) {
        if !self.control.injection_pending() {
            if event.is_fault() {
                self.control.set_rflags(self.control.rflags() | RFLAGS_RF);
            }
            let protected = self.control.cr0() & CR0_PE != 0;
            self.control.inject(Injection { error_code: event.error_code.filter(|_| protected), ..event });
        }
    }

    /// A 32-bit register operand.
    #[inline(always)]
    #[must_use]
    pub fn gpr32(&self, number: usize) -> u32 {
        self.gprs.get(number) as u32
    }

    /// RDX:RAX as one value, as RDMSR, WRMSR and XSETBV use them.
    #[inline(always)]
    #[must_use]
    pub fn edx_eax(&self) -> u64 {
        u64::from(self.gpr32(reg::RDX)) << 32 | u64::from(self.gpr32(reg::RAX))
    }

    /// Sets EDX and EAX, clearing the upper halves.
    #[inline(always)]
    pub fn set_edx_eax(&mut self, value: u64) {
        self.gprs.set(reg::RAX, value & 0xffff_ffff);
        self.gprs.set(reg::RDX, value >> 32);
    }
}

impl<C: Control> Registers for Vcpu<C> {
    fn gpr(&self, register: Reg) -> u64 {
        match register {
            Reg::Rsp => self.control.rsp(),
            other => self.gprs.get(usize::from(other.number())),
        }
    }

    fn set_gpr(&mut self, register: Reg, value: u64) {
        match register {
            Reg::Rsp => self.control.set_rsp(value),
            other => self.gprs.set(usize::from(other.number()), value),
        }
    }

    fn rip(&self) -> u64 {
        self.control.rip()
    }

    fn rflags(&self) -> u64 {
        self.control.rflags()
    }

    fn set_rflags(&mut self, value: u64) {
        self.control.set_rflags(value);
    }

    fn segment_base(&self, segment: Seg) -> u64 {
        let name = match segment {
            Seg::Es => SegmentName::Es,
            Seg::Cs => SegmentName::Cs,
            Seg::Ss => SegmentName::Ss,
            Seg::Ds => SegmentName::Ds,
            Seg::Fs => SegmentName::Fs,
            Seg::Gs => SegmentName::Gs,
        };
        self.control.segment(name).base
    }
}
