//! The machine's interrupt controller.
//!
//! | module | what |
//! |---|---|
//! | [`list_register`] | how each version spells a list register |
//! | `distributor` | the shared registers, and the block of each CPU's private interrupts, which are laid out alike |
//! | `redistributor` | finding a CPU's redistributor (GICv3) |
//! | `v2`, `v3` | `GicV2` and `GicV3`: the CPU interfaces, physical and virtual |
//!
//! The crate `arm-gic` serves an operating system: it has no deactivation apart from the end of an interrupt, no active
//! state and no virtual interface, and those are all that a hypervisor does often; so the drivers are here.

pub mod list_register;
#[cfg(any(test, target_arch = "aarch64"))]
mod redistributor;

#[cfg(target_arch = "aarch64")]
mod distributor;
#[cfg(target_arch = "aarch64")]
mod hcr;
#[cfg(target_arch = "aarch64")]
mod init;
#[cfg(target_arch = "aarch64")]
mod numbered;
#[cfg(target_arch = "aarch64")]
mod v2;
#[cfg(target_arch = "aarch64")]
mod v3;

#[cfg(target_arch = "aarch64")]
pub(super) use init::{disable, init_cpu, interrupt_count, route_here, set_up};
#[cfg(target_arch = "aarch64")]
pub use init::{gicv_frame, send_sgi, version};
#[cfg(target_arch = "aarch64")]
pub use v2::GicV2;
#[cfg(target_arch = "aarch64")]
pub use v3::GicV3;

/// The SGI by which one CPU makes another look up.
pub const KICK: u32 = 0;
/// The SGI by which a CPU that crashed stops the others.
pub const STOP: u32 = 1;
/// INTIDs from here on are shared by all CPUs.
pub const FIRST_SHARED: u32 = 32;
/// An INTID that is never signalled: for what a machine does not have.
pub const NEVER: u32 = 1022;
