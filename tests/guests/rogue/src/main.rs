//! The rogue: does what no guest should, and checks that each answer is the documented one.
//!
//! Command line: `mode=MODE`. Without it every group of [`GROUPS`] runs (or the one of `only=GROUP`), the `done` line
//! follows and the guest powers off. The word `trace` names each instruction before it is tried, and `strict` adds what
//! the processor alone answers (QEMU's TCG answers some of that wrongly). `shown=N` prints more than 8 wrong responses of
//! a check. The other modes end the guest in their own way ([`ends`]) or attack with interrupts ([`storm`]).
#![no_std]
#![no_main]

mod apics;
mod arming;
mod calls;
mod controls;
mod ends;
mod features;
mod floats;
mod forms;
mod leaves;
mod lengths;
mod msr_lists;
mod msrs;
mod opcodes;
mod ports;
mod privileged;
mod probe;
mod registers;
mod spins;
mod storm;
mod strings;
mod unowned;
mod x2apic;

use guest_rt::{println, report, start_info};

guest_rt::entry!(main);

/// The groups of the sweep, in their order: the x2APIC group comes last, because the way back is closed.
const GROUPS: [(&str, fn()); 15] = [
    ("cpuid", leaves::run),
    ("features", features::run),
    ("ports", ports::run),
    ("strings", strings::run),
    ("msrs", msrs::run),
    ("cr0", controls::cr0),
    ("controls", controls::run),
    ("registers", registers::run),
    ("privileged", privileged::run),
    ("lengths", lengths::run),
    ("calls", calls::run),
    ("unowned", unowned::run),
    ("apics", apics::run),
    ("arming", arming::run),
    ("x2apic", x2apic::run),
];

fn main() {
    match start_info::text("mode").unwrap_or("sweep") {
        "sweep" => sweep(),
        "init-storm" => storm::interrupts(),
        "nmi" => storm::nmi(),
        "float-storm" => floats::run(),
        "pause" => spins::run(),
        mode => ends::run(mode),
    }
}

fn sweep() {
    let only = start_info::text("only");
    for (name, group) in GROUPS {
        if only.is_none_or(|wanted| wanted == name) {
            println!("# group {name}");
            group();
        }
    }
    report::check("swept", true, true);
}
