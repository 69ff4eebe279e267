//! The scheduler and the events that it hears of.

use alloc::vec::Vec;

use crate::state::{Activity, Cpu, State, Turn, Vcpu};
use crate::{Blocked, CpuId, CpuSet, MAX_CPUS, Ticks, VcpuId, Wake};

/// Decides which vCPU runs where, and until when.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) cpus: Vec<Cpu>,
    pub(crate) vcpus: Vec<Vcpu>,
    pub(crate) slice: Ticks,
    /// vCPUs that are ready.
    pub(crate) ready: usize,
    /// The least virtual time of a runnable vCPU, as far as it has ever come.
    floor: Ticks,
    queue_counter: u64,
}

impl Scheduler {
    /// A scheduler for `cpus` CPUs (up to [`MAX_CPUS`]) and at most `capacity` vCPUs. The only function that allocates.
    #[must_use]
    pub fn new(cpus: usize, capacity: usize, slice: Ticks) -> Self {
        let cpu = Cpu { activity: Activity::Away, called: false };
        Self {
            cpus: alloc::vec![cpu; cpus.min(MAX_CPUS)],
            vcpus: Vec::with_capacity(capacity.min(usize::from(u16::MAX))),
            slice,
            ready: 0,
            floor: 0,
            queue_counter: 0,
        }
    }

    /// Adds a vCPU, blocked. `None` beyond the capacity.
    #[must_use]
    pub fn add(&mut self) -> Option<VcpuId> {
        if self.vcpus.len() == self.vcpus.capacity() || self.cpus.is_empty() {
            return None;
        }
        let number = self.vcpus.len();
        let last = CpuId((number % self.cpus.len()) as u16);
        let state = State::Blocked { until: None };
        self.vcpus.push(Vcpu { state, last, served: 0, queued: 0, wake_pending: false });
        Some(VcpuId(number as u16))
    }

    /// Somebody has something for `vcpu`: it becomes runnable, or will not block before it has looked.
    ///
    /// A CPU that has something for the vCPU which it runs itself need not call this.
    pub fn wake(&mut self, vcpu: VcpuId, now: Ticks) -> Wake {
        match self.vcpus[vcpu.index()].state {
            State::Ready => Wake::Nothing,
            State::Running(cpu) => {
                self.vcpus[vcpu.index()].wake_pending = true;
                Wake::Look(cpu)
            }
            State::Blocked { .. } => {
                self.unblock(vcpu, now);
                Wake::Reschedule(self.find_cpus(vcpu, now))
            }
        }
    }

    /// `vcpu`, which ran on `cpu`, has nothing to do before a wake-up or `until`.
    pub fn block(&mut self, vcpu: VcpuId, cpu: CpuId, until: Option<Ticks>, now: Ticks) -> Blocked {
        if self.vcpus[vcpu.index()].wake_pending {
            self.preempted(vcpu, cpu, now);
            return Blocked::StillRunnable;
        }
        if self.end_turn(vcpu, cpu, now).is_some() {
            self.vcpus[vcpu.index()].state = State::Blocked { until };
        }
        Blocked::Blocked
    }

    /// `vcpu`, which ran on `cpu`, had to stop and would go on.
    pub fn preempted(&mut self, vcpu: VcpuId, cpu: CpuId, now: Ticks) {
        let Some(turn) = self.end_turn(vcpu, cpu, now) else { return };
        self.make_ready(vcpu);
        let goes_on = !self.cpus[cpu.index()].called && turn.slice_end.is_none_or(|end| now < end);
        self.cpus[cpu.index()].activity = Activity::Asking { unfinished: goes_on.then_some(turn) };
    }

    /// Where `vcpu` runs.
    #[must_use]
    pub fn running_on(&self, vcpu: VcpuId) -> Option<CpuId> {
        match self.vcpus[vcpu.index()].state {
            State::Running(cpu) => Some(cpu),
            State::Blocked { .. } | State::Ready => None,
        }
    }

    /// Makes a blocked vCPU ready, with a virtual time near to that of the others.
    pub(crate) fn unblock(&mut self, vcpu: VcpuId, now: Ticks) {
        self.raise_floor(now);
        let earliest = self.floor.saturating_sub(self.slice / 2);
        let record = &mut self.vcpus[vcpu.index()];
        record.served = record.served.max(earliest);
        self.make_ready(vcpu);
    }

