//! The state of a simulated vCPU.

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{Ticks, VcpuIndex};

use crate::domain::FakeDomain;
use crate::tlb::Tlb;

/// The vector of the vCPU's own timer, as a set.
const TIMER_VECTOR: u64 = 1;

/// What the core owes the vCPU before it runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The value of a read.
    Read,
    /// The acknowledgement of a write.
    Write,
    /// The result of a hypercall.
    Hypercall,
}

/// A vCPU.
#[derive(Debug)]
pub struct FakeVcpu {
    pub(crate) index: VcpuIndex,
    pub(crate) domain: usize,
    /// The next instruction; `None` until the vCPU is started.
    pub(crate) pc: Option<u64>,
    pub(crate) accumulator: u64,
    pub(crate) counters: [u64; 4],
    /// Vectors that it has not taken.
    pub(crate) pending: u64,
    pub(crate) timer: Option<Ticks>,
    /// What is left of the computation at `pc`.
    pub(crate) remaining: Option<Ticks>,
    pub(crate) question: Option<Question>,
    /// It ended its domain: nothing of it may run before a reset.
    pub(crate) stopped: bool,
    /// The CPU that has loaded it.
    pub(crate) loaded_on: Option<usize>,
    pub(crate) tlb: Tlb,
    exits: [u64; ExitCounter::COUNT],
}

impl FakeVcpu {
    pub(crate) const fn new(domain: usize, index: VcpuIndex) -> Self {
        Self {
            index,
            domain,
            pc: None,
            accumulator: 0,
            counters: [0; 4],
            pending: 0,
            timer: None,
            remaining: None,
            question: None,
            stopped: false,
            loaded_on: None,
            tlb: Tlb::new(),
            exits: [0; ExitCounter::COUNT],
        }
    }

    /// Back to power-on.
    pub(crate) fn reset(&mut self) {
        assert_eq!(self.loaded_on, None, "{self} is reset while it is loaded");
        *self = Self::new(self.domain, self.index);
    }

    /// Takes what others have sent, and the timer if its time has come.
    pub(crate) fn drain(&mut self, domain: &FakeDomain, now: Ticks) {
        let Some(inbox) = domain.inbox(self.index) else { return };
        self.pending |= inbox.take_vectors();
        if let (Some(address), None) = (inbox.take_start(), self.pc) {
            self.pc = Some(address);
        }
        if self.timer.is_some_and(|timer| timer <= now) {
            self.timer = None;
            self.pending |= TIMER_VECTOR;
            self.count(ExitCounter::Timer);
        }
    }

    /// Closes the question that the last event asked.
    pub(crate) fn answered(&mut self, expected: &[Question]) -> Question {
        let question = self.question.take();
        match question.filter(|question| expected.contains(question)) {
            Some(question) => question,
            None => panic!("{self}: an answer to {question:?}, which is none of {expected:?}"),
        }
    }

    pub(crate) fn count(&mut self, counter: ExitCounter) {
        self.exits[counter.index()] += 1;
    }

    pub(crate) const fn exits(&self, counter: ExitCounter) -> u64 {
        self.exits[counter.index()]
    }
}

impl std::fmt::Display for FakeVcpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "domain {} vCPU {} at {:#x?}", self.domain, self.index.0, self.pc)
    }
}
