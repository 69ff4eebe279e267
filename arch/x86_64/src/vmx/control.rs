//! The VMCS as the shared x86 code sees it.
//!
//! Reads go to the VMCS, so they need it to be current: the vCPU is loaded. Writes may come before (power-on, entry state);
//! then they wait. What only the hypervisor changes (CR4, EFER, PAT, controls) is read from a copy.

use alloc::boxed::Box;

use phalanx_arch_api::{Hpa, Ticks};

use super::bitmap::Msrs;
use super::capability::{entry, primary, secondary};
use super::cpu::Region;
use super::decode::{Details, classify, decode, is_int1, is_nmi, reason};
use super::deferred::Deferred;
use super::features::Features;
use super::field::{self as f, Field, Guest, Host, Width};
use super::residue::Residue;
use super::{bitmap, ept, instr, segment, window};
use crate::exits::kind::{Exit, ExitClass};
use crate::host::instr::rdtsc;
use crate::physical::physical_address;
use crate::tag::Tag;
use crate::vcpu::{ApicPart, Control, Injection, InjectionKind, Segment, SegmentName};
use crate::vlapic::{ApicPage, InterruptStatus, LocalApic};

/// CR0 bits that the guest changes without an exit: MP, TS, WP, AM.
const CR0_FREE: u64 = 1 << 1 | 1 << 3 | 1 << 16 | 1 << 18;
const CR0_PE: u64 = 1 << 0;
/// CR0.NW and CD, which an entry leaves as the host has them.
const CR0_CACHE: u64 = 3 << 29;
/// CR4.MCE: a machine check exits, whatever the guest would have made of it.
const CR4_MCE: u64 = 1 << 6;
const EFER_LMA: u64 = 1 << 10;
const RFLAGS_IF: u64 = 1 << 9;
const RFLAGS_TF: u64 = 1 << 8;
/// Pending debug exceptions: BS.
const PENDING_STEP: u64 = 1 << 14;
/// Vector of a debug exception.
const DEBUG: u8 = 1;
/// Interruptibility: blocking by STI, by MOV SS; by NMI.
const SHADOW: u32 = 3;
const BLOCKED_BY_NMI: u32 = 1 << 3;
/// Interruption information: valid; an error code is there.
const VALID: u32 = 1 << 31;
const HAS_CODE: u32 = 1 << 11;
/// DR6 bits that a #DB sets: B0 to B3, BD, BS; they stand in the exit qualification at the same places.
const DR6_BREAKPOINTS: u64 = 0xf;
const DR6_REPORTED: u64 = DR6_BREAKPOINTS | 1 << 13 | 1 << 14;
const DR7_GENERAL_DETECT: u64 = 1 << 13;
/// Exceptions that exit: #DB and #AC (their delivery can loop in microcode for ever), #MC (it is the host's).
const EXCEPTIONS: u32 = 1 << 1 | 1 << 17 | 1 << 18;
/// No end of the slice.
const NEVER: Ticks = Ticks::MAX;
/// PAUSE-loop exiting: so many ticks between two PAUSEs still make a loop, which exits after so many (vol. 3C, section 26.6.13).
const PAUSE_GAP: u32 = 128;
const PAUSE_WINDOW: u32 = 4096;
/// INVEPT and INVVPID of one EPT pointer, of one VPID.
const ONE: u64 = 1;
/// The VMCS and what of it stands for this processor.
#[derive(Debug)]
pub struct VmxControl {
    reason: u32,
    /// An event waits in the entry-interruption field.
    injected: bool,
    /// What the processor did to the local APIC was taken over since the last exit.
    synced: bool,
    /// The VMCS is current on the CPU that this runs on.
    current: bool,
    /// Translations are to be forgotten when the VMCS is current.
    flush: bool,
    rip: u64,
    /// When the slice ends, in host ticks; [`NEVER`] without an end.
    slice_end: Ticks,
    /// The interrupt status in the VMCS.
    status: InterruptStatus,
    /// The processor delivers interrupts.
    delivers: bool,
    cr0: u64,
    cr4: u64,
    efer: u64,
    pat: u64,
    primary: u32,
    entry: u32,
    /// The EPT pointer in the VMCS.
    eptp: u64,
    /// The CPU whose host state is in the VMCS.
    host: Option<u16>,
    /// The TLB tag in the VMCS.
    pub(super) tag: Tag,
    region: Box<Region>,
    residue: Residue,
    deferred: Deferred,
    features: Features,
}

