//! HVC and SMC: PSCI and the rest of SMCCC with immediate 0, Phalanx's own hypercalls with their immediate.

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::ARM_IMMEDIATE;
use phalanx_arch_api::{DomainEnv, Event, Gpa, GuestMemory, HypercallRequest, VcpuIndex};

use crate::domain::Domain;
use crate::power::{Power, Start};
use crate::register::mrs;
use crate::smccc::{self, Answer, PowerView};
use crate::vcpu::Vcpu;

/// Bits 2 and 3 of PSTATE's mode: the exception level.
const EXCEPTION_LEVEL: u64 = 3 << 2;

/// HVC: the return address is behind the instruction already.
#[inline(always)]
pub(super) fn on_hvc<E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, immediate: u16) -> Option<Event> {
    vcpu.count(ExitCounter::Hypercall);
    if immediate == 0 { on_smccc(domain, vcpu, env) } else { on_hypercall(vcpu, env, immediate) }
}

/// SMC: trapped before it executes, so it is stepped over; otherwise the same services.
#[inline(never)]
pub(super) fn on_smc<E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, immediate: u16) -> Option<Event> {
    vcpu.step_over();
    vcpu.count(ExitCounter::Hypercall);
    if immediate == 0 {
        return on_smccc(domain, vcpu, env);
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

#[inline(always)]
fn on_smccc<E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E) -> Option<Event> {
    let function = vcpu.register(0);
    if function == smccc::PSCI_VERSION {
        vcpu.set_register(0, smccc::PSCI_1_1);
        return None;
    }
    on_service(domain, vcpu, env, function)
}

#[inline(never)]
fn on_service<E: DomainEnv>(domain: &Domain, vcpu: &mut Vcpu, env: &E, function: u64) -> Option<Event> {
    let arguments = [vcpu.register(1), vcpu.register(2), vcpu.register(3)];
    match smccc::call(function, arguments, &View { domain, env }) {
        Answer::Return(values) => {
            for (register, value) in (0..).zip(values) {
                vcpu.set_register(register, value);
            }
            None
        }
        _ => None,
    }
}
