//! A machine that obeys the scheduler and holds it to its promises, with random timing.

mod check;
mod random;

pub use random::Random;

use phalanx_sched::{Blocked, CpuId, CpuSet, Decision, Next, Scheduler, Ticks, VcpuId, Wake};

/// The slice of all simulations.
pub const SLICE: Ticks = 1000;

/// What a vCPU's guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Computes for ever.
    Computes,
    /// Computes for at most so long, then waits: for its timer, a wake-up, or either.
    Sleeps { burst: Ticks, timer: Ticks },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Blocked { until: Option<Ticks> },
    Ready { since: Ticks },
    Running { cpu: usize, since: Ticks },
}

#[derive(Debug)]
pub struct Vcpu {
    pub id: VcpuId,
    pub guest: Guest,
    pub state: State,
    /// Where it ran last.
    pub last: Option<usize>,
    /// When its burst ends, in its own time.
    pub burst_end: Ticks,
    /// Its own time.
    pub received: Ticks,
    pub longest_wait: Ticks,
    /// Somebody woke it since it last looked.
    pub unseen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Away,
    Idle,
    Runs(usize),
}

#[derive(Debug)]
pub struct Cpu {
    pub doing: Doing,
    pub until: Option<Ticks>,
    /// When a request to reschedule arrives.
    pub called: Option<Ticks>,
}

pub struct Machine {
    pub scheduler: Scheduler,
    pub now: Ticks,
    pub cpus: Vec<Cpu>,
    pub vcpus: Vec<Vcpu>,
    pub random: Random,
    /// The longest that a request to reschedule takes to arrive.
    pub delay: Ticks,
    /// The mean time between wake-ups from outside.
    pub wake_every: Option<Ticks>,
    next_wake: Ticks,
    /// Decisions made.
    pub decisions: u64,
}

impl Machine {
    /// A machine whose CPUs have all come up and found nothing to do.
    pub fn new(cpus: usize, guests: &[Guest], delay: Ticks, random: Random) -> Self {
        let mut scheduler = Scheduler::new(cpus, guests.len(), SLICE);
        let vcpus = guests.iter().map(|guest| Vcpu::new(scheduler.add().unwrap(), *guest)).collect();
        let cpus = (0..cpus).map(|_| Cpu { doing: Doing::Away, until: None, called: None }).collect();
        let mut machine =
            Self { scheduler, now: 0, cpus, vcpus, random, delay, wake_every: None, next_wake: 0, decisions: 0 };
        (0..machine.cpus.len()).for_each(|cpu| machine.ask(cpu));
        machine
    }

