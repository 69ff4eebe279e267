//! I/O port exits: the platform's own ports are answered here, all others go to the core.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{AccessSize, Direction, DomainEnv, Event, PortAccess};

use super::span::Span;
use crate::decode::{Operation, Reg, RegisterOperand, StringAccess, StringOp};
use crate::domain::Domain;
use crate::exits::kind::{Exit, PortExit};
use crate::exits::translate::Intent;
use crate::host::{instr::rdtsc, timer};
use crate::platform::{Effect, PortDevice, pmtimer};
use crate::vcpu::{Control, Injection, Question, Unfinished, Vcpu, reg};

/// Answers IN, OUT, INS and OUTS.
#[inline(always)]
pub fn on_exit<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E) -> Option<Event> {
    vcpu.count(ExitCounter::PortIo);
    let Exit::Port(exit) = vcpu.control.exit() else { return None };
    let (Some(next), false) = (exit.next_rip, exit.string) else {
        return string(vcpu, domain, env, exit);
    };
    let size = exit.size;
    if exit.input {
        let answer = read(domain, exit.port, size);
        vcpu.resume_at(next);
        match answer {
            Some(value) => set_accumulator(vcpu, size, value),
            None => return Some(ask(vcpu, Question::PortRead(size), exit, Direction::Read)),
        }
        return None;
    }
    let value = vcpu.gprs.get(reg::RAX) & size.all_ones();
    vcpu.resume_at(next);
    write(vcpu, domain, exit, value)
}

/// Merges the value of an IN into the accumulator.
#[inline(always)]
pub fn set_accumulator<C: Control>(vcpu: &mut Vcpu<C>, size: AccessSize, value: u64) {
    RegisterOperand::low(Reg::Rax).write(size, value, vcpu);
}

fn ask<C>(vcpu: &mut Vcpu<C>, question: Question, exit: PortExit, direction: Direction) -> Event {
    vcpu.question = question;
    Event::PortAccess(PortAccess { port: exit.port, size: exit.size, direction })
}

fn write<C: Control>(vcpu: &mut Vcpu<C>, domain: &Domain, exit: PortExit, value: u64) -> Option<Event> {
    if !owns(exit.port) {
        return Some(ask(vcpu, Question::Write, exit, Direction::Write(value)));
    }
    write_platform(domain, exit.port, exit.size, value).map(|effect| match effect {
        Effect::PowerOff => Event::PowerOff,
        Effect::Reset => Event::Reset,
    })
}

const fn owns(port: u16) -> bool {
    !matches!(PortDevice::of(port), None | Some(PortDevice::Com1 { .. }))
}

/// Reads a port of the platform; `None` where the core is to be asked.
#[inline(always)]
fn read(domain: &Domain, port: u16, size: AccessSize) -> Option<u64> {
    match PortDevice::of(port)? {
        PortDevice::PmTimer { offset: 0 } if size == AccessSize::B4 => Some(u64::from(pm_timer(domain))),
        PortDevice::Com1 { .. } => None,
        _ => Some(read_platform(domain, port, size)),
    }
}

#[inline(always)]
fn pm_timer(domain: &Domain) -> u32 {
    pmtimer::at_ticks(domain.age(rdtsc()), timer::frequency())
}

#[cold]
fn read_platform(domain: &Domain, port: u16, size: AccessSize) -> u64 {
    domain.platform.lock().read(port, size, domain.age(rdtsc()))
}

#[cold]
fn write_platform(domain: &Domain, port: u16, size: AccessSize, value: u64) -> Option<Effect> {
    domain.platform.lock().write(port, size, value, domain.age(rdtsc()))
}

/// INS and OUTS: one element an exit; the instruction runs again for the rest, so that interrupts get their chance.
#[cold]
fn string<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, exit: PortExit) -> Option<Event> {
    match string_element(vcpu, domain, env, exit) {
        Ok(event) => event,
        Err(exception) => {
            vcpu.raise(exception);
            None
        }
    }
}

fn string_element<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    exit: PortExit,
) -> Result<Option<Event>, Injection> {
    let instruction = vcpu.fetch_instruction(env.memory())?;
    let Operation::String(access) = instruction.operation else { return Err(Injection::undefined_opcode()) };
    if access.is_finished(vcpu) {
        vcpu.skip(instruction.length);
        return Ok(None);
    }
    match access.op {
        StringOp::Outs => output(vcpu, domain, env, exit, access, instruction.length),
        StringOp::Ins => input(vcpu, domain, env, exit, access, instruction.length),
        _ => Err(Injection::undefined_opcode()),
    }
}

fn output<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    exit: PortExit,
    access: StringAccess,
    length: u8,
) -> Result<Option<Event>, Injection> {
    let source = access.source_address(vcpu);
    let value = Span::resolve(vcpu, env, source, exit.size, Intent::Read)?.read(env.memory());
    finish_element(vcpu, access, length);
    Ok(write(vcpu, domain, exit, value))
}

fn input<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    exit: PortExit,
    access: StringAccess,
    length: u8,
) -> Result<Option<Event>, Injection> {
    // The address first: a fault must not cost the device a byte.
    let linear = access.destination_address(vcpu);
    let target = Span::resolve(vcpu, env, linear, exit.size, Intent::Write)?;
    let Some(value) = read(domain, exit.port, exit.size) else {
        vcpu.unfinished = Some(Unfinished::Input(UnfinishedInput { target, access, length }));
        return Ok(Some(ask(vcpu, Question::Unfinished, exit, Direction::Read)));
    };
    store_element(vcpu, env, UnfinishedInput { target, access, length }, value);
    Ok(None)
}

/// An INS whose element the core is to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedInput {
    target: Span,
    access: StringAccess,
    length: u8,
}

/// Stores the element that the core gave.
pub fn store_element<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, input: UnfinishedInput, value: u64) {
    input.target.write(env.memory(), value);
    finish_element(vcpu, input.access, input.length);
}

fn finish_element<C: Control>(vcpu: &mut Vcpu<C>, access: StringAccess, length: u8) {
    if access.step(vcpu) {
        vcpu.skip(length);
    }
}
