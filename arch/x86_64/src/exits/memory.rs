//! Instructions that touch a guest-physical address without RAM: carried out here, one element at a time.
//!
//! An address belongs to the local APIC, to the IO-APIC, to RAM (the other operand of a string instruction) or to nobody
//! here; then the core is asked and the instruction waits, half done, until the answer is there.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{DomainEnv, Event, Gpa};

use super::bus::{Bus, Stop};
use super::span::Span;
use super::translate::Intent;
use crate::decode::{Instruction, MemoryAccess, Operation};
use crate::domain::Domain;
use crate::vcpu::{Control, Injection, Question, Unfinished, Vcpu};

/// An instruction in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emulation {
    pub(super) instruction: Instruction,
    /// The address that faulted: the memory operand of everything but string instructions.
    fault: Gpa,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The (first) operand is to be read.
    Read,
    /// The second operand of CMPS is to be read; the first was this.
    ReadSecond(u64),
    /// This value is to be written.
    Write(u64),
}

/// Emulates the instruction that faulted at `fault`. `Some` where the core is asked.
///
/// Inlined by hand: the loop that records is a second caller, and the compiler would not.
#[inline(always)]
pub fn start<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, domain: &Domain, env: &E, fault: Gpa) -> Option<Event> {
    let instruction = match vcpu.fetch_instruction(env.memory()) {
        Ok(instruction) => instruction,
        Err(exception) => {
            vcpu.raise(exception);
            return None;
        }
    };
    resume(vcpu, domain, env, Emulation { instruction, fault, stage: Stage::Read }, None)
}

/// Goes on, with the core's answer where it was asked.
pub fn resume<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    mut emulation: Emulation,
    answer: Option<u64>,
) -> Option<Event> {
    let mut bus = Bus { domain, env, answer };
    let result = match emulation.instruction.operation {
        Operation::Memory(access) => bus.memory(vcpu, &mut emulation, access),
        Operation::String(access) => bus.string(vcpu, &mut emulation, access),
        Operation::System(_) => Err(Stop::Fault(Injection::undefined_opcode())),
    };
    match result {
        Ok(true) => vcpu.skip(emulation.instruction.length),
        // More elements: the instruction runs again, and interrupts get their chance.
        Ok(false) => {}
        Err(Stop::Fault(exception)) => vcpu.raise(exception),
        Err(Stop::Ask(access)) => {
            vcpu.question = Question::Unfinished;
            vcpu.unfinished = Some(Unfinished::Emulation(emulation));
            return Some(Event::Access(access));
        }
    }
    None
}

impl<E: DomainEnv> Bus<'_, E> {
    fn memory<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: MemoryAccess,
    ) -> Result<bool, Stop> {
        if let Some(linear) = crossing(vcpu, emulation.fault, &access) {
            return self.memory_on_two_pages(vcpu, linear, access);
        }
        if emulation.stage == Stage::Read {
            let value = if access.reads() { self.read(vcpu, emulation.fault, access.size)? } else { 0 };
            match access.execute(value, vcpu) {
                Some(result) => emulation.stage = Stage::Write(result),
                None => return Ok(true),
            }
        }
        if let Stage::Write(value) = emulation.stage {
            self.write(vcpu, emulation.fault, access.size, value)?;
        }
        Ok(true)
    }

    /// An operand on two pages of which one is not RAM.
    #[cold]
    fn memory_on_two_pages<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        linear: u64,
        access: MemoryAccess,
    ) -> Result<bool, Stop> {
        vcpu.count(ExitCounter::UnbackedAccess);
        let intent = if access.writes() { Intent::Write } else { Intent::Read };
        let span = Span::resolve(vcpu, self.env, linear, access.size, intent).map_err(Stop::Fault)?;
        if let Some(result) = access.execute(span.read(self.env.memory()), vcpu) {
            span.write(self.env.memory(), result);
        }
        Ok(true)
    }
}

/// The linear address of an operand that lies on two pages; `None` for all others.
///
/// The fault names either a byte near the end of the first page or the first byte of the second.
#[inline(always)]
fn crossing<C: Control>(vcpu: &Vcpu<C>, fault: Gpa, access: &MemoryAccess) -> Option<u64> {
    let (offset, size) = (fault.page_offset(), u64::from(access.size.bytes()));
    if offset + size <= FRAME_SIZE && offset >= 8 {
        return None;
    }
    let linear = access.linear_address(vcpu);
    Span::crosses(linear, access.size).then_some(linear)
}
