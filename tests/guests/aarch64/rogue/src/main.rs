//! The rogue: does what no guest should, and checks that each answer is the documented one.
//!
//! Command line: `mode=MODE`. Without it every group of [`GROUPS`] runs (or those of `only=GROUP,GROUP`), the `done` line
//! follows and the guest powers off. The word `trace` names each instruction before it is tried; `shown=N` prints more
//! than 8 wrong responses of a check. The other modes end the guest in their own way ([`ends`]) or attack with interrupts
//! ([`storm`]).
#![no_std]
#![no_main]

mod abilities;
mod calls;
mod code;
mod debug;
mod distributor;
mod endings;
mod ends;
mod features;
mod forms;
mod functions;
mod identity;
mod known;
mod maintenance;
mod overflow;
mod priorities;
mod psci_arguments;
mod redistributors;
mod registers;
mod sgis;
mod state;
mod storm;
mod tables;
mod timers;
mod unowned;
mod waits;

use guest_arm_rt::{println, report, start_info};

guest_arm_rt::entry!(main);

/// The groups of the sweep, in their order.
const GROUPS: [(&str, fn()); 20] = [
    ("identity", identity::run),
    ("registers", registers::run),
    ("debug", debug::run),
    ("features", features::run),
    ("calls", calls::run),
    ("functions", functions::run),
    ("psci", psci_arguments::run),
    ("unowned", unowned::run),
    ("forms", forms::run),
    ("tables", tables::run),
    ("state", state::run),
    ("maintenance", maintenance::run),
    ("distributor", distributor::run),
    ("redistributors", redistributors::run),
    ("sgis", sgis::run),
    ("overflow", overflow::run),
    ("priorities", priorities::run),
    ("endings", endings::run),
    ("timers", timers::run),
    ("waits", waits::run),
];

fn main() {
    match start_info::text("mode").unwrap_or("sweep") {
        "sweep" => sweep(),
        "sgi-storm" => storm::sgis(),
        "timer-storm" => storm::timers(),
        "cpu-cycle" => storm::cpus(),
        mode => ends::run(mode),
    }
}

fn sweep() {
    let only = start_info::text("only");
    for (name, group) in GROUPS {
        if only.is_none_or(|wanted| wanted.split(',').any(|wanted| wanted == name)) {
            println!("# group {name}");
            group();
        }
    }
    report::check("swept", true, true);
}