/// IDT-vectoring information has the format of the entry's (vol. 3C, section 26.9.3). A software interrupt or exception is
/// not given back: its instruction has not completed and runs again.
fn decode_event(information: u32, code: u32) -> Option<Injection> {
    let kind = match information >> 8 & 7 {
        _ if information & VALID == 0 => return None,
        0 => InjectionKind::Interrupt,
        2 => InjectionKind::Nmi,
        3 => InjectionKind::Exception,
        _ => return None,
    };
    Some(Injection { kind, vector: information as u8, error_code: (information & HAS_CODE != 0).then_some(code) })
}

impl VmxControl {
    /// The control structure of a guest whose EPT has its root at `root`.
    pub(super) fn new(root: Hpa, apic: *const ApicPage, features: Features) -> Self {
        let mut control = Self {
            reason: 0,
            injected: false,
            synced: false,
            current: false,
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
            region: Region::new(features.revision),
            residue: Residue::default(),
            deferred: Deferred::default(),
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
            self.set_host(f::PIN_CONTROLS, features.pin);
            self.set_host(f::PROCESSOR_CONTROLS, features.primary);
            self.set_host(f::SECONDARY_CONTROLS, features.secondary);
            self.set_host(f::EXIT_CONTROLS, features.exit);
            self.set_host(f::ENTRY_CONTROLS, features.entry);
            self.set_host(f::EXCEPTION_BITMAP, EXCEPTIONS);
            self.set_host(f::GUEST_ACTIVITY, 0);
            self.set_host(f::CR3_TARGET_COUNT, 0);
            self.set_host(f::EXIT_MSR_STORE_COUNT, 0);
            self.set_host(f::EXIT_MSR_LOAD_COUNT, 0);
            self.set_host(f::ENTRY_MSR_LOAD_COUNT, 0);
            self.set_host(f::MSR_BITMAP, bitmap::of(Msrs::Usual, features.has_tsc_aux()).as_u64());
            self.set_host(f::VIRTUAL_APIC_PAGE, physical_address(apic).as_u64());
            if features.virtual_apic {
                self.set_host(f::APIC_ACCESS_PAGE, window::page().as_u64());
            }
            self.set_host(f::EPT_POINTER, self.eptp);
            self.set_host(f::VMCS_LINK_POINTER, u64::MAX);
            self.set_host(f::CR0_MASK, !CR0_FREE);
            self.set_host(f::CR4_MASK, u64::MAX);
        }
        self.set(f::TPR_THRESHOLD, 0);
        self.set(f::PREEMPTION_TIMER, u32::MAX);
        self.set(f::PAUSE_LOOP_GAP, PAUSE_GAP);
        self.set(f::PAUSE_LOOP_WINDOW, PAUSE_WINDOW);
        self.set(f::GUEST_DEBUGCTL, 0);
        self.set(f::GUEST_PENDING_DEBUG, 0);
        self.set(f::GUEST_INTERRUPTIBILITY, 0);
    }

