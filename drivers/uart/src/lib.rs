//! The physical 16550 serial port (National Semiconductor PC16550D data sheet).
//!
//! Polled output with a bounded wait, polled or interrupt-driven input. Where the registers lie (I/O ports, memory) is
//! the caller's matter: see [`Bus`].
//!
//! The crate `uart_16550` (0.9) was weighed first: its back-end trait and constructor are unsafe to implement and to
//! call, and its `init` waits without a bound for a transmitter that may never drain.
#![no_std]
#![forbid(unsafe_code)]

mod registers;
mod uart;

pub use registers::{Bus, InterruptEnable, LineStatus, Readable, Writable};
pub use uart::{NotPresent, TransmitTimeout, Uart};

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
