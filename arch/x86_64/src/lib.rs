//! (being written)
#![no_std]

pub mod vioapic;
pub mod vlapic;

pub mod decode;
