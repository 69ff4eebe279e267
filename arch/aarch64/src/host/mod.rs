//! The machine under the hypervisor: its CPUs, its memory as the kernel sees it, its interrupts and its clock.
//!
//! ```text
//! init_boot_cpu ─▶ Host ─▶ start_other_cpus ─▶ into_free_ranges
//!   │ frames for the host itself (early_frames)         what is left: the core's
//!   │ page tables, stacks (paging, stacks) · VHE or not (paging::mmu)
//!   └ interrupt controller (gic) · timer
//! ```
//!
//! Interrupts are masked at EL2 for ever: they are taken after a guest's exit and in `interrupts::idle`, and leave flags
//! in the CPU's [`PerCpu`]. An exception is a bug, and ends in the crash card ([`crash`]). Nothing here needs a heap.
//! Everything is mapped where it is ([`paging`]).
//!
//! What is free of assembly compiles, and is tested, on any machine.
#![cfg_attr(not(target_arch = "aarch64"), allow(dead_code, reason = "only the parts without assembly are there"))]

pub mod crash;
pub mod early_frames;
mod error;
pub mod exceptions;
pub mod gic;
mod image;
pub mod paging;
pub mod percpu;
pub(crate) mod set_way;
pub mod stacks;

#[cfg(target_arch = "aarch64")]
pub mod cache;
#[cfg(target_arch = "aarch64")]
pub mod checksum;
#[cfg(target_arch = "aarch64")]
pub mod firmware;
#[cfg(target_arch = "aarch64")]
pub mod instr;
#[cfg(target_arch = "aarch64")]
pub mod interrupts;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod memory;
#[cfg(target_arch = "aarch64")]
mod mmio;
#[cfg(target_arch = "aarch64")]
mod registers;
#[cfg(target_arch = "aarch64")]
mod secondary;
#[cfg(target_arch = "aarch64")]
pub mod semihosting;
#[cfg(target_arch = "aarch64")]
mod setup;
#[cfg(target_arch = "aarch64")]
mod smp;
#[cfg(target_arch = "aarch64")]
pub mod timer;

pub use early_frames::FreeRanges;
pub use error::{HostError, PrivateInterrupt};
pub use image::{KernelImage, Section};
pub use paging::pointer;
pub use percpu::PerCpu;

#[cfg(target_arch = "aarch64")]
pub use here::kick;
#[cfg(target_arch = "aarch64")]
pub use interrupts::idle;
#[cfg(target_arch = "aarch64")]
pub use percpu::this_cpu;
#[cfg(target_arch = "aarch64")]
pub use setup::{Host, init_boot_cpu, vhe};
#[cfg(target_arch = "aarch64")]
pub use smp::{CpuEntry, Failed, Reason, StartReport};

#[cfg(target_arch = "aarch64")]
mod here {
    use phalanx_arch_api::CpuIndex;

    use super::{gic, percpu};

    /// Makes another CPU leave its guest or its wait soon: sets its `kicked` flag by an interrupt.
    ///
    /// What was written before the call is visible to the CPU when it sees the flag. An index that no CPU has is ignored.
    #[inline]
    pub fn kick(index: CpuIndex) {
        if let Some(cpu) = percpu::cpu(index) {
            gic::send_sgi(cpu, gic::KICK);
        }
    }
}
