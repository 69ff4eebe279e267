//! The aarch64 architecture of Phalanx.
//!
//! | module | what | unsafe |
//! |---|---|---|
//! | [`vgic`] | the guest's interrupt controller, GICv2 and GICv3 | no |
//! | [`id`], [`sysreg`], [`esr`], [`psci`], [`ptimer`], [`stage2`] | pure models | no |
//! | [`gic`] | what the models need from the hardware's interrupt controller | no |
//! | [`host`] | the machine under the hypervisor | yes |
#![no_std]

extern crate alloc;
#[cfg(test)]
#[macro_use]
extern crate std;

pub mod esr;
pub mod gic;
#[cfg(target_arch = "aarch64")]
pub mod host;
pub mod id;
pub mod psci;
pub mod ptimer;
pub mod stage2;
pub mod sysreg;
pub mod vgic;
