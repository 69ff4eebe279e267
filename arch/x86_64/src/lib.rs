//! The x86_64 architecture of Phalanx.
//!
//! | module | what | unsafe |
//! |---|---|---|
//! | [`x86`] | `Arch` for x86 on a backend: the way in | load and save of switched state |
//! | `run` and the files beside it | the loop around the guest, one file for each subject of exits | no |
//! | [`vcpu`], [`domain`] | state of a vCPU, and of a domain | no |
//! | [`vlapic`], [`vioapic`] | interrupt controllers | no |
//! | [`cpuid`], [`decode`], [`walk`], [`platform`] | pure models | no |
//! | [`svm`] | AMD SVM | yes |
//! | [`host`] | the machine under the hypervisor | yes |
#![no_std]

extern crate alloc;
#[cfg(test)]
#[macro_use]
extern crate std;

mod backend;
mod clock;
mod code_pages;
mod control_register;
pub mod cpuid;
mod cpuid_exit;
pub mod decode;
pub mod domain;
mod emulate;
pub mod exit;
mod fetch;
pub mod host;
mod host_cpuid;
mod hypercall;
mod interrupt;
mod msr;
mod physical;
pub mod platform;
mod platform_ports;
mod port;
mod run;
pub mod svm;
mod switched;
pub mod table;
mod translate;
pub mod vcpu;
pub mod vioapic;
pub mod vlapic;
pub mod walk;
pub mod wall_clock;
pub mod x86;
mod xsetbv;
