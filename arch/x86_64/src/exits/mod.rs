//! The loop around the guest and what it answers: one file for each subject of exits.
//!
//! | file | what |
//! |---|---|
//! | `run` | the loop: prepare, enter, answer; out of it only for what the core decides |
//! | `kind` | why a guest left, in x86 terms |
//! | `cpuid`, `msr`, `port`, `hypercall`, `xsetbv`, `control_register` | the instructions of these names |
//! | `pointers` | the page-directory pointers of PAE paging |
//! | `memory`, `string`, `bus` | instructions that touch an address without RAM |
//! | `interrupt` | events on their way into the guest |
//! | `clock` | the paravirtual clock behind its MSRs |
//! | `record` | what exits did to a guest, for comparison between machines |
//! | `fetch`, `translate`, `code_pages`, `span` | looking at the instruction that exited and its operands |

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod bus;
pub(crate) mod clock;
pub(crate) mod code_pages;
mod control_register;
mod cpuid;
pub(crate) mod fetch;
mod hypercall;
pub(crate) mod interrupt;
pub mod kind;
pub(crate) mod memory;
pub(crate) mod msr;
mod pointers;
pub(crate) mod port;
pub(crate) mod record;
pub(crate) mod run;
mod span;
mod string;
pub(crate) mod translate;
mod xsetbv;
