//! The simulated processor: takes interrupts, fetches an instruction, executes it.

mod outside;
mod ram;

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::Hypercall;
use phalanx_arch_api::{AccessSize, Direction, DomainEnv, Event, FaultReason, Gpa, Ticks};

use crate::domain::FakeDomain;
use crate::op::{LENGTH, Op};
use crate::vcpu::FakeVcpu;
use crate::world::{World, world};

/// What an instruction needs.
struct Processor<'a, E> {
    world: &'a World,
    domain: &'a FakeDomain,
    vcpu: &'a mut FakeVcpu,
    env: &'a E,
    until: Option<Ticks>,
}

/// Runs the vCPU until the core has to do something.
///
/// As hardware does, it looks at the core's wishes only when an interrupt has come, the slice's timer being one.
pub(crate) fn run<E: DomainEnv>(domain: &FakeDomain, vcpu: &mut FakeVcpu, env: &E, until: Option<Ticks>) -> Event {
    let world = world();
    let mut processor = Processor { world: &world, domain, vcpu, env, until };
    processor.look_at_tlb();
    loop {
        if let Some(event) = processor.step() {
            return event;
        }
    }
}

impl<E: DomainEnv> Processor<'_, E> {
    fn step(&mut self) -> Option<Event> {
        if self.interrupted() {
            return Some(Event::Preempted);
        }
        self.vcpu.drain(self.domain, self.world.time());
        let Some(pc) = self.vcpu.pc else { return Some(self.halt()) };
        self.world.pause(self.world.cost());
        match self.fetch(pc) {
            Ok(op) => self.execute(op, pc),
            Err(reason) => Some(self.stop(Event::Fault(reason))),
        }
    }

    /// Takes interrupts. Whether the core wants the CPU back.
    fn interrupted(&mut self) -> bool {
        let expired = self.until.is_some_and(|until| until <= self.world.time());
        if !self.world.take_interrupts() && !expired {
            return self.world.whim();
        }
        self.look_at_tlb();
        self.vcpu.count(ExitCounter::Interrupt);
        expired || self.env.must_return() || self.world.serial_waits()
    }

    fn look_at_tlb(&mut self) {
        self.vcpu.tlb.look(self.world.current_cpu(), self.domain);
    }

    fn fetch(&self, pc: u64) -> Result<Op, FaultReason> {
        let unbacked = FaultReason::PageTableUnbacked(Gpa::new(pc));
        let mut words = [0; 4];
        for (word, at) in words.iter_mut().zip((pc..).step_by(8)) {
            *word = self.read(at).ok_or(unbacked)?;
        }
        Op::decode(words).ok_or(FaultReason::UnknownExit(words[0]))
    }

    fn execute(&mut self, op: Op, pc: u64) -> Option<Event> {
        match op {
            Op::Compute { ticks } => return self.compute(ticks),
            Op::Wait { vectors } => {
                let taken = self.take(vectors);
                return (!taken).then(|| self.sleep());
            }
            Op::Spin { vectors } => {
                if !self.take(vectors) {
                    self.world.wait([self.until, self.vcpu.timer].into_iter().flatten().min());
                }
                return None;
            }
            _ => self.vcpu.pc = Some(pc + LENGTH),
        }
        match op {
            Op::In { port, size } => return Some(self.port(port, size, Direction::Read)),
            Op::Out { port, size, value } => return Some(self.port(port, size, Direction::Write(value))),
            Op::OutA { port } => {
                let value = self.vcpu.accumulator & 0xff;
                return Some(self.port(port, AccessSize::B1, Direction::Write(value)));
            }
            Op::Load { gpa, size } => return self.access(gpa, size, Direction::Read),
            Op::Store { gpa, size, value } => return self.access(gpa, size, Direction::Write(value)),
            Op::Hypercall { number, argument, privileged } => {
                return self.hypercall(number, [argument, 0, 0], privileged);
            }
            Op::DirtyLog { first, frames, buffer } => {
                return self.hypercall(Hypercall::DirtyLog.number(), [first, frames, buffer], true);
            }
            Op::PowerOff {} => return Some(self.stop(Event::PowerOff)),
            Op::Reset {} => return Some(self.stop(Event::Reset)),
            Op::ResetUntil { resets } => return self.reset_until(resets),
            Op::Fault { kind } => return Some(self.stop(Event::Fault(kind.reason()))),
            other => self.execute_inside(other),
        }
        None
    }

    /// What needs nobody outside of the vCPU, or nobody but its neighbours.
    fn execute_inside(&mut self, op: Op) {
        match op {
            Op::Fill { gpa, words, pattern } => self.fill(gpa, words, pattern),
            Op::Check { gpa, words, pattern } => self.check(gpa, words, pattern),
            Op::Expect { value } => {
                let found = self.vcpu.accumulator;
                assert_eq!(found, value, "{}: the accumulator is {found:#x}, not {value:#x}", self.vcpu);
            }
            Op::Timer { ticks } => self.vcpu.timer = Some(self.world.time() + ticks),
            Op::Ipi { vcpu, vector } => self.send(vcpu, |inbox| inbox.post(vector.into())),
            Op::Start { vcpu, address } => self.send(vcpu, |inbox| inbox.post_start(address)),
            Op::Set { counter, value } => self.vcpu.counters[usize::from(counter)] = value,
            Op::Loop { counter, address } => {
                let counter = &mut self.vcpu.counters[usize::from(counter)];
                *counter = counter.saturating_sub(1);
                if *counter > 0 {
                    self.vcpu.pc = Some(address);
                }
            }
            Op::Jump { address } => self.vcpu.pc = Some(address),
            Op::JumpIfAny { mask, address } if self.vcpu.accumulator & mask != 0 => self.vcpu.pc = Some(address),
            Op::Mark { value } => self.world.mark(self.vcpu, value),
            Op::MarkA {} => self.world.mark(self.vcpu, self.vcpu.accumulator),
            _ => {}
        }
    }

    /// Computes until the end, or until something interrupts.
    fn compute(&mut self, ticks: Ticks) -> Option<Event> {
        let remaining = *self.vcpu.remaining.get_or_insert(ticks);
        let start = self.world.time();
        let ends = [Some(start + remaining), self.until, self.vcpu.timer];
        self.world.wait(ends.into_iter().flatten().min());
        let done = (self.world.time() - start).min(remaining);
        self.world.add_computed(self.vcpu, done);
        self.vcpu.remaining = Some(remaining - done).filter(|rest| *rest > 0);
        if self.vcpu.remaining.is_none() {
            self.vcpu.pc = self.vcpu.pc.map(|pc| pc + LENGTH);
        }
        None
    }

    /// Takes those of the vectors that are pending, and goes on if there are any.
    fn take(&mut self, vectors: u64) -> bool {
        let taken = self.vcpu.pending & vectors;
        if taken == 0 {
            return false;
        }
        self.vcpu.pending &= !taken;
        self.vcpu.accumulator = taken;
        self.vcpu.pc = self.vcpu.pc.map(|pc| pc + LENGTH);
        true
    }

    fn sleep(&mut self) -> Event {
        self.vcpu.count(ExitCounter::Halt);
        self.halt()
    }

    /// Between the decision to halt and the moment at which the core hears of it, others act.
    fn halt(&self) -> Event {
        self.world.pause(self.world.cost());
        Event::Halt
    }
}