    /// The virtual time of a vCPU, with the turn under way.
    pub(crate) fn served(&self, vcpu: &Vcpu, now: Ticks) -> Ticks {
        let running = match vcpu.state {
            State::Running(cpu) => match self.cpus[cpu.index()].activity {
                Activity::Running { since, .. } => now.saturating_sub(since),
                _ => 0,
            },
            State::Blocked { .. } | State::Ready => 0,
        };
        vcpu.served + running
    }

    fn make_ready(&mut self, vcpu: VcpuId) {
        self.queue_counter += 1;
        let record = &mut self.vcpus[vcpu.index()];
        record.state = State::Ready;
        record.queued = self.queue_counter;
        self.ready += 1;
    }

    /// Accounts for a turn and takes the vCPU off its CPU. `None` where it did not run there.
    fn end_turn(&mut self, vcpu: VcpuId, cpu: CpuId, now: Ticks) -> Option<Turn> {
        let state = self.cpus.get_mut(cpu.index())?;
        let Activity::Running { turn, since } = state.activity else { return None };
        if turn.vcpu != vcpu {
            return None;
        }
        state.activity = Activity::Asking { unfinished: None };
        self.vcpus[vcpu.index()].served += now.saturating_sub(since);
        Some(turn)
    }

    fn raise_floor(&mut self, now: Ticks) {
        let runnable = self.vcpus.iter().filter(|vcpu| !matches!(vcpu.state, State::Blocked { .. }));
        let least = runnable.map(|vcpu| self.served(vcpu, now)).min();
        self.floor = self.floor.max(least.unwrap_or(0));
    }

    /// The CPUs that must act now that `vcpu` is ready.
    fn find_cpus(&mut self, vcpu: VcpuId, now: Ticks) -> CpuSet {
        let last = self.vcpus[vcpu.index()].last.index();
        let mut called = self.call_free_cpus(last);
        if self.surplus() > 0 {
            self.call_open_ended(&mut called);
            if called.is_empty() {
                self.call_most_served(vcpu, now, &mut called);
            }
        }
        called
    }

    /// Ready vCPUs beyond those that CPUs on their way to `next` will take.
    pub(crate) fn surplus(&self) -> usize {
        let takers = self.cpus.iter().filter(|cpu| cpu.is_taker()).count();
        self.ready.saturating_sub(takers)
    }

    /// Calls idle CPUs, `preferred` first, while more vCPUs are ready than CPUs will take.
    pub(crate) fn call_free_cpus(&mut self, preferred: usize) -> CpuSet {
        let mut called = CpuSet::EMPTY;
        let mut surplus = self.surplus();
        for cpu in core::iter::once(preferred).chain(0..self.cpus.len()) {
            if surplus > 0 && self.cpus[cpu].is_free() {
                self.call(cpu, &mut called);
                surplus -= 1;
            }
        }
        called
    }

    /// Calls the CPUs that run somebody without an end: from now on everybody's turn has one.
    pub(crate) fn call_open_ended(&mut self, called: &mut CpuSet) {
        for cpu in 0..self.cpus.len() {
            if self.cpus[cpu].is_open_ended() {
                self.call(cpu, called);
            }
        }
    }

    /// Calls the CPU whose vCPU is furthest ahead, if that is clearly ahead of `vcpu`.
    fn call_most_served(&mut self, vcpu: VcpuId, now: Ticks, called: &mut CpuSet) {
        let threshold = self.vcpus[vcpu.index()].served + self.slice / 8;
        let running = self.vcpus.iter().filter_map(|other| match other.state {
            State::Running(cpu) if !self.cpus[cpu.index()].called => Some((self.served(other, now), cpu.index())),
            _ => None,
        });
        if let Some((_, cpu)) = running.filter(|(served, _)| *served > threshold).max() {
            self.call(cpu, called);
        }
    }

    fn call(&mut self, cpu: usize, called: &mut CpuSet) {
        self.cpus[cpu].called = true;
        called.insert(cpu);
    }
}
