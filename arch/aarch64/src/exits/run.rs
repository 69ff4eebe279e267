//! The loop around the guest: prepare, enter, decode, answer; out of it only for what the core has to decide.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, FaultReason, Ticks, TraceEvent, VcpuIndex};

use super::{call, inject, interrupt, memory, system_register};
use crate::arm::Cpu;
use crate::debug_unit;
use crate::domain::Domain;
use crate::enter::{Vector, enter};
use crate::esr::{self, Exit, Wait};
use crate::gic::Gic;
use crate::host::timer;
use crate::keys;
use crate::power::Power;
use crate::register::{isb, mrs, msr};
use crate::vcpu::{FirstInstruction, Vcpu};

/// Runs the vCPU until something happens that this architecture cannot answer, or until `until`.
pub fn run<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    until: Option<Ticks>,
) -> Event {
    if let Err(event) = prepare::<G, E>(cpu, domain, vcpu, env, until) {
        return event;
    }
    loop {
        let answer = match enter(&mut vcpu.context) {
            Vector::Synchronous => on_synchronous::<G, E>(cpu, domain, vcpu, env),
            Vector::Interrupt => interrupt::on_exit::<G, E>(cpu, domain, vcpu, env, until),
            Vector::SystemError => {
                vcpu.count(ExitCounter::Other);
                Some(Event::Fault(FaultReason::MachineCheck))
            }
        };
        if let Some(event) = answer {
            return event;
        }
    }
}

/// What has to be done once before the first entry: a start that waits, the timer, interrupts that came meanwhile.
///
/// # Errors
/// The event with which a vCPU ends that has nothing to run.
fn prepare<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    until: Option<Ticks>,
) -> Result<(), Event> {
    if vcpu.first.is_some() || domain.switch(vcpu).power() != Power::On {
        begin::<G, E>(domain, vcpu, env)?;
    }
    interrupt::prepare::<G, E>(cpu, domain, vcpu, env, until);
    Ok(())
}

/// The domain begins here, or another vCPU turned this one on.
#[cold]
#[inline(never)]
fn begin<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E) -> Result<(), Event> {
    if let Some(first) = vcpu.first.take() {
        domain.set_power_on(timer::now());
        msr!("CNTVOFF_EL2", domain.counter_offset());
        vcpu.begin(first);
        domain.switch(vcpu).set_on();
    } else {
        let start = domain.switch(vcpu).take_start().ok_or(Event::Halt)?;
        vcpu.begin(FirstInstruction { pc: start.entry, x: [start.context, 0, 0, 0] });
    }
    debug_unit::load(&vcpu.debug, domain.id.debug());
    if keys::present() {
        vcpu.keys.load();
    }
    forget_translations();
    let wake = domain.vgic.restart::<G>(VcpuIndex(vcpu.index));
    domain.wake_all(env, wake);
    Ok(())
}

/// A vCPU that begins a life has no translations of an earlier one.
fn forget_translations() {
    // SAFETY: invalidates what the processor would look up again.
    unsafe {
        core::arch::asm!("tlbi vmalle1is", "dsb ish", "ic ialluis", "dsb ish", options(nostack, preserves_flags))
    };
    isb();
}

/// The two hottest classes are asked for before the rest. Reading the register anew keeps the compiler from joining the
/// questions into one search over all classes, which takes longer than any of these answers.
#[inline(always)]
fn on_synchronous<G: Gic, E: DomainEnv>(cpu: &mut Cpu, domain: &Domain, vcpu: &mut Vcpu, env: &E) -> Option<Event> {
    let esr = mrs!("ESR_EL2");
    if esr::is_hvc(esr) {
        return call::on_hvc::<G, E>(domain, vcpu, env, esr);
    }
    if let Some(abort) = esr::data_abort(mrs!("ESR_EL2")) {
        return memory::on_data_abort::<G, E>(domain, vcpu, env, abort);
    }
    match esr::decode(mrs!("ESR_EL2")) {
        Exit::SystemRegister(trap) => system_register::on_exit::<G, E>(cpu, domain, vcpu, env, trap),
        Exit::Wait(wait) => on_wait::<G, E>(domain, vcpu, env, wait),
        Exit::Smc { immediate } => call::on_smc::<G, E>(domain, vcpu, env, immediate),
        Exit::InstructionAbort(abort) => memory::on_instruction_abort(vcpu, env, abort),
        rare => on_rare(vcpu, env, rare),
    }
}

/// WFI: the guest waits, unless something is there already. The timed form, which is hidden, may end at once.
fn on_wait<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, wait: Wait) -> Option<Event> {
    vcpu.count(ExitCounter::Halt);
    vcpu.step_over_bytes(esr::instruction_bytes(mrs!("ESR_EL2")));
    if wait.timed || wait.event {
        return None;
    }
    halt::<G, E>(domain, vcpu, env)
}

/// Waits for an interrupt, unless one is there.
pub(super) fn halt<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E) -> Option<Event> {
    interrupt::sync::<G, E>(domain, vcpu, env);
    if domain.vgic.wakes::<G>(VcpuIndex(vcpu.index)) {
        return None;
    }
    interrupt::note_wake_time(domain, vcpu);
    Some(Event::Halt)
}

#[inline(never)]
fn on_rare<E: DomainEnv>(vcpu: &mut Vcpu, env: &E, exit: Exit) -> Option<Event> {
    vcpu.count(ExitCounter::PrivilegedInstruction);
    match exit {
        Exit::Unknown(raw) => Some(Event::Fault(FaultReason::UnknownExit(raw))),
        // SVE, SME, pointer authentication where it is hidden, and whatever else the guest was told that it has not.
        _ => {
            refuse(vcpu, env);
            None
        }
    }
}

/// The instruction is UNDEFINED for this guest.
pub(super) fn refuse<E: DomainEnv>(vcpu: &mut Vcpu, env: &E) {
    vcpu.count(ExitCounter::Refused);
    env.trace(TraceEvent::InstructionRefused { vector: 0, instruction: mrs!("ELR_EL2") });
    inject::undefined(vcpu);
}
