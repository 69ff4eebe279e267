//! The VMCS as the shared x86 code sees it.
//!
//! Reads go to the VMCS, so they need it to be current: the vCPU is loaded. Writes may come before (power-on, entry state);
//! then they wait. What only the hypervisor changes (CR4, EFER, PAT, controls) is read from a copy.
//!
//! | file | what |
//! |---|---|
//! | `setup` | what is written once |
//! | `exit` | why the guest left |
//! | `debug` | debug exceptions, of which VT-x leaves a part to software |
//! | `apic` | the processor's part in the local APIC |

mod apic;
mod debug;
mod exit;
mod setup;

use phalanx_arch_api::Ticks;

use super::capability::{entry, primary};
use super::decode::{Details, classify, decode, reason};
use super::features::Features;
use super::field as f;
use super::residue::Residue;
use super::vmcs::Vmcs;
use super::{event, instr, segment};
use crate::exits::kind::{Exit, ExitClass};
use crate::host::instr::rdtsc;
use crate::registers::{CR0_PE, CR4_MCE, EFER_LMA, RFLAGS_IF};
use crate::tag::Tag;
use crate::vcpu::{ApicPart, Control, Injection, Segment, SegmentName};
use crate::vlapic::{InterruptStatus, LocalApic};

/// CR0 bits that the guest changes without an exit: MP, TS, WP, AM.
const CR0_FREE: u64 = 1 << 1 | 1 << 3 | 1 << 16 | 1 << 18;
/// CR0.NW and CD, which an entry leaves as the host has them.
const CR0_CACHE: u64 = 3 << 29;
/// Vector of a debug exception.
const DEBUG: u8 = 1;
/// Interruptibility: blocking by STI, by MOV SS; by NMI.
const SHADOW: u32 = 3;
const BLOCKED_BY_NMI: u32 = 1 << 3;
/// No end of the slice.
const NEVER: Ticks = Ticks::MAX;
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
    vmcs: Vmcs,
    residue: Residue,
    features: Features,
}

