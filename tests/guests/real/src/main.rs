//! From real mode to long mode, back, and up once more, with an exit of every kind in each mode.
//!
//! The assembler runs before anything of the runtime and notes what it saw; the Rust part, reached in long mode at the end
//! of the second round, compares.
//!
//! | file | modes |
//! |---|---|
//! | `start.s` | the first instruction: must be the first byte of the image |
//! | `data.s` | descriptors, tables, results |
//! | `bits16.s` | real mode, 16-bit protected mode |
//! | `bits32.s` | 32-bit protected mode, 32-bit paging |
//! | `pae.s` | PAE paging |
//! | `bits64.s` | compatibility mode, 64-bit mode, the way down |
//!
//! The memory must end at 1 MiB: what lies above is read as an address without memory.
#![no_std]
#![no_main]

mod expected;

use core::arch::global_asm;
use expected::{MODES, SLOTS};
use guest_rt::{cpuid, hypercall, report};

// SAFETY: the code owns the machine until it jumps to `_start` and touches only what it declares, the interrupt vectors
// and the stack below 0x7000.
global_asm!(
    include_str!("start.s"),
    include_str!("data.s"),
    include_str!("bits16.s"),
    include_str!("bits32.s"),
    include_str!("pae.s"),
    include_str!("bits64.s"),
    options(att_syntax, raw)
);

unsafe extern "C" {
    static real_results: [u32; 64];
    static real_first_results: [u32; 64];
    static real_round: u32;
}

guest_rt::entry!(main);

fn main() {
    // SAFETY: the assembler wrote these before it jumped to the runtime, and nothing writes them now.
    let (first, second, rounds) = unsafe { (&real_first_results, &real_results, real_round) };
    report::check("rounds", rounds, 2);
    judge(first, 1);
    judge(second, 2);
}

/// Compares the results of one round.
fn judge(results: &[u32; 64], round: u32) {
    let vendor = cpuid::read(0, 0).ebx;
    let version = hypercall::call(hypercall::VERSION, [0; 3]) as u32;
    for (index, (mode, efer)) in MODES.into_iter().enumerate() {
        let got = &results[4 * index..4 * index + 4];
        report::check(format_args!("{mode}-{round}"), got, &[vendor, version, 0xff, efer]);
    }
    for (slot, name, want) in SLOTS {
        // The way down comes after the results of its own round were kept.
        let of_the_way_down = slot >= expected::WAY_DOWN;
        if !of_the_way_down || round == 2 {
            report::check(format_args!("{name}-{round}"), results[slot], want);
        }
    }
}
