//! The small devices of the virtual PC, as state machines without a machine.
//!
//! Every model takes the time as an argument and returns what follows as an [`Effect`]; none touches hardware, none
//! can fail on any sequence of accesses.
#![forbid(unsafe_code)]

pub mod acpi_pm;
mod calendar;
mod clock_format;
pub mod mtrr;
pub mod pmtimer;
mod ports;
pub mod pvclock;
pub mod reset;
pub mod rtc;
#[cfg(test)]
mod tests;

pub use ports::PortDevice;

/// What a device asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// Switch the domain off.
    PowerOff,
    /// Reset the domain.
    Reset,
}
