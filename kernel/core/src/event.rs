//! Answers to the events that no architecture owns.

use core::sync::atomic::Ordering;

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::{ABI_VERSION, Hypercall, HypercallError};
use phalanx_arch_api::{
    Access, Arch, CpuIndex, Direction, DomainEnv, HypercallRequest, PortAccess, TraceEvent, VcpuIndex,
};

use crate::console::Typed;
use crate::machine::{Machine, Place};
use crate::run::{Env, Outcome};

/// A port that is neither the architecture's nor a UART's reads all-ones and drops writes, as an empty bus does.
pub(crate) fn port<A: Arch>(env: &Env<'_, A>, vcpu: &mut A::Vcpu, access: PortAccess) -> Outcome {
    let answer = env.domain.uart.as_ref().and_then(|uart| uart.port_access(env, access));
    let value = answer.unwrap_or_else(|| {
        A::count(vcpu, ExitCounter::UnbackedAccess);
        env.trace(TraceEvent::UnownedPort { port: access.port, write: is_write(access.direction) });
        access.size.all_ones()
    });
    A::complete_access(vcpu, value);
    Outcome::Resume
}

impl<A: Arch> Machine<A> {
    /// Moves what was typed to the domains that it was typed for.
    pub(crate) fn poll_console(&self, cpu: CpuIndex) {
        if !A::console_interrupt() && !self.more_typed.swap(false, Ordering::Relaxed) {
            return;
        }
        if self.console.poll() == Typed::More {
            self.more_typed.store(true, Ordering::Relaxed);
            self.request_reschedule(cpu);
        }
        for (number, domain) in self.domains.iter().enumerate() {
            let Some(uart) = &domain.uart else { continue };
            let place = Place { domain: number, index: VcpuIndex(0) };
            uart.poll(&Env { machine: self, domain, place, cpu });
        }
    }
}

/// A guest-physical address that is neither RAM nor a device's reads all-ones and drops writes.
pub(crate) fn memory<A: Arch>(env: &Env<'_, A>, vcpu: &mut A::Vcpu, access: Access) -> Outcome {
    let answer = env.domain.uart.as_ref().and_then(|uart| uart.memory_access(env, access));
    let value = answer.unwrap_or_else(|| {
        A::count(vcpu, ExitCounter::UnbackedAccess);
        env.trace(TraceEvent::UnbackedAddress { gpa: access.gpa, write: is_write(access.direction) });
        access.size.all_ones()
    });
    A::complete_access(vcpu, value);
    Outcome::Resume
}

const fn is_write(direction: Direction) -> bool {
    matches!(direction, Direction::Write(_))
}

/// A hypercall. Never fails: what is unknown or not allowed is an error code.
pub(crate) fn hypercall<A: Arch>(env: &Env<'_, A>, vcpu: &mut A::Vcpu, request: HypercallRequest) -> Outcome {
    let result = dispatch(env, vcpu, request).unwrap_or_else(HypercallError::code);
    A::complete_hypercall(vcpu, result);
    Outcome::Resume
}

/// The hypercalls that need neither the vCPU nor anybody else: answered without leaving the architecture's loop.
#[inline(always)]
pub(crate) fn quick_hypercall(number: u64, privileged: bool) -> Option<i64> {
    if number == Hypercall::Null.number() && privileged { Some(0) } else { None }
}

fn dispatch<A: Arch>(env: &Env<'_, A>, vcpu: &A::Vcpu, request: HypercallRequest) -> Result<i64, HypercallError> {
    if !request.privileged {
        return Err(HypercallError::NotPermitted);
    }
    match Hypercall::try_from(request.number)? {
        Hypercall::Null => Ok(0),
        Hypercall::Version => Ok(i64::from(ABI_VERSION)),
        Hypercall::ExitCount => {
            let counter = ExitCounter::from_index(request.arguments[0]).ok_or(HypercallError::InvalidArgument)?;
            Ok(i64::try_from(A::exit_count(vcpu, counter)).unwrap_or(i64::MAX))
        }
        Hypercall::DirtyLog => crate::dirty_log::read(env.domain, request.arguments),
    }
}
