//! A domain stops as a whole, whichever vCPU ends it and whatever the others do.

use phalanx_core::Ending;
use phalanx_sim::{FaultKind, Guest, Op, Program, Run, System, Verdict, for_seeds};

use crate::{MORE_CODE, compute_for_ever, more, program, says};

/// Starts the others, and ends the domain after a while.
fn ender(end: Op) -> Program {
    let start = |vcpu| Op::Start { vcpu, address: MORE_CODE + 0x1000 * u64::from(vcpu - 1) };
    program([start(1), start(2), start(3), Op::Compute { ticks: 1500 }, end])
}

/// Four vCPUs: one ends the domain, one computes, one sleeps, one sleeps with a timer again and again.
fn busy_domain(name: &str, end: Op) -> Guest {
    let mut computes = more([]);
    compute_for_ever(&mut computes);
    let mut sleeps = Program::at(MORE_CODE + 0x1000);
    sleeps.push([Op::Wait { vectors: 1 << 5 }]);
    let mut naps = Program::at(MORE_CODE + 0x2000);
    let again = naps.here();
    naps.push([Op::Timer { ticks: 50 }, Op::Wait { vectors: 1 }, Op::Jump { address: again }]);
    Guest::new(name, &ender(end)).program(&computes).program(&sleeps).program(&naps).vcpus(4)
}

const ENDS: [(Op, &str); 4] = [
    (Op::PowerOff {}, "power-off"),
    (Op::Reset {}, "stopped: reset"),
    (Op::Fault { kind: FaultKind::Triple }, "stopped: triple fault"),
    (Op::Fault { kind: FaultKind::MachineCheck }, "stopped: machine check"),
];

/// Checks that everything is over, once for each domain and each CPU.
fn assert_ended(run: &Run, cpus: u16, lines: &[String]) {
    assert_eq!(run.endings(), vec![Ending::AllDomainsEnded; usize::from(cpus)]);
    for line in lines {
        assert_eq!(run.count_lines(line), 1, "{line}: {:#?}", run.lines());
    }
}

#[test]
fn every_end_stops_vcpus_that_compute_sleep_and_nap() {
    for (end, line) in ENDS {
        for cpus in 1..=4 {
            let mut run = System::new(cpus).guest(busy_domain("a", end).ends_on_reboot()).boot().unwrap();
            assert_eq!(run.run(50_000), Verdict::Ended, "{end:?} on {cpus} CPUs");
            assert_ended(&run, cpus, &[format!("phalanx: domain a: {line}")]);
        }
    }
}

#[test]
fn every_end_stops_the_domain_with_any_timing() {
    for_seeds(0..100, |seed| {
        let (end, line) = ENDS[seed as usize % ENDS.len()];
        let cpus = 1 + (seed / 4 % 4) as u16;
        let system = System::new(cpus).seed(seed).guest(busy_domain("a", end).ends_on_reboot());
        let mut run = system.guest(busy_domain("b", Op::PowerOff {})).boot().unwrap();
        assert_eq!(run.run(500_000), Verdict::Ended);
        assert_ended(&run, cpus, &[format!("phalanx: domain a: {line}"), "phalanx: domain b: power-off".into()]);
    });
}

#[test]
fn two_vcpus_that_end_their_domain_at_once_end_it_once() {
    for_seeds(0..100, |seed| {
        let first = program([Op::Start { vcpu: 1, address: MORE_CODE }, Op::Compute { ticks: 30 }, Op::PowerOff {}]);
        let second = more([Op::Fault { kind: FaultKind::Triple }]);
        let guest = Guest::new("a", &first).program(&second).vcpus(2).ends_on_reboot();
        let mut run = System::new(2).seed(seed).guest(guest).boot().unwrap();
        assert_eq!(run.run(100_000), Verdict::Ended);
        let (off, fault) = ("phalanx: domain a: power-off", "phalanx: domain a: stopped: triple fault");
        assert_eq!(run.count_lines(off) + run.count_lines(fault), 1);
    });
}

#[test]
fn a_second_vcpu_may_end_the_domain() {
    let first = program([Op::Start { vcpu: 1, address: MORE_CODE }, Op::Wait { vectors: 1 << 1 }]);
    let guest = Guest::new("a", &first).program(&more([Op::PowerOff {}])).vcpus(2);
    let mut run = System::new(1).guest(guest).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    assert_ended(&run, 1, &["phalanx: domain a: power-off".into()]);
}

#[test]
fn the_last_domain_ends_the_machine_and_not_the_first() {
    let mut late = program([Op::Compute { ticks: 30_000 }]);
    late.push([Op::PowerOff {}]);
    let mut run = System::new(3).guest(Guest::new("a", &says("x"))).guest(Guest::new("b", &late)).boot().unwrap();
    assert_eq!((run.run(20_000), run.endings().len()), (Verdict::TimeIsUp, 0));
    assert_eq!(run.run(20_000), Verdict::Ended);
    assert_ended(&run, 3, &["phalanx: domain a: power-off".into(), "phalanx: domain b: power-off".into()]);
}

#[test]
fn vcpus_that_were_never_started_do_not_keep_a_domain_alive() {
    let mut run = System::new(2).guest(Guest::new("a", &program([Op::PowerOff {}])).vcpus(8)).boot().unwrap();
    assert_eq!((run.run(20_000), run.lines().len()), (Verdict::Ended, 2));
}

#[test]
fn a_domain_that_fails_is_shown_with_what_it_did_last() {
    let size = crate::BYTE;
    let guest = program([
        Op::Out { port: 0x80, size, value: 1 },
        Op::Load { gpa: 0xfed0_0000, size },
        Op::Fault { kind: FaultKind::MachineCheck },
    ]);
    let neighbour = Guest::new("b", &program([Op::In { port: 0x99, size }, Op::PowerOff {}]));
    let mut run = System::new(2).guest(Guest::new("a", &guest)).guest(neighbour).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    let lines = run.lines();
    let shown: Vec<_> = lines.iter().filter_map(|line| line.split_once(" us before: ")).collect();
    assert!(shown.iter().all(|(who, _)| who.starts_with("phalanx: domain a: vCPU 0, ")), "{lines:#?}");
    let what = ["write of port 0x80, which nobody owns", "read at 0xfed00000, where nothing is"];
    assert!(shown.iter().map(|(_, what)| *what).eq(what), "{lines:#?}");
}
