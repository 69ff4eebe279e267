//! Answers to the events that no architecture owns.

use core::sync::atomic::Ordering;

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::{ABI_VERSION, Hypercall, HypercallError};
use phalanx_arch_api::{
    Access, Arch, CpuIndex, Direction, DomainEnv, HypercallRequest, PortAccess, TraceEvent, VcpuIndex,
};

use crate::console::{Effect, Ns16550, Typed, offset};
use crate::domain::Uart;
use crate::machine::{Machine, Place};
use crate::run::{Env, Outcome};

/// Registers of a 16550.
const UART_PORTS: u16 = 8;

/// A port that is neither the architecture's nor a UART's reads all-ones and drops writes, as an empty bus does.
pub(crate) fn port<A: Arch>(machine: &Machine<A>, env: &Env<'_, A>, vcpu: &mut A::Vcpu, access: PortAccess) -> Outcome {
    let uart = env.domain.uart.as_ref();
    let owned = uart.and_then(|uart| {
        let offset = access.port.checked_sub(uart.base_port).filter(|offset| *offset < UART_PORTS)?;
        Some((uart, offset as u8))
    });
    let value = match owned {
        Some((uart, offset)) => uart_access(machine, env, uart, offset, access),
        None => {
            A::count(vcpu, ExitCounter::UnbackedAccess);
            env.trace(TraceEvent::UnownedPort { port: access.port, write: is_write(access.direction) });
            access.size.all_ones()
        }
    };
    A::complete_access(vcpu, value);
    Outcome::Resume
}

/// A wider access is that many byte accesses at ascending ports, as the ISA bus splits it.
fn uart_access<A: Arch>(machine: &Machine<A>, env: &Env<'_, A>, uart: &Uart<A>, offset: u8, access: PortAccess) -> u64 {
    let mut value = access.size.all_ones();
    for lane in 0..access.size.bytes() as u8 {
        let register = offset + lane;
        if u16::from(register) >= UART_PORTS {
            break;
        }
        let shift = 8 * u32::from(lane);
        match access.direction {
            Direction::Read => {
                let byte = uart_read(machine, uart, register);
                value = value & !(0xff << shift) | u64::from(byte) << shift;
            }
            Direction::Write(data) => uart_write(machine, uart, register, (data >> shift) as u8),
        }
    }
    update_line(env, uart);
    value
}

fn uart_read<A: Arch>(machine: &Machine<A>, uart: &Uart<A>, register: u8) -> u8 {
    let mut model = uart.model.lock();
    let byte = model.read(register);
    if register == offset::RECEIVE_BUFFER {
        refill(machine, uart, &mut model);
    }
    byte
}

/// Goes on with what was typed ahead once the guest has emptied its FIFO.
fn refill<A: Arch>(machine: &Machine<A>, uart: &Uart<A>, model: &mut Ns16550) {
    if let Some(port) = uart.port.filter(|_| model.is_drained()) {
        machine.console.feed(port, model);
    }
}

fn uart_write<A: Arch>(machine: &Machine<A>, uart: &Uart<A>, register: u8, byte: u8) {
    let mut model = uart.model.lock();
    let effect = model.write(register, byte);
    if register == offset::FIFO_CONTROL {
        refill(machine, uart, &mut model);
    }
    drop(model);
    if let (Effect::Transmit(byte), Some(port)) = (effect, uart.port) {
        machine.console.transmit(port, byte);
    }
}

/// Brings the interrupt controller up to date with the UART's line.
pub(crate) fn update_line<A: Arch>(env: &Env<'_, A>, uart: &Uart<A>) {
    let model = uart.model.lock();
    let level = model.interrupt();
    if uart.line.swap(level, Ordering::AcqRel) != level {
        A::set_line(&env.domain.arch, env, uart.irq, level);
    }
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
            let Some(port) = uart.port else { continue };
            self.console.feed(port, &mut uart.model.lock());
            let place = Place { domain: number, index: VcpuIndex(0) };
            update_line(&Env { machine: self, domain, place, cpu }, uart);
        }
    }
}

/// A guest-physical address that is neither RAM nor a device.
pub(crate) fn unbacked<A: Arch>(env: &Env<'_, A>, vcpu: &mut A::Vcpu, access: Access) -> Outcome {
    A::count(vcpu, ExitCounter::UnbackedAccess);
    env.trace(TraceEvent::UnbackedAddress { gpa: access.gpa, write: is_write(access.direction) });
    A::complete_access(vcpu, access.size.all_ones());
    Outcome::Resume
}

const fn is_write(direction: Direction) -> bool {
    matches!(direction, Direction::Write(_))
}

/// A hypercall. Never fails: what is unknown or not allowed is an error code.
pub(crate) fn hypercall<A: Arch>(vcpu: &mut A::Vcpu, request: HypercallRequest) -> Outcome {
    let result = dispatch::<A>(vcpu, request).unwrap_or_else(HypercallError::code);
    A::complete_hypercall(vcpu, result);
    Outcome::Resume
}

/// The hypercalls that need neither the vCPU nor anybody else: answered without leaving the architecture's loop.
#[inline(always)]
pub(crate) fn quick_hypercall(number: u64, privileged: bool) -> Option<i64> {
    if number == Hypercall::Null.number() && privileged { Some(0) } else { None }
}

fn dispatch<A: Arch>(vcpu: &A::Vcpu, request: HypercallRequest) -> Result<i64, HypercallError> {
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
    }
}