    /// Runs for `ticks`.
    pub fn run(&mut self, ticks: Ticks) {
        let end = self.now + ticks;
        while let Some(at) = self.next_event().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.one_event();
            self.check();
        }
        self.now = end;
    }

    /// Somebody wakes a vCPU.
    pub fn wake(&mut self, number: usize) {
        let wake = self.scheduler.wake(self.vcpus[number].id, self.now);
        match (self.vcpus[number].state, wake) {
            (State::Ready { .. }, Wake::Nothing) => {}
            (State::Running { cpu, .. }, Wake::Look(told)) => {
                assert_eq!(told.index(), cpu);
                // The CPU may look at once, or be on its way out of the guest.
                self.vcpus[number].unseen = self.random.one_in(2);
            }
            (State::Blocked { .. }, Wake::Reschedule(cpus)) => {
                self.vcpus[number].state = State::Ready { since: self.now };
                self.call(cpus);
            }
            (state, wake) => panic!("{state:?} was woken, and got {wake:?}"),
        }
    }

    fn call(&mut self, cpus: CpuSet) {
        for cpu in cpus {
            let at = self.now + self.random.up_to(self.delay);
            let cpu = &mut self.cpus[cpu.index()];
            assert_ne!(cpu.doing, Doing::Away, "called a CPU that never came up");
            assert_eq!(cpu.called, None, "called twice");
            cpu.called = Some(at);
        }
    }

    fn next_event(&self) -> Option<Ticks> {
        let cpus = (0..self.cpus.len()).filter_map(|cpu| self.cpu_event(cpu));
        cpus.chain(self.wake_every.map(|_| self.next_wake)).min()
    }

    /// When something happens on a CPU.
    fn cpu_event(&self, number: usize) -> Option<Ticks> {
        let cpu = &self.cpus[number];
        let burst = match cpu.doing {
            Doing::Runs(vcpu) => self.vcpus[vcpu].burst_ends_at(),
            Doing::Idle | Doing::Away => None,
        };
        [cpu.until, cpu.called, burst].into_iter().flatten().min()
    }

    fn one_event(&mut self) {
        if let Some(every) = self.wake_every.filter(|_| self.next_wake <= self.now) {
            self.next_wake = self.now + 1 + self.random.up_to(2 * every);
            let number = self.random.below(self.vcpus.len());
            return self.wake(number);
        }
        let due: Vec<_> = (0..self.cpus.len()).filter(|cpu| self.cpu_event(*cpu) <= Some(self.now)).collect();
        let due: Vec<_> = due.into_iter().filter(|cpu| self.cpu_event(*cpu).is_some()).collect();
        let cpu = due[self.random.below(due.len())];
        self.leave(cpu);
        if self.wake_every.is_some() && self.random.one_in(4) {
            // Between a CPU's report and its question, others act.
            let number = self.random.below(self.vcpus.len());
            self.wake(number);
        }
        self.ask(cpu);
    }

    /// A CPU stops what it does and reports.
    fn leave(&mut self, cpu: usize) {
        let Doing::Runs(number) = self.cpus[cpu].doing else { return };
        let blocks = self.vcpus[number].burst_ends_at().is_some_and(|at| at <= self.now);
        let (id, name) = (self.vcpus[number].id, CpuId(cpu as u16));
        self.vcpus[number].leave(self.now);
        if !blocks {
            self.scheduler.preempted(id, name, self.now);
            return;
        }
        let until = self.timer(number);
        match self.scheduler.block(id, name, until, self.now) {
            Blocked::Blocked => {
                assert!(!self.vcpus[number].unseen, "a wake-up of {id:?} was lost");
                self.vcpus[number].state = State::Blocked { until };
            }
            Blocked::StillRunnable => {}
        }
        self.vcpus[number].burst_end = self.vcpus[number].received + 1 + self.random.up_to(self.burst(number));
    }

    fn burst(&self, number: usize) -> Ticks {
        match self.vcpus[number].guest {
            Guest::Computes => Ticks::MAX / 4,
            Guest::Sleeps { burst, .. } => burst,
        }
    }

    fn timer(&mut self, number: usize) -> Option<Ticks> {
        let Guest::Sleeps { timer, .. } = self.vcpus[number].guest else { return None };
        let only_woken = self.wake_every.is_some() && self.random.one_in(3);
        (!only_woken).then(|| self.now + self.random.up_to(timer))
    }

    /// A CPU asks what to do, and does it.
    fn ask(&mut self, cpu: usize) {
        self.cpus[cpu].called = None;
        self.expire();
        self.decisions += 1;
        let Next { decision, reschedule } = self.scheduler.next(CpuId(cpu as u16), self.now);
        match decision {
            Decision::Run { vcpu, until } => {
                self.vcpus[vcpu.index()].enter(cpu, self.now);
                self.cpus[cpu] = Cpu { doing: Doing::Runs(vcpu.index()), until, called: None };
            }
            Decision::Idle { until } => self.cpus[cpu] = Cpu { doing: Doing::Idle, until, called: None },
        }
        self.call(reschedule);
    }

    /// Timers that have expired by now make their vCPUs ready in the next decision.
    fn expire(&mut self) {
        for vcpu in &mut self.vcpus {
            if matches!(vcpu.state, State::Blocked { until: Some(until) } if until <= self.now) {
                vcpu.state = State::Ready { since: self.now };
            }
        }
    }
}

impl Vcpu {
    fn new(id: VcpuId, guest: Guest) -> Self {
        let state = State::Blocked { until: None };
        Self { id, guest, state, last: None, burst_end: 1, received: 0, longest_wait: 0, unseen: false }
    }

    fn burst_ends_at(&self) -> Option<Ticks> {
        match (self.guest, self.state) {
            (Guest::Sleeps { .. }, State::Running { since, .. }) => {
                Some(since + self.burst_end.saturating_sub(self.received))
            }
            _ => None,
        }
    }

    fn enter(&mut self, cpu: usize, now: Ticks) {
        let State::Ready { since } = self.state else { panic!("{:?} runs, but is {:?}", self.id, self.state) };
        self.longest_wait = self.longest_wait.max(now - since);
        self.state = State::Running { cpu, since: now };
        self.last = Some(cpu);
        self.unseen = false;
    }

    fn leave(&mut self, now: Ticks) {
        let State::Running { since, .. } = self.state else { panic!("{:?} does not run", self.id) };
        self.received += now - since;
        self.state = State::Ready { since: now };
    }
}
