//! A reboot starts a domain again as from power-on, and nobody else notices.

use phalanx_sim::{COM1, FaultKind, Guest, Op, PAGE, Program, System, Verdict, for_seeds};

use crate::{BYTE, CODE, DATA, MORE_CODE, compute_for_ever, more, program, uart};

/// Words that each life looks at and dirties.
const WORDS: u64 = 512;

/// Finds its RAM scrubbed, dirties it and resets, ten times; the eleventh life ends in a power-off.
fn rebooter() -> Program {
    program([
        Op::Check { gpa: DATA, words: WORDS, pattern: 0 },
        Op::Fill { gpa: DATA, words: WORDS, pattern: 1 },
        Op::Start { vcpu: 1, address: MORE_CODE },
        Op::Wait { vectors: 1 << 1 },
        Op::Mark { value: 1 },
        Op::ResetUntil { resets: 10 },
        Op::PowerOff {},
    ])
}

/// Tells vCPU 0 that it runs, and computes.
fn second_vcpu() -> Program {
    let mut second = more([Op::Check { gpa: DATA, words: WORDS, pattern: 1 }, Op::Ipi { vcpu: 0, vector: 1 }]);
    compute_for_ever(&mut second);
    second
}

#[test]
fn ten_reboots_in_a_row_leave_a_neighbour_alone() {
    let mut neighbour = program([Op::Fill { gpa: DATA, words: WORDS, pattern: 7 }]);
    let again = neighbour.here();
    let check = Op::Check { gpa: DATA, words: WORDS, pattern: 7 };
    neighbour.push([Op::Compute { ticks: 500 }, check, Op::Mark { value: 9 }, Op::Jump { address: again }]);
    let rebooter = Guest::new("rebooter", &rebooter()).program(&second_vcpu()).vcpus(2);
    let mut run = System::new(2).guest(rebooter).guest(Guest::new("neighbour", &neighbour)).boot().unwrap();
    assert_eq!(run.run(600), Verdict::TimeIsUp);
    let before = run.hash(1, CODE, 15 * PAGE);
    assert_eq!(run.run(200_000), Verdict::TimeIsUp);
    assert_eq!(run.told(0), [1; 11]);
    for reboot in 1..=10 {
        assert_eq!(run.count_lines(&format!("phalanx: domain rebooter: reboot {reboot}")), 1);
    }
    let started = |line: &&String| line.starts_with("phalanx: domain rebooter: started after ");
    assert_eq!(run.lines().iter().filter(started).count(), 11);
    assert_eq!(run.count_lines("phalanx: domain rebooter: power-off"), 1);
    assert_eq!((run.hash(1, CODE, 15 * PAGE), run.told(1).len() > 100), (before, true));
}

#[test]
fn a_second_vcpu_waits_to_be_started_again_after_a_reboot() {
    // vCPU 1 would say 5 if it went on where it was, or if its start survived the reset.
    let first =
        program([Op::Mark { value: 1 }, Op::ResetUntil { resets: 1 }, Op::Compute { ticks: 5000 }, Op::PowerOff {}]);
    let mut starter = Program::at(CODE + 0x1000);
    starter.push([Op::Start { vcpu: 1, address: MORE_CODE }, Op::Jump { address: CODE }]);
    let second = more([Op::Compute { ticks: 2000 }, Op::Mark { value: 5 }]);
    let guest = Guest::new("a", &starter).vcpus(2);
    let segments = Guest::new("a", &first).vcpus(2).program(&second);
    for (guest, said) in [(segments, vec![1, 1]), (guest, vec![])] {
        let mut run = System::new(2).guest(guest).boot().unwrap();
        let _ = run.run(50_000);
        assert_eq!(run.told(0), said);
    }
}

#[test]
fn reboots_with_any_timing_come_back_whole() {
    for_seeds(0..60, |seed| {
        let cpus = 1 + (seed % 4) as u16;
        let mut system = System::new(cpus).seed(seed);
        for name in ["a", "b"] {
            system = system.guest(Guest::new(name, &rebooter()).program(&second_vcpu()).vcpus(2));
        }
        let mut run = system.boot().unwrap();
        assert_eq!(run.run(3_000_000), Verdict::Ended, "{:#?}", run.lines());
        assert_eq!((run.told(0), run.told(1)), (vec![1; 11], vec![1; 11]));
    });
}

#[test]
fn a_triple_fault_reboots_as_a_reset_does() {
    let guest = program([Op::Mark { value: 1 }, Op::ResetUntil { resets: 1 }, Op::Fault { kind: FaultKind::Triple }]);
    let mut run = System::new(1).guest(Guest::new("a", &guest)).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::TimeIsUp);
    assert_eq!(run.count_lines("phalanx: domain a: reboot 1"), 1);
    assert_eq!(run.count_lines("phalanx: domain a: reboot 2 after: triple fault"), 1);
    assert_eq!(run.count_lines("phalanx: domain a: reboot 3 after: triple fault"), 1);
}

#[test]
fn the_manifest_decides_what_a_reboot_does() {
    for (ops, line) in [
        (Op::Reset {}, "phalanx: domain a: stopped: reset"),
        (Op::Fault { kind: FaultKind::Triple }, "phalanx: domain a: stopped: triple fault"),
    ] {
        let mut run = System::new(1).guest(Guest::new("a", &program([ops])).ends_on_reboot()).boot().unwrap();
        assert_eq!((run.run(20_000), run.lines()[1].as_str()), (Verdict::Ended, line));
    }
}

#[test]
fn a_reboot_resets_the_uart() {
    let (interrupt_enable, line_control, modem_control, scratch) = (1, 3, 4, 7);
    let registers = [interrupt_enable, line_control, modem_control, scratch];
    let read = |register| [Op::In { port: COM1 + register, size: BYTE }, Op::MarkA {}];
    let mut guest = program(registers.into_iter().flat_map(read));
    guest.push(registers.map(|register| uart(register, 5))).push(registers.into_iter().flat_map(read));
    guest.push([Op::ResetUntil { resets: 1 }, Op::PowerOff {}]);
    let mut run = System::new(1).guest(Guest::new("a", &guest)).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    let one_life = [0, 3, 0, 0, 5, 5, 5, 5];
    assert_eq!(run.told(0), [one_life, one_life].concat());
}
