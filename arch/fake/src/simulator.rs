//! Whose turn it is: the CPU whose time comes first; among equals, chance decides.

use std::rc::Rc;

use phalanx_arch_api::{CpuIndex, Ticks};

use crate::arch::FakeCpu;
use crate::strand::Strand;
use crate::world::{Cpu, World};

/// How far a simulation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every CPU's life is over.
    Ended,
    /// Nothing will ever happen again, unless somebody types.
    Stuck,
    /// The time is up.
    TimeIsUp,
}

/// What happens next.
enum Actor {
    Cpu(usize),
    SerialLine,
}

/// A machine with its CPUs.
pub struct Simulator {
    /// Before the world, and so dropped before it: what they run may refer to its memory.
    cpus: Vec<Strand>,
    world: Rc<World>,
}

impl Simulator {
    /// No CPU yet.
    #[must_use]
    pub const fn new(world: Rc<World>) -> Self {
        Self { world, cpus: Vec::new() }
    }

    /// The machine.
    #[must_use]
    pub const fn world(&self) -> &Rc<World> {
        &self.world
    }

    /// Adds a CPU that comes up at `comes_up` and whose life is `life`.
    pub fn add_cpu(&mut self, comes_up: Ticks, life: impl FnOnce(CpuIndex, &mut FakeCpu) + 'static) {
        let index = CpuIndex(u16::try_from(self.cpus.len()).unwrap_or(u16::MAX));
        self.world.cpus.borrow_mut().push(Cpu::new(comes_up));
        self.cpus.push(Strand::new(move || life(index, &mut FakeCpu::new())));
    }

    /// Lets at most `ticks` pass.
    pub fn run(&mut self, ticks: Ticks) -> Verdict {
        let world = self.world.clone();
        world.limit.set(world.time() + ticks);
        world.enter(|| self.run_to_limit())
    }

    fn run_to_limit(&mut self) -> Verdict {
        while let Some((due, actor)) = self.next() {
            if due > self.world.limit.get() {
                self.world.clock.set(self.world.limit.get());
                return Verdict::TimeIsUp;
            }
            self.world.clock.set(due);
            match actor {
                Actor::Cpu(cpu) => self.resume(cpu),
                Actor::SerialLine => self.world.receive(),
            }
        }
        if self.world.cpus.borrow().iter().all(Cpu::has_ended) { Verdict::Ended } else { Verdict::Stuck }
    }

    fn next(&self) -> Option<(Ticks, Actor)> {
        let now = self.world.time();
        let cpus = self.world.cpus.borrow();
        let due = cpus.iter().enumerate().filter_map(|(number, cpu)| Some((cpu.due()?.max(now), Actor::Cpu(number))));
        let input = self.world.serial.borrow().next_input().map(|at| (at.max(now), Actor::SerialLine));
        let due: Vec<_> = due.chain(input).collect();
        let first = due.iter().map(|(at, _)| *at).min()?;
        let mut first: Vec<_> = due.into_iter().filter(|(at, _)| *at == first).collect();
        let choice = self.world.random.borrow_mut().below(first.len());
        Some(first.swap_remove(choice))
    }

    fn resume(&mut self, cpu: usize) {
        self.world.current.set(Some(cpu));
        let goes_on = self.cpus[cpu].resume();
        self.world.current.set(None);
        if !goes_on {
            self.world.cpus.borrow_mut()[cpu].end();
        }
    }
}
