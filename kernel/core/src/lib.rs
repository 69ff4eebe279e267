//! The hypervisor's core: domains, vCPUs, second-level address spaces, hypercalls and event handling.
//!
//! Neutral to the architecture and generic over it ([`phalanx_arch_api::Arch`]); the host tests run it on a fake one.
//!
//! | module | what |
//! |---|---|
//! | [`mem`] | frames, guest RAM, second-level address spaces |
//! | [`console`] | UART models and the one physical line |
//! | `dirty_log` | which pages of a domain were written |
//! | `domain` | a domain and its life: loading, running, stopping, ended |
//! | `load` | scrubbing and loading in bounded steps |
//! | `lock` | how a CPU waits for another |
//! | `machine` | everything together; what a CPU does from boot to power-off |
//! | `run` | one vCPU's slice |
//! | `uart` | a domain's serial port: registers, interrupt, the way to the console |
//! | `trace` | the last rare things that guests did |
//! | `effects` | the recorder of what exits do to a guest |
//! | `event` | answers to the events that no architecture owns |
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod console;
mod counters;
mod dirty_log;
mod domain;
mod effects;
mod event;
mod load;
mod lock;
mod machine;
pub mod mem;
mod run;
mod setup;
mod trace;
mod uart;

pub use domain::StopReason;
pub use effects::Recording;
pub use machine::{Ending, Machine};
pub use setup::{SetupCause, SetupError, heap_bytes};
