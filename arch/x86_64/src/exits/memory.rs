//! Instructions that touch a guest-physical address without RAM: carried out here, one element at a time.
//!
//! An address belongs to the local APIC, to the IO-APIC, to RAM (the other operand of a string instruction) or to nobody
//! here; then the core is asked and the instruction waits, half done, until the answer is there.
#![forbid(unsafe_code)]

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Access, AccessSize, Direction, DomainEnv, Event, Gpa, GuestMemory};

use crate::decode::{Instruction, MemoryAccess, Operation, StringAccess, StringOp};
use crate::domain::Domain;
use crate::exits::interrupt;
use crate::exits::translate::{Intent, translate};
use crate::vcpu::{Control, Injection, Question, Unfinished, Vcpu};
use crate::vlapic::Mode;

/// The IO-APIC's page.
const IOAPIC_PAGE: u64 = 0xfec0_0000;
/// The local APIC's page.
const APIC_PAGE: u64 = 0xfee0_0000;

/// An instruction in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emulation {
    instruction: Instruction,
    /// The address that faulted: the memory operand of everything but string instructions.
    fault: Gpa,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The (first) operand is to be read.
    Read,
    /// The second operand of CMPS is to be read; the first was this.
    ReadSecond(u64),
    /// This value is to be written.
    Write(u64),
}

/// Why an emulation stopped.
enum Stop {
    /// The guest takes an exception instead; nothing of the instruction is visible.
    Fault(Injection),
    /// The core has to answer first.
    Ask(Access),
}

/// Emulates the instruction that faulted at `fault`. `Some` where the core is asked.
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

