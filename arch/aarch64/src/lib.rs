//! The aarch64 architecture of Phalanx.
//!
//! | module | what | unsafe |
//! |---|---|---|
//! | `arm` | `Arch` for Arm on an interrupt controller: the way in | TLB maintenance |
//! | `exits` | the loop around the guest, one file for each subject of exits | TLB and cache maintenance |
//! | `enter`, `vectors` | world switch | yes |
//! | `vcpu`, `domain`, [`power`] | state of a vCPU, and of a domain | no |
//! | `switched`, `fp`, `keys`, `debug_unit` | registers that change hands with the vCPU | yes |
//! | `traps` | what comes to EL2 at all | no |
//! | [`vgic`] | the guest's interrupt controller, GICv2 and GICv3 | no |
//! | [`id`], [`sysreg`], [`esr`], [`smccc`], [`psci`], [`ptimer`], [`stage2`] | pure models | no |
//! | [`gic`] | what the models need from the hardware's interrupt controller | no |
//! | [`host`] | the machine under the hypervisor | yes |
#![no_std]

extern crate alloc;
#[cfg(test)]
#[macro_use]
extern crate std;

#[cfg(target_arch = "aarch64")]
pub mod arm;
#[cfg(target_arch = "aarch64")]
mod debug_unit;
#[cfg(target_arch = "aarch64")]
pub mod domain;
#[cfg(target_arch = "aarch64")]
mod enter;
pub mod esr;
#[cfg(target_arch = "aarch64")]
pub mod exits;
#[cfg(target_arch = "aarch64")]
pub mod fp;
pub mod gic;
pub mod host;
pub mod id;
#[cfg(target_arch = "aarch64")]
pub mod keys;
pub mod power;
#[cfg(target_arch = "aarch64")]
mod processor;
pub mod psci;
pub mod ptimer;
#[cfg(target_arch = "aarch64")]
mod register;
pub mod smccc;
pub mod stage2;
#[cfg(target_arch = "aarch64")]
pub mod switched;
pub mod sysreg;
#[cfg(target_arch = "aarch64")]
pub mod traps;
#[cfg(target_arch = "aarch64")]
pub mod vcpu;
#[cfg(target_arch = "aarch64")]
pub mod vectors;
pub mod vgic;
