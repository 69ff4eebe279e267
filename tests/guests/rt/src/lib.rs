//! Runtime of the bare-metal x86-64 test guests.
//!
//! A guest is one flat address space at ring 0: physical memory is identity-mapped, one program runs, and what it
//! finds is printed on COM1 in the line format of [`report`]. The runtime owns the machine before the guest's
//! `main` runs: page tables, descriptor tables and the trap table are its own, so nothing that a loader left in RAM is
//! needed any more. A guest crate is
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! guest_rt::entry!(main);
//! fn main() { guest_rt::report::check("sum", 1 + 1, 2); }
//! ```
//!
//! and its build script links with `link.ld` (PVH note and 64-bit entry) or `link-elf64.ld` (64-bit entry only).
#![no_std]

pub mod acpi;
pub mod apic;
pub mod clock;
pub mod cpu;
pub mod cpuid;
pub mod descriptors;
mod entry;
mod fault;
pub mod fpu;
pub mod hypercall;
pub mod ioapic;
pub mod irq;
pub mod msr;
pub mod paging;
pub mod port;
pub mod power;
pub mod racy;
pub mod report;
pub mod serial;
pub mod smp;
pub mod start_info;
pub mod timer;
pub mod trap;
pub mod user;
mod vectors;

/// Names the guest's main function. When it returns, the runtime prints the `done` line and powers off.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        /// Called by the runtime when the machine is set up.
        #[unsafe(no_mangle)]
        extern "C" fn guest_main() {
            let main: fn() = $main;
            main();
        }
    };
}
