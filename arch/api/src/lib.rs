//! What the core needs from an architecture.
//!
//! The core (`phalanx-core`) is generic over [`Arch`]: one implementation a hardware backend, and a fake one for
//! host tests. Everything architectural (CPUID, MSRs, system registers, the interrupt controller, timers) is answered
//! behind [`Arch::run`]; what is left reaches the core as one of a few neutral [`Event`]s.
//!
//! ```text
//! core: pick a vCPU ── run ──▶ arch: enter guest → exit → decode → answer ─┐
//!        ▲                                   ▲──────── resume ─────────────┤
//!        └──────────────── Event ◀─────────────── nobody here owns it ─────┘
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod addr;
mod arch;
mod effect;
mod event;
mod memory;
pub mod table;
mod trace;

pub use addr::{Gfn, Gpa, Gva, Hfn, Hpa, Hva};
pub use arch::{Arch, CpuIndex, DomainEnv, EntryError, Ticks, Unanswered, VcpuIndex};
pub use effect::{Effect, EffectKind, EffectMark};
pub use event::{Access, AccessSize, Direction, Event, FaultReason, HypercallRequest, PortAccess};
pub use memory::{GuestMemory, Unbacked};
pub use trace::TraceEvent;
