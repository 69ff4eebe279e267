//! A machine that runs, and what can be seen of it from outside.

use std::cell::RefCell;
use std::rc::Rc;

use phalanx_arch_api::{Gpa, Ticks};
use phalanx_arch_fake::{Mark, Simulator, Verdict};
use phalanx_core::Ending;

/// A machine that has been switched on.
pub struct Run {
    pub(crate) simulator: Simulator,
    pub(crate) endings: Rc<RefCell<Vec<Ending>>>,
}

impl Run {
    /// Lets at most `ticks` pass.
    pub fn run(&mut self, ticks: Ticks) -> Verdict {
        self.simulator.run(ticks)
    }

    /// The time.
    #[must_use]
    pub fn time(&self) -> Ticks {
        self.simulator.world().time()
    }

    /// What each CPU's life ended with, for those whose life is over.
    #[must_use]
    pub fn endings(&self) -> Vec<Ending> {
        self.endings.borrow().clone()
    }

    /// The lines on the serial line's screen; the last one may be unfinished.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.simulator.world().screen().replace("\r\n", "\n").lines().map(str::to_owned).collect()
    }

    /// How many lines on the screen say exactly this.
    #[must_use]
    pub fn count_lines(&self, text: &str) -> usize {
        self.lines().iter().filter(|line| *line == text).count()
    }

    /// Somebody types this at that time.
    pub fn type_at(&self, at: Ticks, text: &[u8]) {
        self.simulator.world().type_at(at, text);
    }

    /// What a domain's guest told, in order.
    #[must_use]
    pub fn marks(&self, domain: usize) -> Vec<Mark> {
        self.simulator.world().marks().into_iter().filter(|mark| mark.domain == domain).collect()
    }

    /// The values of [`Run::marks`].
    #[must_use]
    pub fn told(&self, domain: usize) -> Vec<u64> {
        self.marks(domain).iter().map(|mark| mark.value).collect()
    }

    /// How long a vCPU has computed.
    #[must_use]
    pub fn computed(&self, domain: usize, vcpu: u8) -> Ticks {
        self.simulator.world().computed(domain, vcpu)
    }

    /// A hash of a piece of a domain's RAM, read through its second-level tables. `None` where a part is not mapped.
    #[must_use]
    pub fn hash(&self, domain: usize, gpa: u64, bytes: u64) -> Option<u64> {
        let world = self.simulator.world();
        world.memory.hash(world.root(domain)?, Gpa::new(gpa), bytes)
    }
}
