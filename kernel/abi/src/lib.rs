//! What Phalanx's kernel, its builder and its guests agree on: no code path of its own, only shapes and numbers.
//!
//! | module | between | holds |
//! |---|---|---|
//! | [`bundle`] | builder → kernel | the binary that describes all domains of a machine |
//! | [`hypercall`] | guest → kernel | numbers, names and error codes of the hypercalls |
//! | [`effect`] | guest → kernel | what a guest tells the recorder of effects |
//! | [`exit`] | kernel → guest, tools | the exit counters that every vCPU keeps |
//! | [`cpuid`] | kernel → guest | how an x86 guest finds out that it runs on Phalanx |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "alloc"))]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bundle;
pub mod cpuid;
pub mod effect;
pub mod exit;
pub mod hypercall;
#[cfg(test)]
mod reference;
