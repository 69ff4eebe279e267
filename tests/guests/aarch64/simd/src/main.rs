//! Vector registers and EL1's own registers stay a guest's own: fills Q0 to Q31, FPCR, FPSR and the system registers that
//! nobody uses here with patterns from a seed, computes for long stretches, gives the CPU away in between, and compares
//! every bit.
//!
//! The compiler uses no vector register for this target, so what the assembler blocks leave in them stays until the next
//! block: only a switch between guests that forgets something could change it.
//!
//! Command line: `seed=N` (1), `rounds=N` (20), `steps=N` (20000 a stretch), `every=N` (print each Nth round, 5).
#![no_std]
#![no_main]

mod lanes;
mod pattern;
mod state;
mod system;

use guest_arm_rt::report::Sweep;
use guest_arm_rt::{cpu, println, start_info, timer, write_register};
use lanes::Lanes;
use pattern::Pattern;
use state::State;
use system::System;

guest_arm_rt::entry!(main);

/// Stretches of arithmetic in a round, each followed by a nap and by YIELDs.
const STRETCHES: u64 = 4;
/// CPACR_EL1.FPEN: FP and SIMD do not trap.
const FPEN: u64 = 3 << 20;

fn main() {
    // SAFETY: only lets FP and SIMD through.
    unsafe { write_register!("cpacr_el1", FPEN) };
    let seed: u64 = start_info::value("seed", 1);
    let rounds: u64 = start_info::value("rounds", 20);
    let every: u64 = start_info::value("every", 5).max(1);
    let mut sweeps = ["simd", "arithmetic", "state"].map(Sweep::new);
    for round in 1..=rounds {
        play(seed.wrapping_add(round << 32), &mut sweeps);
        if round % every == 0 {
            println!("simd round={round}");
        }
    }
    sweeps.into_iter().for_each(Sweep::finish);
}

/// One round: new patterns, arithmetic with naps, comparison.
fn play(seed: u64, [registers, sums, system]: &mut [Sweep; 3]) {
    let steps: u64 = start_info::value("steps", 20_000);
    let mut pattern = Pattern::from_seed(seed);
    let (want, want_system) = (State::from_pattern(&mut pattern), System::from_pattern(&mut pattern));
    let mut lanes = Lanes::from_seed(seed);
    want_system.load();
    want.load();
    lanes.load();
    for stretch in 0..STRETCHES {
        lanes::run(steps);
        timer::nap(100 + (seed.wrapping_add(stretch) % 4) * 300);
        (0..50).for_each(|_| cpu::pause());
    }
    let (got, got_system, computed) = (State::store(), System::store(), Lanes::store());
    lanes.advance(STRETCHES * steps);
    got.compare(&want, registers);
    got_system.compare(&want_system, system);
    computed.compare(&lanes, sums);
}