impl VmxControl {
    /// Makes the VMCS current on the CPU `cpu`, on which this runs. `true` where it was another's before: then the host state
    /// is to be written.
    ///
    /// # Safety
    /// In VMX operation; the vCPU is loaded nowhere, and no other one is on this CPU.
    pub(super) unsafe fn make_current(&mut self, cpu: u16) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.vmcs.make_current() };
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
        unsafe { self.vmcs.unload() };
    }

    /// Puts a tag into the VMCS, which is current, and forgets what it stands for where that waits.
    pub(super) fn set_tag(&mut self, tag: Tag) {
        if self.tag != tag {
            self.tag = tag;
            if self.features.vpid {
                // SAFETY: tags are given to one vCPU at a time.
                unsafe { self.vmcs.set_host(f::VPID, tag.number() as u16) };
            }
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

    /// Switches a window on or off.
    fn set_primary(&mut self, bit: u32, on: bool) {
        let value = if on { self.primary | bit } else { self.primary & !bit };
        if value != self.primary {
            self.primary = value;
            // SAFETY: only the two windows change, which add exits.
            unsafe { self.vmcs.set_host(f::PROCESSOR_CONTROLS, value) };
        }
    }
}

macro_rules! register {
    ($get:ident, $set:ident, $field:ident) => {
        #[inline(always)]
        fn $get(&self) -> u64 {
            f::$field.read()
        }
        fn $set(&mut self, value: u64) {
            self.vmcs.set(f::$field, value);
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
        self.vmcs.set(f::GUEST_RIP, value);
    }

    fn cr0(&self) -> u64 {
        f::GUEST_CR0.read() & CR0_FREE | self.cr0 & !CR0_FREE
    }

    fn set_cr0(&mut self, value: u64) {
        self.cr0 = value;
        self.vmcs.set(f::CR0_SHADOW, value);
        self.vmcs.set(f::GUEST_CR0, value & !CR0_CACHE | self.features.cr0_ones);
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

    /// MCE is always set: a machine check exits, whatever the guest would have made of it.
    fn set_cr4(&mut self, value: u64) {
        self.cr4 = value;
        self.vmcs.set(f::CR4_SHADOW, value);
        self.vmcs.set(f::GUEST_CR4, value | self.features.cr4_ones | CR4_MCE);
    }

    fn efer(&self) -> u64 {
        self.efer
    }

    /// "IA-32e mode guest" follows LMA, and so does the kind of TSS that an entry accepts.
    fn set_efer(&mut self, value: u64) {
        let changed = value ^ self.efer;
        self.efer = value;
        self.vmcs.set(f::GUEST_EFER, value);
        let long = value & EFER_LMA != 0;
        self.entry = if long { self.entry | entry::GUEST_64.mask() } else { self.entry & !entry::GUEST_64.mask() };
        // SAFETY: the bit says in which mode the guest is.
        unsafe { self.vmcs.set_host(f::ENTRY_CONTROLS, self.entry) };
        if long && changed & EFER_LMA != 0 && self.vmcs.is_current() {
            f::GUEST_TR_RIGHTS.write(segment::long_mode_task(f::GUEST_TR_RIGHTS.read()));
        }
    }

    fn pat(&self) -> u64 {
        self.pat
    }

    fn set_pat(&mut self, value: u64) {
        self.pat = value;
        self.vmcs.set(f::GUEST_PAT, value);
    }

    fn dr6(&self) -> u64 {
        self.residue.dr6()
    }

    fn set_dr6(&mut self, value: u64) {
        self.residue.set_dr6(value);
    }

    fn take_debug_exception(&mut self) {
        self.take_debug();
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
        self.vmcs.set(fields.selector, value.selector);
        self.vmcs.set(fields.rights, segment::rights(value.attributes));
        self.vmcs.set(fields.limit, value.limit);
        self.vmcs.set(fields.base, value.base);
    }

    fn set_gdtr(&mut self, base: u64, limit: u32) {
        self.vmcs.set(f::GUEST_GDTR_BASE, base);
        self.vmcs.set(f::GUEST_GDTR_LIMIT, limit & 0xffff);
    }

    fn set_idtr(&mut self, base: u64, limit: u32) {
        self.vmcs.set(f::GUEST_IDTR_BASE, base);
        self.vmcs.set(f::GUEST_IDTR_LIMIT, limit & 0xffff);
    }

    /// The DPL of SS (vol. 3C, section 26.4.1).
    #[inline(always)]
    fn cpl(&self) -> u8 {
        (f::GUEST_SS_RIGHTS.read() >> 5 & 3) as u8
    }

    fn set_page_directory_pointers(&mut self, entries: [u64; 4]) {
        let fields = [f::GUEST_PDPTE_0, f::GUEST_PDPTE_1, f::GUEST_PDPTE_2, f::GUEST_PDPTE_3];
        for (field, entry) in fields.into_iter().zip(entries) {
            self.vmcs.set(field, entry);
        }
    }

    fn reset_switched_msrs(&mut self) {
        self.residue.reset_msrs();
        self.vmcs.set(f::GUEST_SYSENTER_CS, 0);
        self.vmcs.set(f::GUEST_SYSENTER_ESP, 0);
        self.vmcs.set(f::GUEST_SYSENTER_EIP, 0);
    }

    fn flush_tlb(&mut self) {
        if self.vmcs.is_current() { self.flush_now() } else { self.flush = true }
    }

    /// Where the VMCS is not current, the CPU that loads it forgets.
    fn flush_second_level(&mut self) {
        if self.vmcs.is_current() {
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
            self.vmcs.set(f::PREEMPTION_TIMER, u32::MAX);
        }
        self.slice_end = end;
        true
    }

    fn set_tsc_offset(&mut self, offset: u64) {
        self.vmcs.set(f::TSC_OFFSET, offset);
    }

    #[inline(always)]
    fn exit_class(&self) -> ExitClass {
        classify(self.reason, self)
    }

    #[inline(always)]
    fn writes_msr(&self) -> bool {
        self.reason == reason::WRMSR
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

    fn take_interrupted_delivery(&mut self) -> Option<Injection> {
        self.take_interrupted()
    }

    #[inline(always)]
    fn inject(&mut self, event: Injection) {
        let (information, code) = event::encode(event, self.cr0 & CR0_PE != 0);
        self.vmcs.set(f::ENTRY_INTERRUPTION, information);
        self.vmcs.set(f::ENTRY_ERROR_CODE, code);
        self.injected = true;
        if event.vector == DEBUG {
            self.prepare_debug();
        }
    }

    fn cancel_injection(&mut self) {
        self.vmcs.set(f::ENTRY_INTERRUPTION, 0);
        self.injected = false;
    }

    #[inline(always)]
    fn injection_pending(&self) -> bool {
        self.injected
    }

    fn injection(&self) -> Option<Injection> {
        if self.injected { event::decode(f::ENTRY_INTERRUPTION.read(), f::ENTRY_ERROR_CODE.read()) } else { None }
    }

    fn reset_blocking(&mut self) {
        self.vmcs.set(f::GUEST_INTERRUPTIBILITY, 0);
        self.vmcs.set(f::GUEST_PENDING_DEBUG, 0);
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
        self.vmcs.set(f::TPR_THRESHOLD, u32::from(class.unwrap_or(0) & 0xf));
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
        if !self.synced {
            self.take_over(apic);
        }
    }

    /// The processor keeps CR8 in the page of the local APIC.
    fn set_task_priority(&mut self, _priority: u8) {}

    fn share_apic(&mut self, part: ApicPart) {
        self.give_part(part);
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
            self.vmcs.set(f::GUEST_INTERRUPT_STATUS, status.bits());
        }
    }

    fn set_eoi_exits(&mut self, vectors: [u64; 4]) {
        if self.delivers {
            self.write_eoi_exits(vectors);
        }
    }
}
