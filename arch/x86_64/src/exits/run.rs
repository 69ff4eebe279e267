//! The loop around the guest: prepare, enter, decode, answer; out of it only for what the core has to decide.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, FaultReason, Ticks, TraceEvent};

use super::{control_register, cpuid, hypercall, memory, msr, port, xsetbv};
use crate::backend::Backend;
use crate::domain::Domain;
use crate::exits::fetch::Opcode;
use crate::exits::kind::{Exit, ExitClass};
use crate::exits::{interrupt, record};
use crate::host::instr::rdtsc;
use crate::vcpu::{Activity, Control, Injection, Unfinished, Vcpu, attention};
use crate::x86::console_waits;

/// Runs the vCPU until something happens that this architecture cannot answer, or until `until`.
pub fn run<B: Backend, E: DomainEnv>(
    cpu: &mut B::Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu<B::Control>,
    env: &E,
    until: Option<Ticks>,
) -> Event {
    if env.is_recorded() {
        return apart(|| run_loop::<B, E, true>(cpu, domain, vcpu, env, until));
    }
    run_loop::<B, E, false>(cpu, domain, vcpu, env, until)
}

/// Calls `copy`, out of line: the copy of the loop that records each exit costs the other nothing.
#[cold]
#[inline(never)]
fn apart<R>(copy: impl FnOnce() -> R) -> R {
    copy()
}

#[inline(always)]
fn run_loop<B: Backend, E: DomainEnv, const RECORDED: bool>(
    cpu: &mut B::Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu<B::Control>,
    env: &E,
    until: Option<Ticks>,
) -> Event {
    vcpu.attention |= attention::TIMER;
    B::open(cpu);
    let event = loop {
        if vcpu.attention != 0
            && let Some(event) = prepare(domain, vcpu, env, until)
        {
            break event;
        }
        if RECORDED {
            record::before_entry(vcpu, env);
        }
        B::enter(cpu, &mut vcpu.control, &mut vcpu.gprs);
        if RECORDED {
            record::after_exit(vcpu);
        }
        if let Some(event) = answer::<B, E>(cpu, domain, vcpu, env, until) {
            break event;
        }
    };
    B::close(cpu);
    event
}

/// Answers an exit; what only the core can decide is returned.
#[inline(always)]
fn answer<B: Backend, E: DomainEnv>(
    cpu: &mut B::Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu<B::Control>,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    let class = vcpu.control.exit_class();
    if (!B::DELIVERY_ENDS_IN_FAULTS_ONLY || matches!(class, ExitClass::SecondLevel | ExitClass::Rare))
        && let Some(interrupted) = vcpu.control.take_interrupted_delivery()
        && let Some(event) = on_interrupted_delivery(vcpu, interrupted)
    {
        return Some(event);
    }
    match class {
        ExitClass::Interrupt => on_host_interrupt::<B, E>(cpu, vcpu, env, until),
        ExitClass::Cpuid => cpuid::on_exit(vcpu, env),
        ExitClass::Msr => msr::on_exit(vcpu, domain, env),
        ExitClass::Hypercall => hypercall::on_exit(vcpu, env),
        ExitClass::SecondLevel => on_second_level(vcpu, domain, env),
        ExitClass::Port => port::on_exit(vcpu, domain, env),
        ExitClass::Halt => on_halt(vcpu, env),
        ExitClass::Rare => {
            answer_rare(vcpu, domain, env, until).or_else(|| take_host_interrupts::<B, E>(cpu, vcpu, env, until))
        }
    }
}

