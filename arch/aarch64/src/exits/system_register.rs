//! Trapped system registers: the models answer, and what follows from it for the hardware happens here.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, TraceEvent, VcpuIndex};

use super::interrupt;
use super::run::refuse;
use crate::arm::Cpu;
use crate::debug_unit;
use crate::domain::Domain;
use crate::esr::Trap;
use crate::gic::Gic;
use crate::host::{set_way, timer};
use crate::stage2;
use crate::sysreg::{self, Action, Models, SgiRegister};
use crate::vcpu::Vcpu;
use crate::vgic::SgiRequest;

/// An MSR, MRS or system instruction that traps.
#[inline(always)]
pub(super) fn on_exit<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    trap: Trap,
) -> Option<Event> {
    vcpu.count(if trap.read { ExitCounter::MsrRead } else { ExitCounter::MsrWrite });
    if trap.read
        && let Some(value) = domain.id.read(trap.register)
    {
        vcpu.set_register(trap.rt, value);
        vcpu.step_over();
        return None;
    }
    on_register::<G, E>(cpu, domain, vcpu, env, trap)
}

#[inline(never)]
fn on_register<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    trap: Trap,
) -> Option<Event> {
    let value = vcpu.register(trap.rt);
    let mut models = Models { id: &domain.id, debug: &mut vcpu.debug, timer: &mut vcpu.physical_timer };
    match sysreg::access(trap, value, &mut models, timer::now()) {
        Action::Value(value) => vcpu.set_register(trap.rt, value),
        Action::Written => {}
        Action::TimerWritten => interrupt::on_timer_written::<G, E>(cpu, domain, vcpu, env),
        Action::DebugWritten => debug_unit::load(&vcpu.debug, domain.id.debug()),
        Action::Sgi { register, value } => send::<G, E>(domain, vcpu, env, register, value),
        Action::SetWay if stage2::forces_write_back() => {}
        Action::SetWay => set_way::clean_invalidate(value),
        Action::Undefined => {
            note(env, trap, value);
            refuse(vcpu, env);
            return None;
        }
    }
    vcpu.step_over();
    None
}

/// The guest sends a software-generated interrupt.
fn send<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &Vcpu, env: &E, register: SgiRegister, value: u64) {
    let request = match register {
        SgiRegister::Sgi1 => SgiRequest::from_system_register(value),
        // There is one security state, and nobody in group 0.
        SgiRegister::AliasSgi1 | SgiRegister::Sgi0 => return,
    };
    let wake = domain.vgic.send_sgi::<G>(VcpuIndex(vcpu.index), request);
    domain.wake_all(env, wake);
}

fn note<E: DomainEnv>(env: &E, trap: Trap, value: u64) {
    let register = trap.register.bits();
    env.trace(if trap.read {
        TraceEvent::RegisterReadRefused { register }
    } else {
        TraceEvent::RegisterWriteRefused { register, value }
    });
}
