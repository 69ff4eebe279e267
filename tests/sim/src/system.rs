//! From guests to a machine that runs them, by the way that the kernel takes: bundle, frames, domains, CPUs.

use std::cell::RefCell;
use std::rc::Rc;

use phalanx_abi::bundle::{Architecture, Bundle, BundleWriter};
use phalanx_arch_api::{Hfn, Ticks};
use phalanx_arch_fake::{Fake, Memory, Random, Simulator, Timing, Traits, World};
use phalanx_core::console::{Console, Output};
use phalanx_core::{Machine, SetupError};

use crate::frames;
use crate::guest::{Guest, PAGE};
use crate::run::Run;

/// The first frame of the machine's RAM: not 0, so that guest and host addresses differ.
const FIRST_FRAME: u64 = 0x1000;
/// Pages for a domain's second-level tables: a root, and three levels below for one region.
const TABLES: u64 = 8;
/// Random machines' CPUs come up within so many ticks.
const COMING_UP: Ticks = 2000;

/// A machine and its guests, before it is switched on.
#[derive(Clone, Debug)]
pub struct System {
    cpus: u16,
    timing: Timing,
    seed: u64,
    memory: Option<u64>,
    traits: Traits,
    guests: Vec<Guest>,
}

/// The machine's serial line, as the core writes to it.
struct SerialLine;

impl Output for SerialLine {
    fn write(&self, byte: u8) {
        phalanx_arch_fake::serial_write(byte);
    }

    fn read(&self) -> Option<u8> {
        phalanx_arch_fake::serial_read()
    }
}

impl System {
    /// A machine with so many CPUs and exact timing.
    #[must_use]
    pub fn new(cpus: u16) -> Self {
        Self { cpus, timing: Timing::Exact, seed: 0, memory: None, traits: Traits::default(), guests: Vec::new() }
    }

    /// Random timing from this seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        (self.timing, self.seed) = (Timing::Random, seed);
        self
    }

    /// Another timing.
    #[must_use]
    pub const fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// So many bytes of RAM, whole pages; else as much as the guests need.
    #[must_use]
    pub const fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// A machine with these traits.
    #[must_use]
    pub const fn traits(mut self, traits: Traits) -> Self {
        self.traits = traits;
        self
    }

    /// One more domain.
    #[must_use]
    pub fn guest(mut self, guest: Guest) -> Self {
        self.guests.push(guest);
        self
    }

    /// Switches the machine on.
    ///
    /// # Errors
    /// [`SetupError`] where the core cannot create the domains.
    ///
    /// # Panics
    /// Where the guests are no valid bundle.
    pub fn boot(self) -> Result<Run, SetupError> {
        let needed = || self.guests.iter().map(|guest| guest.bytes() + TABLES * PAGE).sum();
        let memory = Memory::new(Hfn::new(FIRST_FRAME), self.memory.unwrap_or_else(needed) / PAGE);
        let world = World::with_traits(memory, self.timing, self.seed, self.traits);
        // The core keeps bundle and console for ever, as a machine does.
        let console: &'static Console = Box::leak(Box::new(Console::new(&SerialLine)));
        let bundle = bundle(self.guests);
        let mut frames = frames::allocator(&world.memory);
        let machine = world.enter(|| {
            let machine = Machine::<Fake>::new(bundle, usize::from(self.cpus), &mut frames, console)?;
            machine.start();
            Ok(machine)
        })?;
        Ok(switch_on(world, machine, self.cpus, self.timing, self.seed))
    }
}

fn bundle(guests: Vec<Guest>) -> Bundle<'static> {
    let architecture = guests.first().map_or(Architecture::X86_64, Guest::architecture);
    let mut writer = BundleWriter::new(architecture);
    guests.into_iter().for_each(|guest| writer.push(guest.spec()));
    Bundle::parse(Box::leak(writer.finish().into_boxed_slice())).expect("the guests are a valid bundle")
}

fn switch_on(world: Rc<World>, machine: Machine<Fake>, cpus: u16, timing: Timing, seed: u64) -> Run {
    let mut random = Random::new(!seed);
    let machine = Rc::new(machine);
    let endings = Rc::new(RefCell::new(Vec::new()));
    let mut simulator = Simulator::new(world);
    for _ in 0..cpus {
        let comes_up = if timing == Timing::Random { random.up_to(COMING_UP) } else { 0 };
        let (machine, endings) = (machine.clone(), endings.clone());
        simulator.add_cpu(comes_up, move |index, cpu| {
            let ending = machine.run_cpu(index, cpu);
            endings.borrow_mut().push(ending);
        });
    }
    Run { simulator, endings }
}
