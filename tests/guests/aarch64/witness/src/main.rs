//! A neighbour that notices: fills its memory with a pattern, hashes it over and over while its timer ticks, and reports
//! any change, any lost tick and any disagreement of its clocks.
//!
//! Command line: `seed=N` (1), `rounds=N` (10; 0 = for ever), `every=N` (print each Nth round, 1), `hz=N` (100),
//! `limit=MIB` (all RAM), `tolerance=PERCENT` (10, for ticks and clocks).
#![no_std]
#![no_main]

mod memory;
mod ticks;

use guest_arm_rt::{println, report, start_info};
use memory::Memory;

guest_arm_rt::entry!(main);

fn main() {
    let memory = Memory::claim(start_info::value("seed", 1), start_info::value("limit", u64::MAX >> 20));
    println!("# witness: {} MiB in {} ranges", memory.bytes() >> 20, memory.ranges().len());
    ticks::start(start_info::value("hz", 100));
    memory.fill();
    let intact = keep_hashing(&memory);
    ticks::stop();
    if let Some((address, got, want)) = memory.first_difference() {
        println!("# witness: {address:#x} holds {got:#x}, not {want:#x}");
    }
    report::check("memory", intact, true);
    ticks::report(start_info::value("tolerance", 10));
}

/// Hashes until the rounds are over or the hash changes; whether it stayed the same.
fn keep_hashing(memory: &Memory) -> bool {
    let rounds: u64 = start_info::value("rounds", 10);
    let every: u64 = start_info::value("every", 1).max(1);
    let want = memory.expected_hash();
    let mut round = 0;
    loop {
        round += 1;
        let hash = memory.hash();
        if round % every == 0 || hash != want {
            println!("witness hash={hash:016x} round={round} ticks={}", ticks::count());
        }
        if hash != want || round == rounds {
            return hash == want;
        }
    }
}