    /// Makes the VMCS current on the CPU `cpu`, on which this runs. `true` where it was another's before: then the host state
    /// is to be written.
    ///
    /// # Safety
    /// In VMX operation; the vCPU is loaded nowhere, and no other one is on this CPU.
    pub(super) unsafe fn make_current(&mut self, cpu: u16) -> bool {
        let physical = physical_address(&raw const *self.region).as_u64();
        if self.host.is_none() {
            // SAFETY: the region has never been current. The first VMCLEAR makes it a VMCS (vol. 3C, section 26.11.3).
            unsafe { instr::vmclear(physical) }.unwrap_or_else(|_| unusable());
        }
        // SAFETY: the caller's promise; `unload` has cleared it on the CPU where it was before.
        unsafe { instr::vmptrld(physical) }.unwrap_or_else(|_| unusable());
        self.current = true;
        for (field, value) in self.deferred.take() {
            // SAFETY: `set` and `set_host` took the same care as for a current VMCS.
            unsafe { instr::vmwrite(field, value) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.residue.load() };
        self.host.replace(cpu) != Some(cpu)
    }

    /// Takes the vCPU off this CPU: any other may load it.
    ///
    /// # Safety
    /// [`Self::make_current`] was called on this CPU, and nothing was loaded since.
    pub(super) unsafe fn unload(&mut self) {
        self.residue.save();
        // SAFETY: the caller's promise.
        unsafe { instr::vmclear(physical_address(&raw const *self.region).as_u64()) }.unwrap_or_else(|_| unusable());
        self.current = false;
    }

    /// Puts a tag into the VMCS, which is current, and forgets what it stands for where that waits.
    pub(super) fn set_tag(&mut self, tag: Tag) {
        if self.tag != tag {
            self.tag = tag;
            // SAFETY: tags are given to one vCPU at a time.
            unsafe { self.set_host(f::VPID, tag.number() as u16) };
        }
        if self.flush {
            self.flush_now();
        }
    }

    #[inline(always)]
    pub(super) fn before_entry(&mut self) {
        if self.slice_end != NEVER {
            self.set_timer();
        }
    }

    #[inline(always)]
    pub(super) fn after_exit(&mut self) {
        self.injected = false;
        self.synced = false;
        self.reason = f::EXIT_REASON.read();
        self.rip = f::GUEST_RIP.read();
    }

    /// The timer counts from the entry on, in steps of several ticks: it fires at the first step behind the slice's end.
    fn set_timer(&self) {
        let steps = (self.slice_end.saturating_sub(rdtsc()) >> self.features.timer_shift) + 1;
        f::PREEMPTION_TIMER.write(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    fn flush_now(&mut self) {
        self.flush = false;
        if self.features.vpid {
            // SAFETY: in VMX operation, and `Features::detect` has asked for the type. Without tags each entry flushes.
            unsafe { instr::invvpid(ONE, self.tag.number() as u16) };
        }
    }

    pub(super) fn is_nmi_exit(&self) -> bool {
        self.reason == reason::EXCEPTION_OR_NMI && is_nmi(f::EXIT_INTERRUPTION.read())
    }

    /// Writes a field of the guest, now or when the VMCS is current.
    #[inline(always)]
    fn set<W: Width>(&mut self, field: Field<W, Guest>, value: W::Value) {
        if self.current {
            field.write(value);
        } else {
            self.deferred.set(field.encoding(), W::to_register(value));
        }
    }

    /// Writes a control field, now or when the VMCS is current.
    ///
    /// # Safety
    /// As for [`Field::write`].
    unsafe fn set_host<W: Width>(&mut self, field: Field<W, Host>, value: W::Value) {
        if self.current {
            // SAFETY: the caller's promise.
            unsafe { field.write(value) };
        } else {
            self.deferred.set(field.encoding(), W::to_register(value));
        }
    }

    /// Switches a window on or off.
    fn set_primary(&mut self, bit: u32, on: bool) {
        let value = if on { self.primary | bit } else { self.primary & !bit };
        if value != self.primary {
            self.primary = value;
            // SAFETY: only the two windows change, which add exits.
            unsafe { self.set_host(f::PROCESSOR_CONTROLS, value) };
        }
    }
}

/// The processor refused a VMCS that `Region::new` made for it.
#[cold]
#[allow(clippy::panic, reason = "a mistake of the hypervisor, which no guest can cause")]
fn unusable() {
    panic!("the processor refused a VMCS")
}

impl Details for VmxControl {
    #[inline(always)]
    fn qualification(&self) -> u64 {
        f::EXIT_QUALIFICATION.read()
    }

    fn interruption(&self) -> (u32, u32) {
        (f::EXIT_INTERRUPTION.read(), f::EXIT_ERROR_CODE.read())
    }

    #[inline(always)]
    fn gpa(&self) -> u64 {
        f::GUEST_PHYSICAL_ADDRESS.read()
    }

    /// Outside of 64-bit mode the instruction pointer has 32 bits: it wraps, and an entry refuses more.
    #[inline(always)]
    fn next_rip(&self) -> u64 {
        let length = f::INSTRUCTION_LENGTH.read();
        let next = self.rip.wrapping_add(u64::from(length));
        // No instruction is longer than 15 bytes.
        if next & 0xffff_fff0 == 0 { self.wrapped(next) } else { next }
    }
}

impl VmxControl {
    /// What the processor does with a #DB of its own, but not with one that is injected: DR7.GD is cleared. And an entry with
    /// RFLAGS.TF in the shadow of STI or MOV SS wants the step pending (vol. 3C, section 27.3.1.5).
    #[cold]
    fn prepare_debug(&mut self) {
        self.set_dr7(self.dr7() & !DR7_GENERAL_DETECT);
        if self.rflags() & RFLAGS_TF != 0 && self.interrupt_shadow() {
            f::GUEST_PENDING_DEBUG.write(PENDING_STEP);
        }
    }

    #[cold]
    fn wrapped(&self, next: u64) -> u64 {
        const LONG: u32 = 1 << 13;
        let long = self.efer & EFER_LMA != 0 && f::GUEST_CS_RIGHTS.read() & LONG != 0;
        if long { next } else { next & 0xffff_ffff }
    }
}

macro_rules! register {
    ($get:ident, $set:ident, $field:ident) => {
        #[inline(always)]
        fn $get(&self) -> u64 {
            f::$field.read()
        }
        fn $set(&mut self, value: u64) {
            self.set(f::$field, value);
        }
    };
}

impl Control for VmxControl {
    register!(rsp, set_rsp, GUEST_RSP);
    register!(rflags, set_rflags, GUEST_RFLAGS);
    register!(cr3, set_cr3, GUEST_CR3);
    register!(dr7, set_dr7, GUEST_DR7);

    #[inline(always)]
    fn rip(&self) -> u64 {
        self.rip
    }

    #[inline(always)]
    fn set_rip(&mut self, value: u64) {
        self.rip = value;
        self.set(f::GUEST_RIP, value);
    }

    fn cr0(&self) -> u64 {
        f::GUEST_CR0.read() & CR0_FREE | self.cr0 & !CR0_FREE
    }

    fn set_cr0(&mut self, value: u64) {
        self.cr0 = value;
        self.set(f::CR0_SHADOW, value);
        self.set(f::GUEST_CR0, value & !CR0_CACHE | self.features.cr0_ones);
    }

    fn cr2(&self) -> u64 {
        self.residue.cr2()
    }

    fn set_cr2(&mut self, value: u64) {
        self.residue.set_cr2(value);
    }

    fn cr4(&self) -> u64 {
        self.cr4
    }

    fn set_cr4(&mut self, value: u64) {
        self.cr4 = value;
        self.set(f::CR4_SHADOW, value);
        self.set(f::GUEST_CR4, value | self.features.cr4_ones | CR4_MCE);
    }

    fn efer(&self) -> u64 {
        self.efer
    }

    /// "IA-32e mode guest" follows LMA, and so does the kind of TSS that an entry accepts.
    fn set_efer(&mut self, value: u64) {
        let changed = value ^ self.efer;
        self.efer = value;
        self.set(f::GUEST_EFER, value);
        let long = value & EFER_LMA != 0;
        self.entry = if long { self.entry | entry::GUEST_64.mask() } else { self.entry & !entry::GUEST_64.mask() };
        // SAFETY: the bit says in which mode the guest is.
        unsafe { self.set_host(f::ENTRY_CONTROLS, self.entry) };
        if long && changed & EFER_LMA != 0 && self.current {
            f::GUEST_TR_RIGHTS.write(segment::long_mode_task(f::GUEST_TR_RIGHTS.read()));
        }
    }

    fn pat(&self) -> u64 {
        self.pat
    }

    fn set_pat(&mut self, value: u64) {
        self.pat = value;
        self.set(f::GUEST_PAT, value);
    }

    fn dr6(&self) -> u64 {
        self.residue.dr6()
    }

    fn set_dr6(&mut self, value: u64) {
        self.residue.set_dr6(value);
    }

    /// An exit by #DB leaves DR6 alone and tells what it would have got (vol. 3C, table 29-1).
    fn take_debug_exception(&mut self) {
        if is_int1(f::EXIT_INTERRUPTION.read()) {
            let next = Details::next_rip(self);
            return self.retire(next);
        }
        let reported = f::EXIT_QUALIFICATION.read() & DR6_REPORTED;
        self.set_dr6(self.dr6() & !DR6_BREAKPOINTS | reported);
    }

    fn segment(&self, name: SegmentName) -> Segment {
        let fields = segment::fields(name);
        Segment {
            selector: fields.selector.read(),
            attributes: segment::attributes(fields.rights.read()),
            limit: fields.limit.read(),
            base: fields.base.read(),
        }
    }

    fn set_segment(&mut self, name: SegmentName, value: Segment) {
        let value = segment::for_entry(name, value);
        let fields = segment::fields(name);
        self.set(fields.selector, value.selector);
        self.set(fields.rights, segment::rights(value.attributes));
        self.set(fields.limit, value.limit);
        self.set(fields.base, value.base);
    }

    fn set_gdtr(&mut self, base: u64, limit: u32) {
        self.set(f::GUEST_GDTR_BASE, base);
        self.set(f::GUEST_GDTR_LIMIT, limit & 0xffff);
    }

    fn set_idtr(&mut self, base: u64, limit: u32) {
        self.set(f::GUEST_IDTR_BASE, base);
        self.set(f::GUEST_IDTR_LIMIT, limit & 0xffff);
    }

    /// The DPL of SS (vol. 3C, section 26.4.1).
    #[inline(always)]
    fn cpl(&self) -> u8 {
        (f::GUEST_SS_RIGHTS.read() >> 5 & 3) as u8
    }

    fn set_page_directory_pointers(&mut self, entries: [u64; 4]) {
        let fields = [f::GUEST_PDPTE_0, f::GUEST_PDPTE_1, f::GUEST_PDPTE_2, f::GUEST_PDPTE_3];
        for (field, entry) in fields.into_iter().zip(entries) {
            self.set(field, entry);
        }
    }

    fn reset_switched_msrs(&mut self) {
        self.residue.reset_msrs();
        self.set(f::GUEST_SYSENTER_CS, 0);
        self.set(f::GUEST_SYSENTER_ESP, 0);
        self.set(f::GUEST_SYSENTER_EIP, 0);
    }

    fn flush_tlb(&mut self) {
        if self.current { self.flush_now() } else { self.flush = true }
    }

    /// Where the VMCS is not current, the CPU that loads it forgets.
    fn flush_second_level(&mut self) {
        if self.current {
            // SAFETY: in VMX operation, and `Features::detect` has asked for the type.
            unsafe { instr::invept(ONE, self.eptp) };
        } else {
            self.host = self.host.map(|_| u16::MAX);
        }
    }

    fn end_slice_at(&mut self, until: Option<Ticks>) -> bool {
        if !self.features.has_timer() {
            return false;
        }
        let end = until.unwrap_or(NEVER);
        if end == NEVER && self.slice_end != NEVER {
            // Nobody waits; a timer that fires in its own good time does no harm.
            self.set(f::PREEMPTION_TIMER, u32::MAX);
        }
        self.slice_end = end;
        true
    }

    fn set_tsc_offset(&mut self, offset: u64) {
        self.set(f::TSC_OFFSET, offset);
    }

    #[inline(always)]
    fn exit_class(&self) -> ExitClass {
        classify(self.reason, self)
    }

    #[inline(always)]
    fn exit(&self) -> Exit {
        decode(self.reason, self)
    }

    #[inline(always)]
    fn next_rip(&self) -> Option<u64> {
        Some(Details::next_rip(self))
    }

    fn fetched_instruction(&self) -> Option<&[u8]> {
        None
    }

    /// The event that the exit interrupted. An NMI among them is blocked already, which an entry that injects it forbids.
    fn take_interrupted_delivery(&mut self) -> Option<Injection> {
        let event = decode_event(f::IDT_VECTORING.read(), f::IDT_VECTORING_ERROR_CODE.read())?;
        if event.kind == InjectionKind::Nmi {
            f::GUEST_INTERRUPTIBILITY.write(f::GUEST_INTERRUPTIBILITY.read() & !BLOCKED_BY_NMI);
        }
        Some(event)
    }

    #[inline(always)]
    fn inject(&mut self, event: Injection) {
        let code = event.error_code.filter(|_| self.cr0 & CR0_PE != 0);
        let has_code = if code.is_some() { HAS_CODE } else { 0 };
        self.set(f::ENTRY_INTERRUPTION, u32::from(event.vector) | (event.kind as u32) << 8 | has_code | VALID);
        self.set(f::ENTRY_ERROR_CODE, code.unwrap_or(0));
        self.injected = true;
        if event.vector == DEBUG {
            self.prepare_debug();
        }
    }

    fn cancel_injection(&mut self) {
        self.set(f::ENTRY_INTERRUPTION, 0);
        self.injected = false;
    }

    #[inline(always)]
    fn injection_pending(&self) -> bool {
        self.injected
    }

    fn injection(&self) -> Option<Injection> {
        if self.injected { decode_event(f::ENTRY_INTERRUPTION.read(), f::ENTRY_ERROR_CODE.read()) } else { None }
    }

    fn reset_blocking(&mut self) {
        self.set(f::GUEST_INTERRUPTIBILITY, 0);
        self.set(f::GUEST_PENDING_DEBUG, 0);
    }

    #[inline(always)]
    fn retire(&mut self, next: u64) {
        self.rip = next;
        f::GUEST_RIP.write(next);
        let interruptibility = f::GUEST_INTERRUPTIBILITY.read();
        if interruptibility & SHADOW != 0 {
            f::GUEST_INTERRUPTIBILITY.write(interruptibility & !SHADOW);
            // The step over the instruction is the software's to report.
            f::GUEST_PENDING_DEBUG.write(0);
        }
    }

    #[inline(always)]
    fn interrupts_open(&self) -> bool {
        f::GUEST_RFLAGS.read() & RFLAGS_IF != 0 && !self.interrupt_shadow()
    }

    #[inline(always)]
    fn interrupt_shadow(&self) -> bool {
        f::GUEST_INTERRUPTIBILITY.read() & SHADOW != 0
    }

    /// The window does not look at CR8: the run loop does, after each exit.
    fn request_interrupt_window(&mut self, class: Option<u8>) {
        self.set_primary(primary::INTERRUPT_WINDOW.mask(), class.is_some());
    }

    /// The guest exits when its CR8 is below the threshold (vol. 3C, section 31.1.2).
    fn request_task_priority_exit(&mut self, class: Option<u8>) {
        self.set(f::TPR_THRESHOLD, u32::from(class.unwrap_or(0) & 0xf));
    }

    fn request_nmi_window(&mut self) -> bool {
        self.request_iret_exit(true);
        true
    }

    /// Virtual NMIs: the processor blocks them from an injection to IRET, and exits behind that.
    fn request_iret_exit(&mut self, wanted: bool) {
        self.set_primary(primary::NMI_WINDOW.mask(), wanted);
    }

    fn sync_apic(&mut self, apic: &mut LocalApic) {
        if self.synced {
            return;
        }
        self.synced = true;
        if self.delivers {
            self.status = InterruptStatus::from_bits(f::GUEST_INTERRUPT_STATUS.read());
            apic.set_interrupt_status(self.status);
        } else {
            // CR8 is in the page already; the processor priority follows it.
            apic.set_cr8(apic.cr8());
        }
    }

    /// The processor keeps CR8 in the page of the local APIC.
    fn set_task_priority(&mut self, _priority: u8) {}

    fn share_apic(&mut self, part: ApicPart) {
        const ALL: u32 = READ | PAGE | MSRS | DELIVERY;
        const READ: u32 = secondary::APIC_REGISTERS.mask();
        const PAGE: u32 = secondary::APIC_ACCESSES.mask();
        const MSRS: u32 = secondary::X2APIC_MODE.mask();
        const DELIVERY: u32 = secondary::INTERRUPT_DELIVERY.mask();
        let part = if self.features.virtual_apic { part } else { ApicPart::Nothing };
        let (bits, map) = match part {
            ApicPart::Nothing => (0, Msrs::Usual),
            ApicPart::ReadMemory => (PAGE | READ, Msrs::Usual),
            ApicPart::ReadMsrs => (MSRS | READ, Msrs::ApicReads),
            ApicPart::Memory => (PAGE | READ | DELIVERY, Msrs::Usual),
            ApicPart::Msrs => (MSRS | READ | DELIVERY, Msrs::Apic),
        };
        let map = bitmap::of(map, self.features.has_tsc_aux());
        self.delivers = matches!(part, ApicPart::Memory | ApicPart::Msrs);
        // SAFETY: the processor works on the page of this vCPU's own local APIC; both bitmaps let the guest reach what is its
        // own.
        unsafe {
            self.set_host(f::SECONDARY_CONTROLS, self.features.secondary & !ALL | bits);
            self.set_host(f::MSR_BITMAP, map.as_u64());
        }
        self.flush_second_level();
    }

    #[inline(always)]
    fn delivers_interrupts(&self) -> bool {
        self.delivers
    }

    #[inline(always)]
    fn interrupt_status(&self) -> InterruptStatus {
        self.status
    }

    fn set_interrupt_status(&mut self, status: InterruptStatus) {
        self.status = status;
        if self.delivers {
            self.set(f::GUEST_INTERRUPT_STATUS, status.bits());
        }
    }

    fn set_eoi_exits(&mut self, vectors: [u64; 4]) {
        if self.delivers {
            let fields = [f::EOI_EXIT_BITMAP_0, f::EOI_EXIT_BITMAP_1, f::EOI_EXIT_BITMAP_2, f::EOI_EXIT_BITMAP_3];
            for (field, word) in fields.into_iter().zip(vectors) {
                self.set(field, word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_delivery_is_injected_again() {
        let interrupt = decode_event(VALID | 0x31, 0);
        assert_eq!(interrupt, Some(Injection::interrupt(0x31)));
        assert_eq!(decode_event(VALID | 2 << 8 | 2, 0), Some(Injection::nmi()));
        let fault = decode_event(VALID | HAS_CODE | 3 << 8 | 14, 2);
        assert_eq!(fault, Some(Injection::fault_with_code(14, 2)));
    }

    #[test]
    fn a_software_interrupt_runs_again_instead() {
        for kind in [4, 5, 6] {
            assert_eq!(decode_event(VALID | kind << 8 | 0x80, 0), None);
        }
        assert_eq!(decode_event(0x31, 0), None);
    }
}
