//! Runtime of the bare-metal Arm test guests.
//!
//! A guest is one flat address space at EL1: physical memory is identity-mapped, one program runs, and what it finds is
//! printed on the PL011 in the line format of [`report`]. The runtime owns the machine before the guest's `main` runs:
//! tables, vectors and stacks are its own. A guest runs at EL1t (SP_EL0) and its handlers at EL1h (SP_EL1), so that an
//! exception finds a stack whatever the guest did to its own. A guest crate is
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! guest_arm_rt::entry!(main);
//! fn main() { guest_arm_rt::report::check("sum", 1 + 1, 2); }
//! ```
//!
//! and its build script links with `link.ld`.
#![no_std]

pub mod clock;
pub mod cpu;
mod entry;
mod fault;
pub mod fdt;
pub mod gic;
pub mod hypercall;
pub mod irq;
pub mod mmio;
pub mod paging;
pub mod power;
pub mod psci;
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
