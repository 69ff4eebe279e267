//! The x86_64 architecture of Phalanx.
//!
//! | module | what | unsafe |
//! |---|---|---|
//! | [`x86`] | `Arch` for x86 on a backend: the way in | load and save of switched state |
//! | [`exits`] | the loop around the guest, one file for each subject of exits | no |
//! | [`vcpu`], [`domain`] | state of a vCPU, and of a domain | no |
//! | [`vlapic`], [`vioapic`] | interrupt controllers | no |
//! | [`cpuid`], [`decode`], [`walk`], [`platform`] | pure models | no |
//! | [`svm`], [`vmx`] | AMD SVM and Intel VT-x: the backends | yes |
//! | [`host`] | the machine under the hypervisor | yes |
#![no_std]

extern crate alloc;
#[cfg(test)]
#[macro_use]
extern crate std;

mod apic_window;
mod backend;
pub mod cpuid;
pub mod decode;
mod devices;
pub mod domain;
pub mod exits;
pub mod host;
mod host_cpuid;
mod physical;
pub mod platform;
mod registers;
pub mod svm;
mod switched;
pub mod table;
mod tag;
pub mod vcpu;
pub mod vioapic;
pub mod vlapic;
pub mod vmx;
pub mod walk;
pub mod wall_clock;
pub mod x86;
