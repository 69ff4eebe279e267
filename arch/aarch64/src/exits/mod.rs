//! The loop around the guest, and the answers to its exits: one file for each subject.
//!
//! | file | exits |
//! |---|---|
//! | [`run`] | the loop itself, and what needs no file |
//! | `interrupt` | physical interrupts, and the timers behind them |
//! | `call` | HVC and SMC: PSCI, hypercalls |
//! | `memory` | stage-2 faults: GIC registers, devices of the core, nothing at all |
//! | `system_register` | trapped system registers |
//! | `inject` | exceptions for the guest |
//!
//! Everything here runs on behalf of a guest: nothing may panic, index or truncate silently.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod call;
mod inject;
mod interrupt;
pub(crate) mod memory;
pub mod run;
mod system_register;
