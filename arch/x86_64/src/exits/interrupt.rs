//! Events on their way into the guest: from inbox and timer into the local APIC, and from there into the guest.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Ticks};

use crate::domain::Domain;
use crate::host::instr::rdtsc;
use crate::host::{kick, this_cpu, timer};
use crate::registers::{DR6_BREAKPOINTS, DR6_SINGLE_STEP, RFLAGS_IF, RFLAGS_TF};
use crate::vcpu::{Activity, ApicPart, Control, Injection, NmiBlocking, Vcpu, attention};
use crate::vlapic::{Effect, Mode, Signals};

/// What RDTSC would give the guest now.
#[inline(always)]
pub fn guest_now<C: Control>(vcpu: &Vcpu<C>) -> u64 {
    vcpu.guest_tsc(rdtsc())
}

/// Carries out what a register write of the local APIC asks for: nothing, most often.
#[inline(always)]
pub fn apply<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, effect: Effect) {
    if !matches!(effect, Effect::None) {
        carry_out(vcpu, domain, env, effect);
    }
    note(vcpu);
}

#[inline(never)]
fn carry_out<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, effect: Effect) {
    match effect {
        Effect::None => {}
        Effect::TimerChanged => vcpu.attention |= attention::TIMER,
        Effect::TaskPriorityChanged => vcpu.control.set_task_priority(vcpu.apic.cr8()),
        Effect::Ipi(message) => {
            domain.send(env, Some(vcpu.index), &message);
            vcpu.attention |= attention::APIC;
        }
        Effect::EoiBroadcast { vector } => {
            domain.end_of_interrupt(env, vector);
            vcpu.attention |= attention::APIC;
        }
        Effect::Reconfigured => {
            publish(vcpu);
            share_apic(vcpu, domain);
            vcpu.cpuid.set_apic_enabled(vcpu.apic.mode() != Mode::Disabled);
            vcpu.control.set_task_priority(vcpu.apic.cr8());
            vcpu.attention |= attention::TIMER;
        }
    }
}

/// Has [`deliver`] look where the local APIC holds something for the guest. To be called whenever it may have got something.
#[inline(always)]
pub(super) fn note<C: Control>(vcpu: &mut Vcpu<C>) {
    if pending(vcpu) {
        vcpu.attention |= attention::APIC;
    }
}

/// Gives the processor its part in the local APIC, where it has one: it changes with the APIC's mode.
///
/// The processor does not know the software enable, so it delivers only while that is set.
pub fn share_apic<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain) {
    let part = match vcpu.apic.mode() {
        Mode::Disabled => ApicPart::Nothing,
        Mode::XApic if !vcpu.apic.is_software_enabled() => ApicPart::ReadMemory,
        Mode::XApic => ApicPart::Memory,
        Mode::X2Apic if !vcpu.apic.is_software_enabled() => ApicPart::ReadMsrs,
        Mode::X2Apic => ApicPart::Msrs,
    };
    if vcpu.apic.mode() != Mode::XApic {
        domain.close_apic_window();
    }
    close_window(vcpu);
    vcpu.attention &= !attention::TASK_PRIORITY;
    vcpu.control.request_task_priority_exit(None);
    vcpu.control.share_apic(part);
    vcpu.control.set_interrupt_status(vcpu.apic.interrupt_status());
    vcpu.control.set_eoi_exits(vcpu.apic.eoi_exits());
}

/// A register write that the processor has let into the page.
pub fn on_apic_write<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, offset: u16) {
    vcpu.count(ExitCounter::ApicAccess);
    vcpu.control.sync_apic(&mut vcpu.apic);
    let now = guest_now(vcpu);
    let effect = vcpu.apic.written_by_guest(offset, now);
    apply(vcpu, domain, env, effect);
}

/// An end of interrupt that the IO-APIC waits for.
pub fn on_end_of_interrupt<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, vector: u8) {
    vcpu.count(ExitCounter::ApicAccess);
    vcpu.control.sync_apic(&mut vcpu.apic);
    let effect = vcpu.apic.eoi_was_virtualized(vector);
    apply(vcpu, domain, env, effect);
}

/// Makes the local APIC's addressing visible to senders.
pub fn publish<C: Control>(vcpu: &Vcpu<C>) {
    vcpu.inbox.publish(&vcpu.apic);
}

