//! Vector registers stay a guest's own: fills x87, SSE and AVX state with patterns from a seed, computes in it for long
//! stretches, gives the CPU away in between, and compares every bit.
//!
//! The compiler uses no vector register for this target, so what the assembler blocks leave in them stays until the next
//! block: only a switch between guests that forgets something could change it.
//!
//! Command line: `seed=N` (1), `rounds=N` (20), `steps=N` (20000 a stretch), `every=N` (print each Nth round, 5).
#![no_std]
#![no_main]

mod lanes;
mod state;

use guest_rt::{cpu, cpuid, fpu, println, report, start_info, timer};
use lanes::Lanes;
use state::State;

guest_rt::entry!(main);

/// Stretches of arithmetic in a round, each followed by a nap and by PAUSEs.
const STRETCHES: u64 = 4;

fn main() {
    let usable = fpu::enable() && cpuid::has_avx2();
    report::check("avx2-offered", usable, true);
    if !usable {
        return;
    }
    let seed: u64 = start_info::value("seed", 1);
    let rounds: u64 = start_info::value("rounds", 20);
    let every: u64 = start_info::value("every", 5).max(1);
    let (mut registers, mut sums) = (report::Sweep::new("avx"), report::Sweep::new("arithmetic"));
    for round in 1..=rounds {
        play(seed.wrapping_add(round << 32), &mut registers, &mut sums);
        if round % every == 0 {
            println!("avx round={round}");
        }
    }
    registers.finish();
    sums.finish();
    report::check("xcr0", fpu::read_xcr(0), fpu::X87_SSE_AVX);
}

/// One round: new patterns, arithmetic with naps, comparison.
fn play(seed: u64, registers: &mut report::Sweep, sums: &mut report::Sweep) {
    let steps: u64 = start_info::value("steps", 20_000);
    let want = State::from_seed(seed);
    let mut lanes = Lanes::from_seed(seed);
    want.load();
    lanes.load();
    for stretch in 0..STRETCHES {
        lanes::run(steps);
        timer::nap(100 + (seed.wrapping_add(stretch) % 4) * 300);
        (0..50).for_each(|_| cpu::pause());
    }
    let got = State::store();
    let computed = Lanes::store();
    lanes.advance(STRETCHES * steps);
    got.compare(&want, registers);
    computed.compare(&lanes, sums);
}
