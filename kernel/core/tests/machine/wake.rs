//! Halting and waking.

use phalanx_sim::{Guest, Op, System, Verdict, for_seeds};

use crate::{MORE_CODE, compute_for_ever, more, program};

#[test]
fn a_halted_vcpu_is_woken_by_its_timer() {
    let ops = [Op::Timer { ticks: 5000 }, Op::Mark { value: 1 }, Op::Wait { vectors: 1 }, Op::Mark { value: 2 }];
    let mut run = System::new(1).guest(Guest::new("a", &program(ops.into_iter().chain([Op::PowerOff {}])))).boot();
    let run = run.as_mut().unwrap();
    assert_eq!(run.run(100_000), Verdict::Ended);
    let marks = run.marks(0);
    assert!((4995..5050).contains(&(marks[1].at - marks[0].at)), "{marks:?}");
}

#[test]
fn a_timer_comes_in_time_while_others_compute() {
    let mut naps = program([]);
    let again = naps.here();
    naps.push([Op::Timer { ticks: 3000 }, Op::Wait { vectors: 1 }, Op::Mark { value: 1 }, Op::Jump { address: again }]);
    let mut computes = program([]);
    compute_for_ever(&mut computes);
    let system = System::new(1).guest(Guest::new("naps", &naps)).guest(Guest::new("computes", &computes));
    let mut run = system.boot().unwrap();
    assert_eq!(run.run(300_000), Verdict::TimeIsUp);
    let marks = run.marks(0);
    assert!(marks.len() > 95, "{} naps", marks.len());
    let late = marks.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
    assert!(late < 3000 + 100, "a nap took {late} ticks");
}

#[test]
fn an_idle_machine_without_timers_does_nothing() {
    let mut run = System::new(2).guest(Guest::new("a", &program([Op::Wait { vectors: 1 << 3 }]))).boot().unwrap();
    assert_eq!(run.run(100_000), Verdict::Stuck);
    assert!(run.time() < 1000, "it was busy until {}", run.time());
}

#[test]
fn no_wake_up_is_lost_between_two_vcpus() {
    // Each halts until the other has sent: one lost wake-up, and nothing ever happens again.
    let rounds = 200;
    for_seeds(0..60, |seed| {
        let mut first = program([Op::Start { vcpu: 1, address: MORE_CODE }, Op::Set { counter: 0, value: rounds }]);
        let again = first.here();
        let ping =
            [Op::Ipi { vcpu: 1, vector: 2 }, Op::Wait { vectors: 1 << 1 }, Op::Loop { counter: 0, address: again }];
        first.push(ping.into_iter().chain([Op::PowerOff {}]));
        let mut second = more([]);
        let again = second.here();
        second.push([Op::Wait { vectors: 1 << 2 }, Op::Ipi { vcpu: 0, vector: 1 }, Op::Jump { address: again }]);
        let cpus = 1 + (seed % 3) as u16;
        let guest = Guest::new("a", &first).program(&second).vcpus(2);
        let mut run = System::new(cpus).seed(seed).guest(guest).boot().unwrap();
        assert_eq!(run.run(2_000_000), Verdict::Ended, "on {cpus} CPUs");
    });
}

#[test]
fn an_ipi_interrupts_a_vcpu_that_runs() {
    // Nobody competes, so nothing but the sender's kick makes the second vCPU leave its guest and look.
    let first = program([
        Op::Start { vcpu: 1, address: MORE_CODE },
        Op::Compute { ticks: 300 },
        Op::Mark { value: 1 },
        Op::Ipi { vcpu: 1, vector: 2 },
        Op::Wait { vectors: 1 << 1 },
        Op::PowerOff {},
    ]);
    let mut second = more([Op::Spin { vectors: 1 << 2 }, Op::Mark { value: 2 }, Op::Ipi { vcpu: 0, vector: 1 }]);
    compute_for_ever(&mut second);
    let guest = Guest::new("a", &first).program(&second).vcpus(2);
    let mut run = System::new(2).guest(guest).boot().unwrap();
    assert_eq!((run.run(10_000), run.told(0)), (Verdict::Ended, vec![1, 2]));
    let marks = run.marks(0);
    assert!(marks[1].at - marks[0].at < 20, "{marks:?}");
}
