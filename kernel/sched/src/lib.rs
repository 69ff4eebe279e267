//! Scheduling policy: a fair round robin over all vCPUs and all CPUs.
//!
//! Pure: events and the time come in, decisions go out. No clock, no lock, no interrupt; memory is allocated by
//! [`Scheduler::new`] only. The caller holds one lock around each call, and does what the answer says after it.
//!
//! ```text
//! CPU:      next ──▶ Run { vcpu, until } ──▶ … the vCPU runs … ──▶ preempted or block ──▶ next ──▶ …
//!             └────▶ Idle { until } ───────▶ … waits … ─────────────────────────────────▶ next ──▶ …
//! anybody:  wake ──▶ which CPU must look, or call `next` soon
//! ```
//!
//! # The rule
//! Each vCPU has a *virtual time*: the ticks that it has run. The one with the least goes first, and runs for a slice,
//! less what it is ahead of those that wait. So vCPUs that always want to run never differ by more than a slice.
//! A vCPU that wakes is put where the least served runnable one is, half a slice earlier at most: it cannot save up
//! the time that it slept, but it goes ahead of those that computed meanwhile, at once where it is far enough behind.
//!
//! Within a quarter of a slice a CPU prefers the vCPU that it ran last. No CPU idles while a vCPU is runnable.
//! A CPU whose vCPU has no competitor gets no slice end: no periodic tick.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cpu_set;
mod decide;
mod scheduler;
mod state;
mod types;

pub use cpu_set::{CpuSet, MAX_CPUS};
pub use scheduler::Scheduler;
pub use types::{Blocked, CpuId, Decision, Next, Ticks, VcpuId, Wake};
