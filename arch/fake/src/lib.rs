//! A simulated machine: CPUs, a clock, RAM, a serial line, and guests that are small programs.
//!
//! The core runs on it unchanged, each CPU in a `Machine::run_cpu` of its own. One thread steps all of them: a CPU is a
//! coroutine that gives way wherever time passes, and the [`Simulator`] resumes the one whose time comes first. Equal
//! seeds give equal runs, down to the tick.
//!
//! | module | what |
//! |---|---|
//! | `simulator` | whose turn it is |
//! | `world` | the machine as its CPUs see it: clock, interrupts, serial line, what guests reported |
//! | `strand` | coroutines; the only unsafe code of this crate |
//! | `memory`, `table` | physical RAM, and the second-level tables that the simulated hardware walks |
//! | `op`, `program` | what a guest can do, and how it is told to |
//! | `run` | the simulated processor |
//! | `arch` | [`phalanx_arch_api::Arch`] for all this; it also holds the core to the boundary's contracts |
//!
//! A guest's program lies in its RAM as 32-byte instructions, put there by the core's own loader: RAM that is not
//! scrubbed, copied or mapped as the bundle says makes a guest fail, and a guest that fails a check panics.
#![deny(unsafe_code)]

mod arch;
mod domain;
mod memory;
mod op;
mod program;
mod random;
mod run;
mod simulator;
#[allow(unsafe_code)]
mod strand;
mod table;
mod tlb;
mod vcpu;
mod world;

#[cfg(test)]
mod tests;

pub use arch::{Fake, FakeCpu};
pub use memory::Memory;
pub use op::{FaultKind, Op};
pub use program::Program;
pub use random::Random;
pub use simulator::{Simulator, Verdict};
pub use table::FakeTable;
pub use world::{FREQUENCY, Mark, Timing, Traits, World, serial_read, serial_write};
