//! The dirty log tells exactly the pages that were written: each round writes known pages in its own way, reads the log of
//! the whole RAM, and compares page by page.
//!
//! Only what the guest must write at any time is left out: its stacks, statics and own page tables, which are the
//! writable part of its image. Code and constants, the loader's structures and all memory that nothing uses must never
//! appear.
//!
//! Needs 16 MiB of memory and `dirty-log = true`. With a second vCPU it also writes from there while the first one reads.
#![no_std]
#![no_main]

mod errors;
mod hypervisor;
mod log;
mod pages;
mod second;
mod tables;
mod writes;

use guest_rt::{hypercall, println, report, start_info};

guest_rt::entry!(main);

/// How often the rounds are repeated.
const REPETITIONS: u64 = 5;

fn main() {
    let (count, _) = log::read_all();
    report::check("first-reading", count, pages::FRAMES as i64);
    if count < 0 {
        return;
    }
    for repetition in 0..start_info::value("repetitions", REPETITIONS) {
        println!("# repetition {repetition}");
        writes::run(repetition);
        tables::run();
        hypervisor::run();
    }
    errors::run();
    second::run();
    report::check("version", hypercall::call(hypercall::VERSION, [0; 3]) > 0, true);
}