/// What the fast path does not need: the inbox, an unfinished instruction, sleep, timer, events.
///
/// Whoever writes into the inbox from elsewhere kicks this CPU, and after an interrupt the timer has attention; what this vCPU
/// sends may be for itself, and gives [`attention::APIC`].
#[inline(never)]
fn prepare<C: Control, E: DomainEnv>(
    domain: &Domain,
    vcpu: &mut Vcpu<C>,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    vcpu.control.sync_apic(&mut vcpu.apic);
    // First: it may send an interrupt to this vCPU, or set its timer.
    if vcpu.attention & attention::UNFINISHED != 0 {
        let event = finish_instruction(vcpu, domain, env);
        if event.is_some() {
            return event;
        }
    }
    interrupt::drain(vcpu, domain);
    if vcpu.attention & attention::TIMER != 0 {
        forget_translations(vcpu, domain);
        interrupt::update_timer(vcpu, until);
    }
    if vcpu.attention & attention::INACTIVE != 0 {
        if vcpu.activity == Activity::WaitForSipi || !interrupt::wakes(vcpu) {
            return Some(Event::Halt);
        }
        vcpu.set_activity(Activity::Running);
    }
    interrupt::deliver(vcpu);
    None
}

/// Drops second-level translations that others have declared outdated. They kick this CPU, so it is enough to look at the
/// start of a slice and after each interrupt: the timer has attention after both.
#[inline(always)]
fn forget_translations<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain) {
    let newest = domain.translations();
    if vcpu.translations != newest {
        vcpu.translations = newest;
        vcpu.control.flush_second_level();
    }
}

/// Goes on with the instruction that waited for the core.
fn finish_instruction<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) -> Option<Event> {
    vcpu.attention &= !attention::UNFINISHED;
    let answer = vcpu.answer;
    match vcpu.unfinished.take()? {
        Unfinished::Emulation(emulation) => memory::resume(vcpu, domain, env, emulation, Some(answer)),
        Unfinished::Input(input) => {
            port::store_element(vcpu, env, input, answer);
            None
        }
    }
}

/// A physical interrupt, or an NMI: taken here, and looked at as far as this vCPU is concerned.
#[inline(always)]
fn on_host_interrupt<B: Backend, E: DomainEnv>(
    cpu: &mut B::Cpu,
    vcpu: &mut Vcpu<B::Control>,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    vcpu.count(ExitCounter::Interrupt);
    take_host_interrupts::<B, E>(cpu, vcpu, env, until)
}

/// Takes the host's interrupts, and sees whether the core wants this CPU back.
///
/// Also after rare exits: a guest whose exceptions end in exceptions gets to no instruction at which an interrupt could make it
/// exit.
#[inline]
fn take_host_interrupts<B: Backend, E: DomainEnv>(
    cpu: &mut B::Cpu,
    vcpu: &mut Vcpu<B::Control>,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    B::take_host_interrupts(cpu, &vcpu.control);
    vcpu.attention |= attention::TIMER;
    let expired = until.is_some_and(|until| until <= rdtsc());
    (expired || env.must_return() || console_waits()).then_some(Event::Preempted)
}

/// The exit came while the guest was taking an event: it takes it again at the next entry.
///
/// Unless the exit says that the guest's stack or descriptor tables are outside its RAM. On an empty bus the processor
/// reads all-ones descriptors there and gives up with a triple fault.
#[cold]
#[inline(never)]
fn on_interrupted_delivery<C: Control>(vcpu: &mut Vcpu<C>, interrupted: Injection) -> Option<Event> {
    let Exit::SecondLevel(fault) = vcpu.control.exit() else {
        vcpu.control.inject(interrupted);
        return None;
    };
    vcpu.count(ExitCounter::SecondLevelFault);
    Some(Event::Fault(if fault.table_walk {
        FaultReason::PageTableUnbacked(fault.gpa)
    } else {
        FaultReason::TripleFault
    }))
}

