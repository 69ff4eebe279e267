//! How Phalanx starts on a PC.
//!
//! ```text
//! QEMU -kernel ── PVH ────────┐
//!                             ├─▶ entry.s: 32 bits → page tables → 64 bits → high half
//! GRUB ── multiboot2 ─────────┘                         │
//!                       one BootInfo ◀── parse ◀── entry::boot_main
//!                            └─▶ phalanx_start (kernel/phalanx)
//! ```
//!
//! The parsers ([`pvh`], [`multiboot2`]) read through [`PhysRead`] only, so the host's tests feed them anything.
//! The entry itself exists on the bare-metal target alone; `kernel.ld` beside it places everything.
#![no_std]

mod com1;
mod error;
pub mod layout;
mod memory;
pub mod multiboot2;
pub mod pvh;
mod report;
mod stop;

#[cfg(all(target_arch = "x86_64", target_os = "none"))]
mod entry;

#[cfg(target_arch = "x86_64")]
pub use com1::Com1;
pub use error::BootError;
pub use memory::{PhysRead, Unreadable};
pub use report::{RSDP_BYTES, Report, Rsdp};
#[cfg(target_arch = "x86_64")]
pub use stop::stop;
