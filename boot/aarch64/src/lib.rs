//! How Phalanx starts on an Arm machine.
//!
//! ```text
//! QEMU -kernel Image, U-Boot booti ─┐
//!                                   ├─▶ entry.s: early page tables, MMU, relocation
//! QEMU -kernel ELF ─────────────────┘                         │
//!                        one BootInfo ◀── board ◀── fdt ◀── entry::boot_main
//!                             └─▶ phalanx_start (kernel/phalanx)
//! ```
//!
//! The parsers ([`fdt`], [`board`]) read bytes only, so the host's tests feed them anything.
//! The entry itself exists on the bare-metal target alone; `kernel.ld` beside it places everything.
#![no_std]

pub mod board;
mod console;
mod cpu;
mod error;
mod exception;
pub mod fdt;
mod mmio;
mod semihosting;
mod stop;
#[cfg(any(test, target_os = "none"))]
mod tables;

#[cfg(test)]
mod fixture;

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod entry;

#[cfg(target_os = "none")]
pub use console::{Port, console};
pub use error::{BootError, Part};
#[cfg(target_os = "none")]
pub use stop::stop;
