//! The machine as what runs on it sees it: the clock, interrupts, the serial line, and what guests have told.
//!
//! The static functions of [`phalanx_arch_api::Arch`] find their machine in a thread-local variable, which
//! [`World::enter`] sets; the CPU that asks is the one that the simulator resumed.

mod cpu;
mod report;
mod serial;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use phalanx_abi::bundle;
use phalanx_arch_api::table::Mapping;
use phalanx_arch_api::{Gpa, Hpa, Ticks};

pub(crate) use cpu::Cpu;
pub use report::Mark;
pub(crate) use report::Report;
pub(crate) use serial::Serial;
pub use serial::{serial_read, serial_write};

use crate::memory::Memory;
use crate::random::Random;

/// Ticks in a second of every simulated machine: a slice of the core is 1000 ticks.
pub const FREQUENCY: u64 = 500_000;

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// An operation, a look at the clock and the way of a kick take one tick each; nothing happens without a reason.
    Exact,
    /// Each takes a random time; waits end early and slices are cut short now and then.
    Random,
    /// As [`Timing::Exact`], with a clock that takes so many ticks to read.
    SlowClock(Ticks),
}

/// What differs from machine to machine besides size and timing.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// Which alternatives of a bundle fit it.
    pub alternative: u32,
    /// Most vCPUs of one domain.
    pub max_vcpus: usize,
    /// What every guest reaches directly.
    pub window: Option<Mapping<Gpa>>,
}

impl Default for Traits {
    /// A machine without alternatives and windows.
    fn default() -> Self {
        Self { alternative: bundle::ALWAYS, max_vcpus: bundle::MAX_VCPUS as usize, window: None }
    }
}

/// A machine.
pub struct World {
    /// Its RAM.
    pub memory: Memory,
    pub(crate) clock: Cell<Ticks>,
    /// The clock does not go further before the simulator is asked again.
    pub(crate) limit: Cell<Ticks>,
    pub(crate) current: Cell<Option<usize>>,
    pub(crate) cpus: RefCell<Vec<Cpu>>,
    pub(crate) serial: RefCell<Serial>,
    pub(crate) random: RefCell<Random>,
    pub(crate) report: RefCell<Report>,
    /// Roots of the domains' second-level tables, in the order of creation.
    pub(crate) roots: RefCell<Vec<Hpa>>,
    pub(crate) traits: Traits,
    timing: Timing,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// The machine that this thread simulates.
pub(crate) fn world() -> Rc<World> {
    CURRENT.with_borrow(|world| world.clone()).expect("no simulated machine was entered")
}

impl World {
    /// A machine that has just been switched on.
    #[must_use]
    pub fn new(memory: Memory, timing: Timing, seed: u64) -> Rc<Self> {
        Self::with_traits(memory, timing, seed, Traits::default())
    }

    /// As [`World::new`], with these traits.
    #[must_use]
    pub fn with_traits(memory: Memory, timing: Timing, seed: u64, traits: Traits) -> Rc<Self> {
        Rc::new(Self {
            memory,
            clock: Cell::new(0),
            limit: Cell::new(0),
            current: Cell::new(None),
            cpus: RefCell::default(),
            serial: RefCell::default(),
            random: RefCell::new(Random::new(seed)),
            report: RefCell::default(),
            roots: RefCell::default(),
            traits,
            timing,
        })
    }

    /// Does something on this machine.
    pub fn enter<T>(self: &Rc<Self>, action: impl FnOnce() -> T) -> T {
        let outer = CURRENT.replace(Some(self.clone()));
        let result = action();
        CURRENT.set(outer);
        result
    }

    /// The time, as an observer outside sees it.
    #[must_use]
    pub fn time(&self) -> Ticks {
        self.clock.get()
    }

    /// The root of a domain's second-level tables; domains count from 0 in the order of their creation.
    #[must_use]
    pub fn root(&self, domain: usize) -> Option<Hpa> {
        self.roots.borrow().get(domain).copied()
    }

    /// How long the next operation takes.
    pub(crate) fn cost(&self) -> Ticks {
        match self.timing {
            Timing::Exact | Timing::SlowClock(_) => 1,
            Timing::Random => 1 + self.random.borrow_mut().up_to(7),
        }
    }

    /// How long the next look at the clock takes.
    pub(crate) fn clock_cost(&self) -> Ticks {
        match self.timing {
            Timing::Exact => 1,
            Timing::Random => self.random.borrow_mut().up_to(3),
            Timing::SlowClock(cost) => cost,
        }
    }

    /// How long the next kick is on its way.
    fn latency(&self) -> Ticks {
        match self.timing {
            Timing::Exact | Timing::SlowClock(_) => 1,
            Timing::Random => self.random.borrow_mut().up_to(40),
        }
    }

    /// Whether something happens now that may happen at any time.
    pub(crate) fn whim(&self) -> bool {
        self.timing == Timing::Random && self.random.borrow_mut().one_in(50)
    }
}
