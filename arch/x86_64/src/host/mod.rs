//! The machine under the hypervisor: its CPUs, its memory as the kernel sees it, its interrupts and clocks.
//!
//! ```text
//! init_boot_cpu ─▶ Host ─▶ start_other_cpus ─▶ into_free_ranges
//!   │ frames for the host itself (early_frames)         what is left: the core's
//!   │ ACPI (acpi) · page tables (paging, stacks) · descriptors (gdt, idt, percpu)
//!   └ local APIC, IO-APIC (apic, ioapic) · clocks (calibrate, timer)
//! ```
//!
//! Interrupts are disabled everywhere but in [`idle`] and between two entries of a guest; handlers set flags in the CPU's
//! [`PerCpu`]. An exception is a bug, and ends in the crash card ([`crash`]). Nothing here needs a heap.

pub mod acpi;
mod acpi_tables;
#[cfg(test)]
mod acpi_tests;
pub mod apic;
pub mod calibrate;
mod clocks;
pub mod convert;
mod cpu;
pub mod crash;
pub mod early_frames;
mod error;
pub mod exceptions;
pub mod gdt;
mod idt;
mod image;
pub mod instr;
pub mod interrupts;
mod ioapic;
pub mod paging;
pub mod percpu;
pub mod ports;
mod rendezvous;
mod setup;
mod smp;
pub mod stacks;
pub mod timer;
mod trampoline;

pub use early_frames::FreeRanges;
pub use error::HostError;
pub use image::{KernelImage, Section};
pub use interrupts::idle;
pub use paging::direct_map;
pub use percpu::{PerCpu, this_cpu};
pub use rendezvous::rendezvous;
pub use setup::{Host, init_boot_cpu};
pub use smp::{CpuEntry, StartReport};

use phalanx_arch_api::CpuIndex;

/// Makes another CPU leave its guest or its wait soon: sets its `kicked` flag by an interrupt. Interrupts are disabled.
///
/// What was written before the call is visible to the CPU when it sees the flag. An index that no CPU has is ignored.
#[inline]
pub fn kick(index: CpuIndex) {
    if let Some(cpu) = percpu::cpu(index) {
        apic::send(cpu.apic_id, interrupts::KICK);
    }
}
