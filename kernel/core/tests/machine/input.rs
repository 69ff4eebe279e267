//! Input: what is typed reaches the domain that it was typed for, complete and in order.

use phalanx_sim::{COM1, COM1_VECTOR, Guest, Op, Program, Run, System, Timing, Verdict, for_seeds};

use crate::{BYTE, CODE, uart};

/// The UART's interrupt-enable, FIFO-control and modem-control registers.
const IER: u16 = 1;
const FCR: u16 = 2;
const MCR: u16 = 4;
/// The line-status register; bit 0 is data ready.
const LSR: u16 = 5;
const CTRL_T: u8 = 0x14;
/// vCPU 0 hears nothing from the line at `start`, and reads until it has `count` bytes.
struct Reader {
    start: u64,
    count: u64,
}

/// Computes for a while, then reads bytes, tells each, and switches off.
fn reader(reader: &Reader) -> Program {
    let mut program = Program::at(CODE);
    let Reader { start, count } = *reader;
    program.push([Op::Compute { ticks: start }, uart(IER, 1), uart(MCR, 8), Op::Set { counter: 0, value: count }]);
    read_bytes(&mut program);
    program.push([Op::PowerOff {}]);
    program
}

/// Reads as many bytes as counter 0 says: while there are some, then by interrupt.
fn read_bytes(program: &mut Program) {
    let poll = program.here();
    let read = program.ahead(4);
    program.push([
        Op::In { port: COM1 + LSR, size: BYTE },
        Op::JumpIfAny { mask: 1, address: read },
        Op::Wait { vectors: COM1_VECTOR },
        Op::Jump { address: poll },
        Op::In { port: COM1, size: BYTE },
        Op::MarkA {},
        Op::Loop { counter: 0, address: poll },
    ]);
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|number| b'0' + (number % 75) as u8).collect()
}

fn told(run: &Run, domain: usize) -> Vec<u8> {
    run.told(domain).iter().map(|value| *value as u8).collect()
}

#[test]
fn keys_wake_a_guest_that_sleeps() {
    let guest = Guest::new("a", &reader(&Reader { start: 1, count: 3 })).console();
    let mut run = System::new(1).guest(guest).boot().unwrap();
    for (key, at) in [(b"x", 5000), (b"y", 9000), (b"z", 9000)] {
        run.type_at(at, key);
    }
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(told(&run, 0), b"xyz");
    assert!(run.marks(0)[0].at < 5200);
}

#[test]
fn input_beyond_the_fifo_arrives_complete_and_in_order() {
    for_seeds(0..12, |seed| {
        let count = [65, 500, 3000][seed as usize % 3];
        let guest = Guest::new("a", &reader(&Reader { start: 4000, count })).console();
        let mut run = System::new(1 + (seed % 2) as u16).seed(seed).guest(guest).boot().unwrap();
        let text = text(count as usize);
        let (ahead, later) = text.split_at(count as usize / 2);
        run.type_at(100, ahead);
        later.iter().zip((20_000..).step_by(7)).for_each(|(key, at)| run.type_at(at, &[*key]));
        assert_eq!(run.run(2_000_000), Verdict::Ended);
        assert_eq!(told(&run, 0), text);
    });
}

#[test]
fn ctrl_t_gives_what_follows_to_the_next_domain() {
    for start in [1, 8000] {
        let guest = |name| Guest::new(name, &reader(&Reader { start, count: 3 })).console();
        let mut run = System::new(2).guest(guest("a")).guest(guest("b")).boot().unwrap();
        run.type_at(4000, &[b"abc", &[CTRL_T][..], b"def"].concat());
        assert_eq!(run.run(100_000), Verdict::Ended, "guests that begin to read at {start}");
        assert_eq!((told(&run, 0), told(&run, 1)), (b"abc".to_vec(), b"def".to_vec()));
        assert_eq!(run.count_lines("phalanx: console input goes to b"), 1);
    }
}

#[test]
fn ctrl_t_comes_round() {
    let guest = |name| Guest::new(name, &reader(&Reader { start: 1, count: 2 })).console();
    let mut run = System::new(1).guest(guest("a")).guest(guest("b")).boot().unwrap();
    for (at, keys) in [
        (3000, b"1".as_slice()),
        (4000, &[CTRL_T]),
        (5000, b"2"),
        (6000, &[CTRL_T]),
        (7000, b"3"),
        (8000, &[CTRL_T, b'4']),
    ] {
        run.type_at(at, keys);
    }
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!((told(&run, 0), told(&run, 1)), (b"13".to_vec(), b"24".to_vec()));
}

#[test]
fn a_domain_that_does_not_read_cannot_take_the_keyboard_away() {
    let deaf = Guest::new("deaf", &reader(&Reader { start: u64::MAX / 2, count: 1 })).console();
    let reads = Guest::new("reads", &reader(&Reader { start: 1, count: 300 })).console();
    let mut run = System::new(2).guest(deaf).guest(reads).boot().unwrap();
    let wanted = text(300);
    run.type_at(2000, &text(20_000));
    run.type_at(3000, &[CTRL_T]);
    run.type_at(4000, &wanted);
    assert_eq!(run.run(200_000), Verdict::TimeIsUp);
    assert_eq!(told(&run, 1), wanted);
}

#[test]
fn clearing_the_fifo_does_not_hide_what_was_typed_ahead() {
    let mut program = Program::at(CODE);
    let clear_receive = 3;
    program.push([Op::Compute { ticks: 5000 }, uart(FCR, clear_receive), uart(IER, 1), uart(MCR, 8)]);
    program.push([Op::Set { counter: 0, value: 36 }]);
    read_bytes(&mut program);
    program.push([Op::PowerOff {}]);
    let mut run = System::new(1).guest(Guest::new("a", &program).console()).boot().unwrap();
    let text = text(100);
    run.type_at(1000, &text);
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(told(&run, 0), text[64..]);
}

#[test]
fn a_key_that_comes_during_a_reboot_does_not_silence_the_line() {
    // The line's level must not outlive the reset: it is an edge that tells the guest of the key at the end.
    let mut program = Program::at(CODE);
    program.push([uart(IER, 1), uart(MCR, 8), Op::ResetUntil { resets: 1 }]);
    program.push([uart(FCR, 3), Op::Set { counter: 0, value: 1 }]);
    read_bytes(&mut program);
    program.push([Op::PowerOff {}]);
    for_seeds(0..400, |seed| {
        let system = System::new(2).seed(seed).timing(Timing::Exact);
        let mut run = system.guest(Guest::new("a", &program).console()).boot().unwrap();
        run.type_at(seed / 2, b"k");
        run.type_at(10_000, b"!");
        assert_eq!(run.run(100_000), Verdict::Ended);
    });
}
