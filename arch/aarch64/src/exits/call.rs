//! HVC and SMC: PSCI and the rest of SMCCC with immediate 0, Phalanx's own hypercalls with their immediate.

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::ARM_IMMEDIATE;
use phalanx_arch_api::{DomainEnv, Event, Gpa, GuestMemory, HypercallRequest, VcpuIndex};

use super::run::halt;
use crate::domain::Domain;
use crate::esr;
use crate::gic::Gic;
use crate::power::{Power, PowerSwitch, Start};
use crate::psci;
use crate::register::mrs;
use crate::smccc::{self, Answer, PowerState, PowerView};
use crate::vcpu::Vcpu;

/// Bits 2 and 3 of PSTATE's mode: the exception level.
const EXCEPTION_LEVEL: u64 = 3 << 2;

/// HVC: the return address is behind the instruction already.
#[inline(always)]
pub(super) fn on_hvc<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, esr: u64) -> Option<Event> {
    vcpu.count(ExitCounter::Hypercall);
    let immediate = esr::immediate(esr);
    if immediate != 0 {
        return on_hypercall(vcpu, env, immediate);
    }
    if let Some(answer) = smccc::quick(vcpu.register(0)) {
        vcpu.set_register(0, answer);
        return None;
    }
    on_smccc::<G, E>(domain, vcpu, env)
}

/// SMC: trapped before it executes, so it is stepped over; otherwise the same services.
#[inline(never)]
pub(super) fn on_smc<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, immediate: u16) -> Option<Event> {
    vcpu.step_over();
    vcpu.count(ExitCounter::Hypercall);
    if immediate == 0 {
        return on_smccc::<G, E>(domain, vcpu, env);
    }
    vcpu.set_register(0, smccc::NOT_SUPPORTED);
    None
}

/// A hypercall of Phalanx (`phalanx_abi::hypercall`).
fn on_hypercall<E: DomainEnv>(vcpu: &mut Vcpu, env: &E, immediate: u16) -> Option<Event> {
    if immediate != ARM_IMMEDIATE {
        vcpu.set_register(0, smccc::NOT_SUPPORTED);
        return None;
    }
    let number = vcpu.register(0);
    let privileged = mrs!("SPSR_EL2") & EXCEPTION_LEVEL != 0;
    if let Some(result) = env.quick_hypercall(number, privileged) {
        vcpu.set_register(0, result.cast_unsigned());
        return None;
    }
    let arguments = [vcpu.register(1), vcpu.register(2), vcpu.register(3)];
    Some(Event::Hypercall(HypercallRequest { number, arguments, privileged }))
}

#[inline(never)]
fn on_smccc<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E) -> Option<Event> {
    let arguments = [vcpu.register(1), vcpu.register(2), vcpu.register(3)];
    match smccc::call(vcpu.register(0), arguments, &View { domain, env }) {
        Answer::Return(value) => vcpu.set_register(0, value),
        Answer::ReturnWords(words) => {
            for (register, word) in (0..).zip(words) {
                vcpu.set_register(register, word);
            }
        }
        Answer::CpuOn { vcpu: target, entry, context } => {
            let result = turn_on(domain, env, target, Start { entry, context });
            vcpu.set_register(0, result);
        }
        Answer::CpuOff => {
            domain.switch(vcpu).turn_off();
            vcpu.wake_at = None;
            return Some(Event::Halt);
        }
        Answer::Suspend => {
            vcpu.set_register(0, smccc::SUCCESS);
            return halt::<G, E>(domain, vcpu, env);
        }
        Answer::SystemOff => return Some(Event::PowerOff),
        Answer::SystemReset => return Some(Event::Reset),
    }
    None
}

/// Turns another vCPU on; the result is PSCI's.
fn turn_on<E: DomainEnv>(domain: &Domain, env: &E, target: VcpuIndex, start: Start) -> u64 {
    let Some(switch) = domain.power.get(usize::from(target.0)) else { return smccc::NOT_SUPPORTED };
    match switch.turn_on(start) {
        Ok(()) => {
            env.wake(target);
            smccc::SUCCESS
        }
        Err(Power::On) => psci::ALREADY_ON,
        Err(_) => psci::ON_PENDING,
    }
}

/// The domain, as PSCI asks about it.
struct View<'a, E> {
    domain: &'a Domain,
    env: &'a E,
}

impl<E: DomainEnv> PowerView for View<'_, E> {
    fn vcpus(&self) -> usize {
        self.domain.power.len()
    }

    fn power(&self, vcpu: VcpuIndex) -> PowerState {
        match self.domain.power.get(usize::from(vcpu.0)).map(PowerSwitch::power) {
            Some(Power::On) => PowerState::On,
            Some(Power::Claimed | Power::Pending) => PowerState::Pending,
            Some(Power::Off) | None => PowerState::Off,
        }
    }

    fn is_ram(&self, address: Gpa) -> bool {
        self.env.memory().read_u32(address).is_ok()
    }
}