/// Empties the inbox into the local APIC; acts on INIT, SIPI and NMI.
#[inline]
pub fn drain<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain) {
    if !vcpu.inbox.is_empty() {
        take_inbox(vcpu, domain);
    }
}

#[inline(never)]
fn take_inbox<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain) {
    vcpu.control.sync_apic(&mut vcpu.apic);
    let signals = vcpu.inbox.drain_into(&mut vcpu.apic);
    note(vcpu);
    if signals != Signals::NONE {
        take_signals(vcpu, domain, signals);
    }
}

#[cold]
fn take_signals<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain, signals: Signals) {
    // The bootstrap processor after INIT would start at the reset vector, where a domain has no firmware: it stays.
    if signals.init && !vcpu.apic.is_bootstrap() {
        vcpu.count(ExitCounter::Init);
        vcpu.init();
        publish(vcpu);
        // The page of its local APIC stays where the domain's other processors have it: its accesses have to exit again.
        share_apic(vcpu, domain);
    }
    if let (Some(vector), Activity::WaitForSipi) = (signals.sipi, vcpu.activity) {
        vcpu.start_up(vector);
    }
    if signals.nmi && vcpu.activity != Activity::WaitForSipi {
        vcpu.attention |= attention::NMI;
    }
}

/// Lets the guest's timer catch up, and programs what makes the guest exit next: at its deadline, and at `until`.
pub fn update_timer<C: Control>(vcpu: &mut Vcpu<C>, until: Option<Ticks>) {
    vcpu.attention &= !attention::TIMER;
    let deadline = match next_timer(vcpu) {
        Some(deadline) if deadline <= rdtsc() => {
            if vcpu.apic.timer_expired(guest_now(vcpu)) {
                vcpu.count(ExitCounter::Timer);
            }
            next_timer(vcpu)
        }
        deadline => deadline,
    };
    let until = if vcpu.control.end_slice_at(until) { None } else { until };
    match (deadline, until) {
        (Some(deadline), Some(until)) => timer::arm(deadline.min(until)),
        (Some(only), None) | (None, Some(only)) => timer::arm(only),
        (None, None) => timer::disarm(),
    }
}

/// The guest's timer deadline in host ticks.
#[inline(always)]
pub fn next_timer<C: Control>(vcpu: &Vcpu<C>) -> Option<Ticks> {
    let deadline = vcpu.apic.next_deadline()?;
    Some(to_host_ticks(deadline, vcpu.tsc_offset))
}

/// A guest's TSC value in host ticks; what lies before or behind all host ticks is the first or the last of them.
#[inline(always)]
const fn to_host_ticks(guest: u64, offset: u64) -> Ticks {
    if offset.cast_signed() < 0 { guest.saturating_add(offset.wrapping_neg()) } else { guest.saturating_sub(offset) }
}

/// Whether something ends the wait of HLT.
pub fn wakes<C: Control>(vcpu: &Vcpu<C>) -> bool {
    let interrupt = vcpu.apic.pending_above_ppr().is_some() && vcpu.control.rflags() & RFLAGS_IF != 0;
    let nmi = vcpu.attention & attention::NMI != 0 && vcpu.nmi == NmiBlocking::Open;
    interrupt || nmi || vcpu.control.injection_pending()
}

/// Whether the local APIC holds something that [`deliver`] has to do something about.
#[inline(always)]
fn pending<C: Control>(vcpu: &Vcpu<C>) -> bool {
    if vcpu.control.delivers_interrupts() {
        vcpu.apic.interrupt_status() != vcpu.control.interrupt_status() || vcpu.apic.eoi_exits_changed()
    } else {
        vcpu.apic.has_candidate()
    }
}

/// Injects what the guest can take now and asks for a window for what it cannot.
///
/// CR8 is written without an exit as a rule. While an interrupt waits for a lower task priority, its writes do exit.
pub fn deliver<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.attention &= !attention::APIC;
    if vcpu.attention & attention::NMI != 0 {
        deliver_nmi(vcpu);
    }
    if vcpu.control.delivers_interrupts() {
        return hand_over(vcpu);
    }
    let open = !vcpu.control.injection_pending() && vcpu.control.interrupts_open();
    match vcpu.apic.pending_above_ppr() {
        Some(vector) if !open => open_window(vcpu, vector),
        Some(vector) => {
            vcpu.apic.acknowledge(vector);
            vcpu.control.inject(Injection::interrupt(vector));
            close_window(vcpu);
        }
        None => close_window(vcpu),
    }
    watch_task_priority(vcpu);
}

