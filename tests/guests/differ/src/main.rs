//! The differ: a long seeded program whose every step must come out the same on every machine.
//!
//! It executes one short piece of generated code after another, each with random registers, and tells the hypervisor's recorder
//! (`effects=` on its command line) after each what became of it. Nothing in it depends on time, on the processor's vendor or
//! on features that machines may lack; what does depend on them (most CPUID leaves) is thrown away by the piece itself.
//!
//! Command line: `seed=N` and `pieces=N` (how many of each kind).
#![no_std]
#![no_main]

mod code;
mod events;
mod kinds;
mod memory;
mod outcome;
mod random;
mod run;
mod state;
mod sync;
mod system;

use guest_rt::{apic, println, report, start_info};
use random::Random;
use run::Runner;

guest_rt::entry!(main);

/// Pieces between two hashes of the memory.
const CHECKPOINT: u64 = 64;

fn main() {
    sync::init();
    run::init();
    let mut random = Random::new(start_info::value("seed", 1));
    let mut runner = Runner::default();
    let pieces: u64 = start_info::value("pieces", 12);
    rounds(&mut runner, &mut random, pieces, kinds::IN_XAPIC_MODE);
    apic::enable_x2apic();
    rounds(&mut runner, &mut random, pieces, kinds::IN_X2APIC_MODE);
    sync::checkpoint(sync::LAST);
    println!("row pieces {}", runner.done());
    report::check("pieces", runner.done() > 0, true);
}

/// So many rounds, in each of which every kind has its turn.
fn rounds(runner: &mut Runner, random: &mut Random, rounds: u64, kinds: &[kinds::Kind]) {
    for _ in 0..rounds {
        for kind in kinds {
            runner.run(&kind(random));
            if runner.done().is_multiple_of(CHECKPOINT) {
                sync::checkpoint(sync::CHECKPOINT);
            }
        }
    }
}
