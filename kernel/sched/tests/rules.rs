//! The rules one by one.

use phalanx_sched::{Blocked, CpuId, CpuSet, Decision, Next, Scheduler, Ticks, VcpuId, Wake};

const SLICE: Ticks = 1000;

/// A scheduler whose CPUs idle, with vCPUs that are blocked.
fn idle(cpus: u16, vcpus: usize) -> (Scheduler, Vec<VcpuId>) {
    let mut scheduler = Scheduler::new(usize::from(cpus), vcpus, SLICE);
    let ids = (0..vcpus).map(|_| scheduler.add().unwrap()).collect();
    for cpu in 0..cpus {
        assert_eq!(scheduler.next(CpuId(cpu), 0), nothing());
    }
    (scheduler, ids)
}

fn nothing() -> Next {
    Next { decision: Decision::Idle { until: None }, reschedule: CpuSet::EMPTY }
}

fn run(vcpu: VcpuId, until: Option<Ticks>) -> Next {
    Next { decision: Decision::Run { vcpu, until }, reschedule: CpuSet::EMPTY }
}

/// Wakes a blocked vCPU; the CPUs that must act.
fn wake(scheduler: &mut Scheduler, vcpu: VcpuId, now: Ticks) -> Vec<u16> {
    match scheduler.wake(vcpu, now) {
        Wake::Reschedule(cpus) => cpus.map(|cpu| cpu.0).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn capacity_is_fixed() {
    let mut scheduler = Scheduler::new(1, 2, SLICE);
    assert!(scheduler.add().is_some() && scheduler.add().is_some());
    assert_eq!(scheduler.add(), None);
    assert_eq!(Scheduler::new(0, 1, SLICE).add(), None);
    assert_eq!(scheduler.next(CpuId(1), 0), nothing());
}

#[test]
fn a_cpu_that_never_came_up_is_not_counted_on() {
    let mut scheduler = Scheduler::new(2, 2, SLICE);
    let [a, b] = [(); 2].map(|()| scheduler.add().unwrap());
    assert_eq!(scheduler.next(CpuId(0), 0), nothing());
    assert_eq!(wake(&mut scheduler, b, 0), [0]);
    assert_eq!(wake(&mut scheduler, a, 0), []);
    assert_eq!(scheduler.next(CpuId(0), 0), run(a, Some(SLICE)));
}

#[test]
fn a_wake_up_calls_the_last_cpu_first_and_each_idle_one_once() {
    let (mut scheduler, v) = idle(2, 3);
    assert_eq!(wake(&mut scheduler, v[1], 0), [1]);
    assert_eq!(scheduler.wake(v[1], 0), Wake::Nothing);
    assert_eq!(wake(&mut scheduler, v[0], 0), [0]);
    assert_eq!(wake(&mut scheduler, v[2], 0), []);
    assert_eq!(scheduler.next(CpuId(1), 0), run(v[1], Some(SLICE)));
    assert_eq!(scheduler.running_on(v[1]), Some(CpuId(1)));
    assert_eq!(scheduler.running_on(v[2]), None);
}

#[test]
fn a_competitor_gives_every_turn_an_end() {
    let (mut scheduler, v) = idle(2, 3);
    for (cpu, vcpu) in [(0, v[0]), (1, v[1])] {
        assert_eq!(wake(&mut scheduler, vcpu, 0), [cpu]);
        assert_eq!(scheduler.next(CpuId(cpu), 0), run(vcpu, None));
    }
    assert_eq!(wake(&mut scheduler, v[2], 10), [0, 1]);
    scheduler.preempted(v[1], CpuId(1), 10);
    assert_eq!(scheduler.next(CpuId(1), 10), run(v[1], Some(SLICE)), "it is 10 ticks ahead");
}

#[test]
fn a_wake_up_of_a_running_vcpu_is_seen_before_it_blocks() {
    let (mut scheduler, v) = idle(1, 1);
    assert_eq!(wake(&mut scheduler, v[0], 0), [0]);
    assert_eq!(scheduler.next(CpuId(0), 0), run(v[0], None));
    assert_eq!(scheduler.wake(v[0], 1), Wake::Look(CpuId(0)));
    assert_eq!(scheduler.wake(v[0], 1), Wake::Look(CpuId(0)));
    assert_eq!(scheduler.block(v[0], CpuId(0), None, 2), Blocked::StillRunnable);
    assert_eq!(scheduler.next(CpuId(0), 2), run(v[0], None));
    assert_eq!(scheduler.block(v[0], CpuId(0), None, 3), Blocked::Blocked);
    assert_eq!(scheduler.next(CpuId(0), 3), nothing());
}

#[test]
fn the_cpu_keeps_the_timer_of_what_blocked_there() {
    let (mut scheduler, v) = idle(1, 2);
    for (vcpu, earlier, timer) in [(v[0], None, Some(500)), (v[1], Some(500), Some(400))] {
        assert_eq!(wake(&mut scheduler, vcpu, 0), [0]);
        assert_eq!(scheduler.next(CpuId(0), 0), run(vcpu, earlier));
        assert_eq!(scheduler.block(vcpu, CpuId(0), timer, 0), Blocked::Blocked);
        let idle = Next { decision: Decision::Idle { until: timer }, reschedule: CpuSet::EMPTY };
        assert_eq!(scheduler.next(CpuId(0), 0), idle);
    }
    assert_eq!(scheduler.next(CpuId(0), 400), run(v[1], Some(500)));
    scheduler.preempted(v[1], CpuId(0), 500);
    let Next { decision: Decision::Run { vcpu, .. }, .. } = scheduler.next(CpuId(0), 500) else { panic!("both want") };
    assert_eq!(vcpu, v[1], "a tenth of a slice ahead is not worth a switch");
}

#[test]
fn timers_that_expire_together_bring_in_the_idle_cpus() {
    let (mut scheduler, v) = idle(2, 4);
    // Both ran on CPU 0 last.
    for vcpu in [v[0], v[2]] {
        assert_eq!(wake(&mut scheduler, vcpu, 0), [0]);
        assert_eq!(scheduler.next(CpuId(0), 0).reschedule, CpuSet::EMPTY);
        assert_eq!(scheduler.block(vcpu, CpuId(0), Some(100), 0), Blocked::Blocked);
        assert_eq!(scheduler.next(CpuId(0), 0).reschedule, CpuSet::EMPTY);
    }
    let Next { decision, mut reschedule } = scheduler.next(CpuId(0), 100);
    assert_eq!(decision, Decision::Run { vcpu: v[0], until: None });
    assert_eq!((reschedule.next(), reschedule.next()), (Some(CpuId(1)), None));
    assert_eq!(scheduler.next(CpuId(1), 100), run(v[2], None));
}

#[test]
fn an_interrupted_turn_goes_on() {
    let (mut scheduler, v) = idle(1, 2);
    assert_eq!(wake(&mut scheduler, v[0], 0), [0]);
    assert_eq!(wake(&mut scheduler, v[1], 0), []);
    assert_eq!(scheduler.next(CpuId(0), 0), run(v[0], Some(SLICE)));
    for now in [100, 400, 999] {
        scheduler.preempted(v[0], CpuId(0), now);
        assert_eq!(scheduler.next(CpuId(0), now), run(v[0], Some(SLICE)));
    }
    scheduler.preempted(v[0], CpuId(0), SLICE);
    assert_eq!(scheduler.next(CpuId(0), SLICE), run(v[1], Some(2 * SLICE)));
}

#[test]
fn a_sleeper_preempts_the_one_that_had_most() {
    let (mut scheduler, v) = idle(2, 4);
    for vcpu in &v[..3] {
        assert!(matches!(scheduler.wake(*vcpu, 0), Wake::Reschedule(_)));
    }
    assert_eq!(scheduler.next(CpuId(0), 0), run(v[0], Some(SLICE)));
    assert_eq!(scheduler.next(CpuId(1), 500), run(v[1], Some(500 + SLICE)));
    assert_eq!(wake(&mut scheduler, v[3], 600), [0], "CPU 1 has just begun");
    scheduler.preempted(v[0], CpuId(0), 600);
    assert_eq!(scheduler.next(CpuId(0), 600), run(v[2], Some(600 + SLICE)), "it waited longer");
    scheduler.preempted(v[1], CpuId(1), 650);
    assert_eq!(scheduler.next(CpuId(1), 650), run(v[1], Some(500 + SLICE)), "its turn goes on");
}

#[test]
fn a_sleeper_that_had_as_much_as_the_others_waits() {
    let (mut scheduler, v) = idle(1, 2);
    assert_eq!(wake(&mut scheduler, v[0], 0), [0]);
    assert_eq!(scheduler.next(CpuId(0), 0), run(v[0], None));
    assert_eq!(scheduler.block(v[0], CpuId(0), Some(SLICE), SLICE / 2), Blocked::Blocked);
    assert_eq!(wake(&mut scheduler, v[1], SLICE / 2), []);
    assert_eq!(scheduler.next(CpuId(0), SLICE / 2), run(v[1], Some(SLICE)));
    scheduler.preempted(v[1], CpuId(0), SLICE);
    let Next { decision: Decision::Run { vcpu, .. }, .. } = scheduler.next(CpuId(0), SLICE) else {
        panic!("one of two")
    };
    assert_eq!(vcpu, v[1]);
}

#[test]
fn reports_about_a_vcpu_that_is_not_there_change_nothing() {
    let (mut scheduler, v) = idle(2, 2);
    assert_eq!(wake(&mut scheduler, v[0], 0), [0]);
    assert_eq!(scheduler.next(CpuId(0), 0), run(v[0], None));
    scheduler.preempted(v[0], CpuId(1), 5);
    scheduler.preempted(v[1], CpuId(0), 5);
    scheduler.preempted(v[0], CpuId(9), 5);
    assert_eq!(scheduler.block(v[0], CpuId(1), None, 5), Blocked::Blocked);
    assert_eq!(scheduler.running_on(v[0]), Some(CpuId(0)));
    // A CPU that asks without a report is taken to have been preempted.
    assert_eq!(scheduler.next(CpuId(0), 9), run(v[0], None));
}
