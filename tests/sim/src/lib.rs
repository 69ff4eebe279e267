//! Whole systems in simulation: a bundle of small guests on the real core, on the machine of `phalanx-arch-fake`.
//!
//! ```
//! use phalanx_sim::{Guest, Op, Program, System, Verdict};
//!
//! let mut program = Program::at(0x1000);
//! program.say(0x3f8, "hello\n").push([Op::PowerOff {}]);
//! let mut run = System::new(2).guest(Guest::new("a", &program).console()).boot().unwrap();
//! assert_eq!(run.run(10_000), Verdict::Ended);
//! assert_eq!(run.lines()[1], "hello");
//! ```
//!
//! The core's own tests use it for single situations; `tests/` simulates random systems, one for each seed.
#![deny(unsafe_code)]

mod frames;
mod guest;
mod run;
mod seeds;
mod system;

pub use guest::{COM1, COM1_VECTOR, Guest, PAGE, PL011};
pub use phalanx_arch_api::AccessSize;
pub use phalanx_arch_fake::{FREQUENCY, FaultKind, Mark, Op, Program, Random, Timing, Traits, Verdict};
pub use phalanx_core::Ending;
pub use run::Run;
pub use seeds::{for_seeds, seeds};
pub use system::System;