/// The processor delivers: it learns what has been requested since.
fn hand_over<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.control.set_interrupt_status(vcpu.apic.interrupt_status());
    if let Some(vectors) = vcpu.apic.take_eoi_exits() {
        vcpu.control.set_eoi_exits(vectors);
    }
}

fn watch_task_priority<C: Control>(vcpu: &mut Vcpu<C>) {
    let held = if vcpu.apic.is_held_by_tpr() { vcpu.apic.highest_pending() } else { None };
    match held {
        Some(vector) => {
            vcpu.attention |= attention::TASK_PRIORITY;
            vcpu.control.request_task_priority_exit(Some(vector >> 4));
        }
        None if vcpu.attention & attention::TASK_PRIORITY != 0 => {
            vcpu.attention &= !attention::TASK_PRIORITY;
            vcpu.control.request_task_priority_exit(None);
        }
        None => {}
    }
}

fn open_window<C: Control>(vcpu: &mut Vcpu<C>, vector: u8) {
    vcpu.attention |= attention::WINDOW;
    vcpu.control.request_interrupt_window(Some(vector >> 4));
}

fn close_window<C: Control>(vcpu: &mut Vcpu<C>) {
    if vcpu.attention & attention::WINDOW != 0 {
        vcpu.attention &= !attention::WINDOW;
        vcpu.control.request_interrupt_window(None);
    }
}

fn deliver_nmi<C: Control>(vcpu: &mut Vcpu<C>) {
    if vcpu.nmi != NmiBlocking::Open {
        // The exit at IRET ends the blocking.
        return;
    }
    if vcpu.control.injection_pending() || vcpu.control.interrupt_shadow() {
        // As soon as the event or the shadow is over the guest exits again: the hardware tells, or a kick to this CPU does it.
        if !vcpu.control.request_nmi_window() {
            kick(this_cpu().index);
        }
        return;
    }
    vcpu.attention &= !attention::NMI;
    vcpu.nmi = NmiBlocking::UntilIret;
    vcpu.control.request_iret_exit(true);
    vcpu.control.inject(Injection::nmi());
}

/// The guest is about to execute the IRET that ends NMI blocking: a single step tells when it has.
pub fn on_iret<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.count(ExitCounter::NmiWindow);
    vcpu.control.request_iret_exit(false);
    let rflags = vcpu.control.rflags();
    vcpu.nmi = NmiBlocking::StepOverIret { guest_steps: rflags & RFLAGS_TF != 0 };
    vcpu.control.set_rflags(rflags | RFLAGS_TF);
}

/// The guest has executed the IRET that ends NMI blocking.
pub fn on_nmi_window<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.count(ExitCounter::NmiWindow);
    vcpu.control.request_iret_exit(false);
    vcpu.nmi = NmiBlocking::Open;
}

/// A debug exception: the hypervisor's own step behind IRET, or the guest's.
pub fn on_debug<C: Control>(vcpu: &mut Vcpu<C>) {
    vcpu.control.take_debug_exception();
    let dr6 = vcpu.control.dr6();
    if let NmiBlocking::StepOverIret { guest_steps } = vcpu.nmi
        && dr6 & DR6_SINGLE_STEP != 0
    {
        vcpu.nmi = NmiBlocking::Open;
        // RFLAGS are those that IRET loaded. The step was the hypervisor's, unless the guest steps itself or has a
        // breakpoint there.
        if !guest_steps && dr6 & DR6_BREAKPOINTS == 0 {
            vcpu.control.set_dr6(dr6 & !DR6_SINGLE_STEP);
            return;
        }
    }
    vcpu.raise(Injection::fault(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_all_ticks_is_never_and_one_before_them_is_past() {
        let power_on = 1_000_u64;
        assert_eq!(to_host_ticks(5, power_on.wrapping_neg()), 1_005);
        assert_eq!(to_host_ticks(u64::MAX, power_on.wrapping_neg()), u64::MAX);
        assert_eq!(to_host_ticks(u64::MAX - 10, power_on.wrapping_neg()), u64::MAX);
        assert_eq!(to_host_ticks(5, 10), 0);
    }
}