/// The guest-physical address space as an instruction sees it.
struct Bus<'a, E> {
    domain: &'a Domain,
    env: &'a E,
    answer: Option<u64>,
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

    /// An operand on two pages of which one is not RAM: byte by byte, and what is not RAM is an empty bus.
    #[cold]
    fn memory_on_two_pages<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        linear: u64,
        access: MemoryAccess,
    ) -> Result<bool, Stop> {
        vcpu.count(ExitCounter::UnbackedAccess);
        let intent = if access.writes() { Intent::Write } else { Intent::Read };
        let mut places = [Gpa::new(0); 8];
        let mut bytes = [0xff; 8];
        let used = access.size.bytes() as usize;
        for (index, (place_of_byte, byte)) in places.iter_mut().zip(&mut bytes).take(used).enumerate() {
            *place_of_byte = place(vcpu, self.env, linear.wrapping_add(index as u64), intent)?;
            // Outside RAM the byte stays all-ones.
            let _ = self.env.memory().read(*place_of_byte, core::slice::from_mut(byte));
        }
        if let Some(result) = access.execute(u64::from_le_bytes(bytes), vcpu) {
            for (at, byte) in places.into_iter().zip(result.to_le_bytes()).take(used) {
                // Outside RAM the byte is dropped.
                let _ = self.env.memory().write(at, &[byte]);
            }
        }
        Ok(true)
    }

    fn string<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<bool, Stop> {
        if access.is_finished(vcpu) {
            return Ok(true);
        }
        match access.op {
            StringOp::Movs => self.movs(vcpu, emulation, access)?,
            StringOp::Stos => {
                let value = access.accumulator(vcpu);
                let target = place(vcpu, self.env, access.destination_address(vcpu), Intent::Write)?;
                self.write(vcpu, target, access.size, value)?;
            }
            StringOp::Lods => {
                let source = place(vcpu, self.env, access.source_address(vcpu), Intent::Read)?;
                let value = self.read(vcpu, source, access.size)?;
                access.load(value, vcpu);
            }
            StringOp::Scas => {
                let target = place(vcpu, self.env, access.destination_address(vcpu), Intent::Read)?;
                let value = self.read(vcpu, target, access.size)?;
                access.compare(access.accumulator(vcpu), value, vcpu);
            }
            StringOp::Cmps => self.cmps(vcpu, emulation, access)?,
            // They exit as port accesses, not here.
            StringOp::Ins | StringOp::Outs => return Err(Stop::Fault(Injection::undefined_opcode())),
        }
        Ok(access.step(vcpu))
    }

    fn movs<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<(), Stop> {
        if emulation.stage == Stage::Read {
            let source = place(vcpu, self.env, access.source_address(vcpu), Intent::Read)?;
            emulation.stage = Stage::Write(self.read(vcpu, source, access.size)?);
        }
        let target = place(vcpu, self.env, access.destination_address(vcpu), Intent::Write)?;
        match emulation.stage {
            Stage::Write(value) => self.write(vcpu, target, access.size, value),
            Stage::Read | Stage::ReadSecond(_) => Ok(()),
        }
    }

    fn cmps<C: Control>(
        &mut self,
        vcpu: &mut Vcpu<C>,
        emulation: &mut Emulation,
        access: StringAccess,
    ) -> Result<(), Stop> {
        if emulation.stage == Stage::Read {
            let source = place(vcpu, self.env, access.source_address(vcpu), Intent::Read)?;
            emulation.stage = Stage::ReadSecond(self.read(vcpu, source, access.size)?);
        }
        let target = place(vcpu, self.env, access.destination_address(vcpu), Intent::Read)?;
        let second = self.read(vcpu, target, access.size)?;
        if let Stage::ReadSecond(first) = emulation.stage {
            access.compare(first, second, vcpu);
        }
        Ok(())
    }

    fn read<C: Control>(&mut self, vcpu: &mut Vcpu<C>, gpa: Gpa, size: AccessSize) -> Result<u64, Stop> {
        if let Some(answer) = self.answer.take() {
            return Ok(answer & size.all_ones());
        }
        match owner(vcpu, gpa) {
            Owner::LocalApic(offset) => {
                vcpu.count(ExitCounter::ApicAccess);
                let now = interrupt::guest_now(vcpu);
                Ok(widen(size, offset, |offset| vcpu.apic.read(offset, now)))
            }
            Owner::IoApic(offset) => {
                vcpu.count(ExitCounter::IoApicAccess);
                Ok(widen(size, offset, |offset| self.domain.ioapic_read(offset)))
            }
            Owner::Other => {
                let mut bytes = [0; 8];
                let target = bytes.get_mut(..size.bytes() as usize).unwrap_or_default();
                match self.env.memory().read(gpa, target) {
                    Ok(()) => Ok(u64::from_le_bytes(bytes)),
                    Err(_) => Err(Stop::Ask(Access { gpa, size, direction: Direction::Read })),
                }
            }
        }
    }

    fn write<C: Control>(&mut self, vcpu: &mut Vcpu<C>, gpa: Gpa, size: AccessSize, value: u64) -> Result<(), Stop> {
        if self.answer.take().is_some() {
            return Ok(());
        }
        // Registers of both APICs are 32 bits wide; narrower writes are undefined there and dropped.
        let whole = matches!(size, AccessSize::B4 | AccessSize::B8);
        match owner(vcpu, gpa) {
            Owner::LocalApic(offset) => {
                vcpu.count(ExitCounter::ApicAccess);
                if whole {
                    let now = interrupt::guest_now(vcpu);
                    let effect = vcpu.apic.write(offset, (value & 0xffff_ffff) as u32, now);
                    interrupt::apply(vcpu, self.domain, self.env, effect);
                }
            }
            Owner::IoApic(offset) => {
                vcpu.count(ExitCounter::IoApicAccess);
                if whole {
                    self.domain.ioapic_write(self.env, offset, (value & 0xffff_ffff) as u32);
                }
            }
            Owner::Other => {
                let bytes = value.to_le_bytes();
                let source = bytes.get(..size.bytes() as usize).unwrap_or_default();
                if self.env.memory().write(gpa, source).is_err() {
                    return Err(Stop::Ask(Access { gpa, size, direction: Direction::Write(value) }));
                }
            }
        }
        Ok(())
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
    (linear % FRAME_SIZE + size > FRAME_SIZE).then_some(linear)
}

/// Whose registers are at an address.
enum Owner {
    LocalApic(u16),
    IoApic(u16),
    Other,
}

#[inline]
fn owner<C>(vcpu: &Vcpu<C>, gpa: Gpa) -> Owner {
    let offset = (gpa.page_offset() & 0xfff) as u16;
    match gpa.as_u64() & !0xfff {
        APIC_PAGE if vcpu.apic.mode() == Mode::XApic => Owner::LocalApic(offset),
        IOAPIC_PAGE => Owner::IoApic(offset),
        _ => Owner::Other,
    }
}

/// Registers are 32 bits wide: a 64-bit access covers two of them.
#[inline]
fn widen(size: AccessSize, offset: u16, mut read: impl FnMut(u16) -> u32) -> u64 {
    let low = u64::from(read(offset));
    let value = if size == AccessSize::B8 { low | u64::from(read(offset.wrapping_add(4) & 0xfff)) << 32 } else { low };
    value & size.all_ones()
}

/// Where a string element lies.
fn place<C: Control, E: DomainEnv>(vcpu: &mut Vcpu<C>, env: &E, linear: u64, intent: Intent) -> Result<Gpa, Stop> {
    translate(vcpu, env.memory(), linear, intent).map_err(Stop::Fault)
}
