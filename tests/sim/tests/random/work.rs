//! What the vCPUs of random systems do.

use phalanx_abi::hypercall::{ABI_VERSION, Hypercall, HypercallError};
use phalanx_sim::{AccessSize, COM1, Op, PAGE, Program, Random};

/// RAM that vCPUs write: a page each.
const DATA: u64 = 16 * PAGE;
/// Words of a page that are looked at.
const WORDS: u64 = 64;
/// The vector that opens a barrier.
const OPEN: u8 = 31;
/// The vector that nobody waits for.
const NOISE: u8 = 20;

/// The vector by which a vCPU tells vCPU 0 that it has come to a barrier.
const fn arrived(vcpu: u8) -> u8 {
    8 + vcpu
}

/// The page of a vCPU.
const fn page(vcpu: u8) -> u64 {
    DATA + PAGE * vcpu as u64
}

/// In each life, all RAM that the bundle says nothing about is zero.
pub const fn ram_is_zero() -> Op {
    Op::Check { gpa: DATA, words: 4 * PAGE / 8, pattern: 0 }
}

/// A few random things. `pattern` is what the vCPU's page holds.
pub fn some(program: &mut Program, vcpu: u8, vcpus: u8, pattern: &mut u64, random: &mut Random) {
    for _ in 0..random.between(1, 7) {
        one(program, vcpu, vcpus, pattern, random);
    }
}

fn one(program: &mut Program, vcpu: u8, vcpus: u8, pattern: &mut u64, random: &mut Random) {
    let gpa = page(vcpu);
    match random.up_to(9) {
        0..2 => program.push([Op::Compute { ticks: random.up_to(2500) }]),
        2..4 => program.push([Op::Timer { ticks: random.up_to(3000) }, Op::Wait { vectors: 1 }]),
        4 => {
            let old = core::mem::replace(pattern, random.bits() | 1);
            let check = |pattern| Op::Check { gpa, words: WORDS, pattern };
            program.push([check(old), Op::Fill { gpa, words: WORDS, pattern: *pattern }])
        }
        5 => nobody_there(program, random),
        6 => program.push([Op::Ipi { vcpu: random.below(vcpus.into()) as u8, vector: NOISE }]),
        7 => ask(program, random),
        8 => program.say(COM1, ["\n", "some text", "x"][random.below(3)]),
        _ => {
            program.push([Op::Set { counter: 0, value: random.between(1, 5) }]);
            let again = program.here();
            program.push([Op::Compute { ticks: random.up_to(100) }, Op::Loop { counter: 0, address: again }])
        }
    };
    program.push([Op::Check { gpa, words: WORDS, pattern: *pattern }]);
}

/// A read of a port or an address that nobody owns.
fn nobody_there<'a>(program: &'a mut Program, random: &mut Random) -> &'a mut Program {
    let size = [AccessSize::B1, AccessSize::B2, AccessSize::B4][random.below(3)];
    let read = match random.up_to(1) {
        0 => Op::In { port: 0x500 + 4 * random.up_to(100) as u16, size },
        _ => Op::Load { gpa: 32 * PAGE + 8 * random.up_to(1 << 40), size },
    };
    program.push([read, Op::Expect { value: size.all_ones() }])
}

fn ask<'a>(program: &'a mut Program, random: &mut Random) -> &'a mut Program {
    let (number, privileged) = (Hypercall::Version.number(), random.one_in(2));
    let denied = HypercallError::NotPermitted.code().cast_unsigned();
    let value = if privileged { ABI_VERSION.into() } else { denied };
    program.push([Op::Hypercall { number, argument: 0, privileged }, Op::Expect { value }])
}

/// All vCPUs of the domain meet: each tells vCPU 0, which lets them go when it has heard of all.
pub fn barrier(program: &mut Program, vcpu: u8, vcpus: u8, random: &mut Random) {
    if vcpu > 0 {
        program.push([Op::Ipi { vcpu: 0, vector: arrived(vcpu) }, until(OPEN, random)]);
        return;
    }
    program.push((1..vcpus).map(|other| until(arrived(other), random)));
    program.push((1..vcpus).map(|vcpu| Op::Ipi { vcpu, vector: OPEN }));
}

/// Waits for a vector, asleep or busy.
const fn until(vector: u8, random: &mut Random) -> Op {
    let vectors = 1 << vector;
    if random.one_in(2) { Op::Wait { vectors } } else { Op::Spin { vectors } }
}

/// What a vCPU does until somebody ends its life.
pub fn for_ever(program: &mut Program, vcpus: u8, random: &mut Random) {
    let address = program.here();
    match random.up_to(4) {
        0 => program.push([Op::Wait { vectors: 1 << NOISE }]),
        4 => program.push([Op::Spin { vectors: 1 << NOISE }]),
        1 => program.push([Op::Compute { ticks: 500 }]),
        2 => program.push([Op::Timer { ticks: random.up_to(200) }, Op::Wait { vectors: 1 }]),
        _ => program.push((0..vcpus).map(|vcpu| Op::Ipi { vcpu, vector: NOISE })),
    };
    program.push([Op::Jump { address }]);
}
