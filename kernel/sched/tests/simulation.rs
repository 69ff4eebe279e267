//! The scheduler's promises on simulated machines with random timing. A failure prints the seed.

mod machine;

use machine::{Guest, Machine, Random, SLICE};

/// Runs a test for many seeds, and says which one failed.
fn for_seeds(seeds: core::ops::Range<u64>, test: impl Fn(Random)) {
    struct Report(u64);
    impl Drop for Report {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the seed was {}", self.0);
            }
        }
    }
    for seed in seeds {
        let report = Report(seed);
        test(Random::new(seed));
        drop(report);
    }
}

fn sleeper(random: &mut Random) -> Guest {
    match random.up_to(4) {
        0 => Guest::Computes,
        1 => Guest::Sleeps { burst: SLICE / 50, timer: 3 * SLICE },
        2 => Guest::Sleeps { burst: 3 * SLICE, timer: SLICE / 10 },
        3 => Guest::Sleeps { burst: SLICE / 100, timer: SLICE / 100 },
        _ => Guest::Sleeps { burst: SLICE, timer: 0 },
    }
}

#[test]
fn any_mix_on_any_machine_keeps_the_promises() {
    for_seeds(0..150, |mut random| {
        let cpus = 1 + random.below(8);
        let guests: Vec<_> = (0..1 + random.below(24)).map(|_| sleeper(&mut random)).collect();
        let (delay, wake_every) = (random.up_to(SLICE / 20), 1 + random.up_to(SLICE));
        let mut machine = Machine::new(cpus, &guests, delay, random);
        machine.wake_every = Some(wake_every);
        machine.run(60 * SLICE);
        (0..guests.len()).for_each(|vcpu| machine.wake(vcpu));
        machine.run(60 * SLICE);
    });
}

#[test]
fn nobody_waits_longer_than_the_others_are_owed() {
    for_seeds(0..100, |mut random| {
        let cpus = 1 + random.below(4);
        let guests: Vec<_> = (0..2 + random.below(12)).map(|_| sleeper(&mut random)).collect();
        let mut machine = Machine::new(cpus, &guests, 0, random);
        machine.wake_every = Some(SLICE / 3);
        machine.run(200 * SLICE);
        // Each of the others catches up with it, by a slice and a half at most, and then overtakes it by a slice.
        let bound = (guests.len() as u64 - 1) * 5 * SLICE / 2;
        let longest = machine.vcpus.iter().map(|vcpu| vcpu.longest_wait).max();
        assert!(longest <= Some(bound), "{longest:?} > {bound} for {guests:?}");
    });
}

#[test]
fn equals_get_equal_shares_and_wait_their_turn_only() {
    for_seeds(0..60, |mut random| {
        let cpus = 1 + random.below(8);
        let vcpus = 1 + random.below(24);
        let mut machine = Machine::new(cpus, &vec![Guest::Computes; vcpus], 0, random);
        (0..vcpus).for_each(|vcpu| machine.wake(vcpu));
        for _ in 0..100 {
            let ticks = machine.random.up_to(3 * SLICE);
            machine.run(ticks);
            let received = || machine.vcpus.iter().map(|vcpu| received_by_now(&machine, vcpu));
            let (least, most) = (received().min().unwrap(), received().max().unwrap());
            assert!(most - least <= SLICE, "{least} and {most}");
            assert_eq!(received().sum::<u64>(), machine.now * cpus.min(vcpus) as u64, "a CPU idled");
        }
        let longest = machine.vcpus.iter().map(|vcpu| vcpu.longest_wait).max().unwrap();
        assert!(longest <= (vcpus as u64 - 1) * SLICE, "{longest}");
    });
}

#[test]
fn sleepers_take_nothing_from_the_shares_of_equals() {
    for_seeds(0..60, |mut random| {
        let cpus = 1 + random.below(4);
        let computing = 2 + random.below(6);
        let mut guests = vec![Guest::Computes; computing];
        guests.extend((0..random.below(6)).map(|_| Guest::Sleeps { burst: SLICE / 10, timer: SLICE }));
        let mut machine = Machine::new(cpus, &guests, 0, random);
        (0..guests.len()).for_each(|vcpu| machine.wake(vcpu));
        machine.run(500 * SLICE);
        let received = || machine.vcpus[..computing].iter().map(|vcpu| received_by_now(&machine, vcpu));
        let (least, most) = (received().min().unwrap(), received().max().unwrap());
        assert!(most - least <= SLICE, "{least} and {most} of {}", machine.now);
    });
}

#[test]
fn a_sleeper_gets_what_it_asks_for_at_once() {
    // It wants a hundredth of one CPU that two others would fill.
    let guests = [Guest::Computes, Guest::Computes, Guest::Sleeps { burst: SLICE / 100, timer: SLICE }];
    let mut machine = Machine::new(1, &guests, 0, Random::new(7));
    (0..3).for_each(|vcpu| machine.wake(vcpu));
    machine.run(10 * SLICE);
    machine.vcpus[2].longest_wait = 0;
    machine.run(1000 * SLICE);
    // At most until those that just had their turn are an eighth of a slice ahead of it.
    assert!(machine.vcpus[2].longest_wait <= SLICE, "{}", machine.vcpus[2].longest_wait);
}

#[test]
fn nobody_saves_up_the_time_that_it_slept() {
    let mut machine = Machine::new(1, &[Guest::Computes; 2], 0, Random::new(3));
    machine.wake(0);
    machine.run(1000 * SLICE);
    machine.wake(1);
    let before = received_by_now(&machine, &machine.vcpus[0]);
    machine.run(20 * SLICE);
    let received = received_by_now(&machine, &machine.vcpus[0]) - before;
    // Half a slice of a lead, and a slice as between any two.
    assert!((9 * SLICE..=10 * SLICE).contains(&received), "{received}");
}

#[test]
fn no_competition_no_ticks() {
    let mut machine = Machine::new(4, &[Guest::Computes; 3], 0, Random::new(1));
    (0..3).for_each(|vcpu| machine.wake(vcpu));
    machine.run(SLICE);
    let decisions = machine.decisions;
    machine.run(1000 * SLICE);
    assert_eq!(machine.decisions, decisions);
}

fn received_by_now(machine: &Machine, vcpu: &machine::Vcpu) -> u64 {
    let running = match vcpu.state {
        machine::State::Running { since, .. } => machine.now - since,
        _ => 0,
    };
    vcpu.received + running
}
