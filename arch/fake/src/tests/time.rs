//! Time and turns.

use std::cell::RefCell;
use std::rc::Rc;

use phalanx_arch_api::{Arch, CpuIndex, Hfn, Hpa, Ticks};

use crate::{Fake, FakeCpu, Memory, Simulator, Timing, Verdict, World};

type Log = Rc<RefCell<Vec<(u16, Ticks)>>>;

fn simulator(timing: Timing, seed: u64) -> Simulator {
    Simulator::new(World::new(Memory::new(Hfn::new(1), 1), timing, seed))
}

/// Adds a CPU that does something and notes number and time after it.
fn add(simulator: &mut Simulator, log: &Log, act: impl FnOnce(&mut FakeCpu) + 'static) {
    let log = log.clone();
    simulator.add_cpu(0, move |index, cpu| {
        act(cpu);
        let now = Fake::now();
        log.borrow_mut().push((index.0, now));
    });
}

#[test]
fn an_idle_cpu_wakes_in_time_or_when_it_is_kicked() {
    let (mut simulator, log) = (simulator(Timing::Exact, 1), Log::default());
    add(&mut simulator, &log, |cpu| Fake::idle(cpu, Some(100)));
    add(&mut simulator, &log, |cpu| Fake::idle(cpu, None));
    add(&mut simulator, &log, |cpu| {
        Fake::idle(cpu, Some(50));
        Fake::kick(CpuIndex(1));
    });
    assert_eq!(simulator.run(1000), Verdict::Ended);
    let mut order = log.take();
    order.sort_unstable();
    assert_eq!(order, [(0, 101), (1, 52), (2, 51)]);
}

#[test]
fn a_kick_that_comes_before_the_wait_ends_it() {
    let (mut simulator, log) = (simulator(Timing::Exact, 1), Log::default());
    add(&mut simulator, &log, |cpu| {
        Fake::kick(CpuIndex(0));
        while Fake::now() < 30 {}
        Fake::idle(cpu, None);
    });
    assert_eq!(simulator.run(1000), Verdict::Ended);
    assert_eq!(log.take(), [(0, 31)]);
}

#[test]
fn a_machine_where_nothing_can_happen_is_stuck() {
    let (mut simulator, log) = (simulator(Timing::Exact, 1), Log::default());
    add(&mut simulator, &log, |cpu| Fake::idle(cpu, None));
    assert_eq!((simulator.run(1000), simulator.world().time()), (Verdict::Stuck, 0));
    simulator.world().type_at(70, b"x");
    assert_eq!((simulator.run(1000), log.take()), (Verdict::Ended, vec![(0, 71)]));
}

#[test]
fn a_run_can_be_continued() {
    let (mut simulator, log) = (simulator(Timing::Exact, 1), Log::default());
    add(&mut simulator, &log, |cpu| Fake::idle(cpu, Some(100)));
    assert_eq!((simulator.run(60), simulator.world().time()), (Verdict::TimeIsUp, 60));
    assert_eq!((simulator.run(60), log.take()), (Verdict::Ended, vec![(0, 101)]));
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let run = |seed| {
        let (mut simulator, log) = (simulator(Timing::Random, seed), Log::default());
        for _ in 0..4 {
            add(&mut simulator, &log, |_| while Fake::now() < 200 {});
        }
        assert_eq!(simulator.run(1000), Verdict::Ended);
        log.take()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
#[should_panic(expected = "a deadlock")]
fn a_lock_that_is_never_freed_is_a_deadlock() {
    let (mut simulator, log) = (simulator(Timing::Exact, 1), Log::default());
    add(&mut simulator, &log, |_| {
        loop {
            Fake::relax();
        }
    });
    simulator.run(Ticks::MAX / 2);
}

#[test]
fn memory_is_garbage_until_it_is_written() {
    let memory = Memory::new(Hfn::new(2), 1);
    assert_eq!(memory.read_u64(Hpa::new(0x2000)), Some(0xa5a5_a5a5_a5a5_a5a5));
    assert_eq!(memory.write_u64(Hpa::new(0x2ff8), 7), Some(()));
    assert_eq!(memory.read_u64(Hpa::new(0x2ff8)), Some(7));
    for outside in [0x1ff8, 0x2001, 0x3000] {
        assert_eq!(memory.read_u64(Hpa::new(outside)), None);
    }
}