#[inline(never)]
fn answer_rare<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    match vcpu.control.exit() {
        Exit::InterruptWindow => {
            vcpu.count(ExitCounter::InterruptWindow);
        }
        Exit::Iret => interrupt::on_iret(vcpu),
        Exit::NmiWindow => interrupt::on_nmi_window(vcpu),
        // What the guest let through is delivered before the next entry.
        Exit::TaskPriority => vcpu.count(ExitCounter::ControlRegister),
        Exit::Pause => {
            vcpu.count(ExitCounter::Spin);
            // A hint: whoever waits for this CPU may be the one that the guest spins for.
            return until.map(|_| Event::Preempted);
        }
        // The processor checks the privilege level before the intercept; some emulators do not.
        Exit::CacheFlush if vcpu.control.cpl() != 0 => refuse(vcpu, env, Injection::general_protection()),
        Exit::CacheFlush => {
            // RAM is write-back and no device of the guest reads it behind the caches: nothing to flush.
            vcpu.count(ExitCounter::PrivilegedInstruction);
            vcpu.step_over(env.memory(), Opcode::CACHE_FLUSH);
        }
        Exit::ControlRegisterWrite { number, source } => control_register::on_write(vcpu, env, number, source),
        Exit::ApicWrite { offset } => interrupt::on_apic_write(vcpu, domain, env, offset),
        Exit::EndOfInterrupt { vector } => interrupt::on_end_of_interrupt(vcpu, domain, env, vector),
        Exit::Xsetbv => xsetbv::on_exit(vcpu, env),
        Exit::UndefinedInstruction => refuse(vcpu, env, Injection::undefined_opcode()),
        Exit::ForbiddenInstruction => refuse(vcpu, env, Injection::general_protection()),
        Exit::Exception { vector, code } => return on_exception(vcpu, vector, code),
        Exit::Shutdown => {
            vcpu.count(ExitCounter::Shutdown);
            return Some(Event::Fault(FaultReason::TripleFault));
        }
        Exit::InvalidState => return Some(Event::Fault(FaultReason::InvalidState)),
        Exit::Unknown(raw) => {
            vcpu.count(ExitCounter::Other);
            return Some(Event::Fault(FaultReason::UnknownExit(raw)));
        }
        // Answered before.
        Exit::Interrupt
        | Exit::SliceEnd
        | Exit::Nmi
        | Exit::Init
        | Exit::Cpuid
        | Exit::Msr { .. }
        | Exit::Hypercall
        | Exit::SecondLevel(_)
        | Exit::Port(_)
        | Exit::Halt => {}
    }
    None
}

#[inline(always)]
fn on_second_level<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) -> Option<Event> {
    let Exit::SecondLevel(fault) = vcpu.control.exit() else { return None };
    if fault.table_walk {
        vcpu.count(ExitCounter::SecondLevelFault);
        return Some(Event::Fault(FaultReason::PageTableUnbacked(fault.gpa)));
    }
    if fault.fetch {
        // An empty bus reads as all-ones, and FF FF is no instruction.
        vcpu.count(ExitCounter::UnbackedAccess);
        vcpu.raise(Injection::undefined_opcode());
        return None;
    }
    memory::start(vcpu, domain, env, fault.gpa)
}

fn on_halt<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E) -> Option<Event> {
    vcpu.count(ExitCounter::Halt);
    vcpu.step_over(env.memory(), Opcode::HLT);
    vcpu.set_activity(Activity::Halted);
    None
}

fn on_exception<C: Control>(vcpu: &mut Vcpu<C>, vector: u8, code: u32) -> Option<Event> {
    vcpu.count(ExitCounter::Exception);
    match vector {
        1 => interrupt::on_debug(vcpu),
        // Intercepted so that a guest cannot keep the processor in an endless delivery (#AC, as #DB above).
        17 => vcpu.raise(Injection::fault_with_code(17, code)),
        18 => return Some(Event::Fault(FaultReason::MachineCheck)),
        other => return Some(Event::Fault(FaultReason::UnknownExit(0x40 + u64::from(other)))),
    }
    None
}

fn refuse<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, exception: Injection) {
    vcpu.count(ExitCounter::PrivilegedInstruction);
    vcpu.count(ExitCounter::Refused);
    env.trace(TraceEvent::InstructionRefused { vector: exception.vector, instruction: vcpu.control.rip() });
    vcpu.raise(exception);
}
