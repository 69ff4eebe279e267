//! A PL011 on the bus: output, input by interrupt, accesses of every width, a reboot.

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::Hypercall;
use phalanx_arch_api::AccessSize::{self, B1, B2, B4, B8};
use phalanx_sim::{COM1_VECTOR, Guest, Op, PL011, Program, Run, System, Verdict, for_seeds};

use crate::{CODE, compute_for_ever, program};

/// Registers.
const DR: u64 = PL011;
const FR: u64 = PL011 + 0x18;
const LCR_H: u64 = PL011 + 0x2c;
const IMSC: u64 = PL011 + 0x38;
const RIS: u64 = PL011 + 0x3c;
/// Receive FIFO empty.
const RXFE: u64 = 1 << 4;
/// Receive interrupt and receive timeout.
const RECEIVED: u64 = 0x50;

const fn load(gpa: u64, size: AccessSize) -> Op {
    Op::Load { gpa, size }
}

const fn store(gpa: u64, size: AccessSize, value: u64) -> Op {
    Op::Store { gpa, size, value }
}

fn boot(program: &Program) -> Run {
    System::new(1).guest(Guest::new("a", program).pl011().console()).boot().unwrap()
}

fn told(ops: impl IntoIterator<Item = Op>) -> Vec<u64> {
    let mut run = boot(&program(ops.into_iter().chain([Op::PowerOff {}])));
    assert_eq!(run.run(100_000), Verdict::Ended);
    run.told(0)
}

#[test]
fn what_is_written_goes_out() {
    let bytes = "by 8, 16 and 32 bits\r\n".bytes().zip([B1, B2, B4].into_iter().cycle());
    let ops = bytes.map(|(byte, size)| store(DR, size, byte.into()));
    let mut run = boot(&program(ops.chain([Op::PowerOff {}])));
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(run.lines()[1..], ["by 8, 16 and 32 bits", "phalanx: domain a: power-off"]);
}

#[test]
fn a_part_of_a_register_and_more_than_one() {
    let told = told([
        store(IMSC, B8, 0xffff_ffff_0000_0550),
        load(IMSC, B8),
        Op::MarkA {},
        load(IMSC + 1, B1),
        Op::MarkA {},
        load(IMSC, B1),
        Op::MarkA {},
        load(IMSC + 2, B2),
        Op::MarkA {},
        store(IMSC + 1, B1, 7),
        load(IMSC, B4),
        Op::MarkA {},
        store(IMSC, B1, 0x21),
        load(IMSC, B4),
        Op::MarkA {},
        load(PL011 + 0xfff, B8),
        Op::MarkA {},
    ]);
    assert_eq!(told, [0x550, 0x05, 0x50, 0, 0x550, 0x21, 0]);
}

#[test]
fn only_its_page_is_its() {
    let told = told([
        load(PL011 - 1, B1),
        Op::MarkA {},
        load(PL011 + 0x1000, B4),
        Op::MarkA {},
        Op::In { port: 0x3f8, size: B1 },
        Op::MarkA {},
        Op::Hypercall {
            number: Hypercall::ExitCount.number(),
            argument: ExitCounter::UnbackedAccess as u64,
            privileged: true,
        },
        Op::MarkA {},
    ]);
    assert_eq!(told, [0xff, 0xffff_ffff, 0xff, 3]);
}

/// Waits for `count` bytes by interrupt, tells each, and switches off.
fn reader(count: u64) -> Program {
    let mut reader = program([store(LCR_H, B4, 0x70), store(IMSC, B2, RECEIVED), Op::Set { counter: 0, value: count }]);
    let poll = reader.here();
    reader.push([
        load(FR, B2),
        Op::JumpIfAny { mask: RXFE, address: reader.ahead(6) },
        load(DR, B2),
        Op::MarkA {},
        Op::Loop { counter: 0, address: poll },
        Op::PowerOff {},
        Op::Jump { address: poll },
        Op::Wait { vectors: COM1_VECTOR },
        Op::Jump { address: poll },
    ]);
    reader
}

#[test]
fn keys_wake_a_guest_that_sleeps() {
    let mut run = boot(&reader(3));
    [(b"x", 5000), (b"y", 9000), (b"z", 9000)].into_iter().for_each(|(key, at)| run.type_at(at, key));
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(run.told(0), [b'x', b'y', b'z'].map(u64::from));
}

#[test]
fn input_beyond_the_fifo_arrives_complete_and_in_order() {
    for_seeds(0..8, |seed| {
        let count = [33, 500, 2000][seed as usize % 3];
        let guest = Guest::new("a", &reader(count)).pl011().console();
        let mut run = System::new(1 + (seed % 2) as u16).seed(seed).guest(guest).boot().unwrap();
        let text: Vec<u8> = (0..count).map(|number| b'0' + (number % 75) as u8).collect();
        let (ahead, later) = text.split_at(text.len() / 2);
        run.type_at(100, ahead);
        later.iter().zip((20_000..).step_by(7)).for_each(|(key, at)| run.type_at(at, &[*key]));
        assert_eq!(run.run(2_000_000), Verdict::Ended);
        assert_eq!(run.told(0), text.iter().map(|byte| u64::from(*byte)).collect::<Vec<_>>());
    });
}

#[test]
fn a_reboot_puts_it_back_to_reset() {
    let mut guest = Program::at(CODE);
    guest.push([load(IMSC, B4), Op::MarkA {}, load(RIS, B4), Op::MarkA {}]);
    guest.push([store(IMSC, B4, 0x7ff), store(DR, B4, b'x'.into()), load(RIS, B4), Op::MarkA {}]);
    guest.push([Op::ResetUntil { resets: 2 }]);
    compute_for_ever(&mut guest);
    let mut run = boot(&guest);
    assert_eq!(run.run(20_000), Verdict::TimeIsUp);
    assert_eq!(run.told(0), [0, 0, 0x20].repeat(3));
}
