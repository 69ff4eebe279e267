//! The physical serial ports: 16550 (National Semiconductor PC16550D data sheet), PL011, Cadence.
//!
//! Polled output with a bounded wait, polled or interrupt-driven input. Where the registers lie (I/O ports, memory) is
//! the caller's matter: see [`Bus`] and [`Registers`]. All drivers have the same methods.
//!
//! The crate `uart_16550` (0.9) was weighed first: its back-end trait and constructor are unsafe to implement and to
//! call, and its `init` waits without a bound for a transmitter that may never drain. So was `arm-pl011-uart` (0.5): it
//! has no way to switch the UART on that does not set the speed anew, from a clock that device trees rarely tell.
#![no_std]
#![forbid(unsafe_code)]

mod cadence;
mod memory_mapped;
mod pl011;
mod registers;
mod transmit;
mod uart;

pub use cadence::Cadence;
pub use memory_mapped::Registers;
pub use pl011::Pl011;
pub use registers::{Bus, InterruptEnable, LineStatus, Readable, Writable};
pub use transmit::TransmitTimeout;
pub use uart::{NotPresent, Uart};

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
