//! What a CPU does next.

use crate::state::{Activity, State, Turn};
use crate::{CpuId, CpuSet, Decision, Next, Scheduler, Ticks, VcpuId};

impl Scheduler {
    /// Decides what `cpu` does from now on. Costs a few passes over the vCPUs and CPUs.
    ///
    /// State before: the CPU has reported its last vCPU by [`Scheduler::preempted`] or [`Scheduler::block`].
    pub fn next(&mut self, cpu: CpuId, now: Ticks) -> Next {
        let Some(unfinished) = self.arrive(cpu, now) else {
            return Next { decision: Decision::Idle { until: None }, reschedule: CpuSet::EMPTY };
        };
        let unfinished = self.promote(unfinished, now);
        let mut reschedule = self.call_free_cpus(cpu.index());
        let decision = match unfinished.or_else(|| self.pick(cpu)) {
            Some(turn) => self.run(cpu, turn, now),
            None => self.idle(cpu),
        };
        if self.surplus() > 0 {
            self.call_open_ended(&mut reschedule);
        }
        Next { decision, reschedule }
    }

    /// Notes that `cpu` asks, and takes its unfinished turn. `None` for a CPU that is not the scheduler's.
    fn arrive(&mut self, cpu: CpuId, now: Ticks) -> Option<Option<Turn>> {
        if let Activity::Running { turn, .. } = self.cpus.get(cpu.index())?.activity {
            self.preempted(turn.vcpu, cpu, now);
        }
        let state = self.cpus.get_mut(cpu.index())?;
        state.called = false;
        let unfinished = match state.activity {
            Activity::Asking { unfinished } => unfinished,
            _ => None,
        };
        state.activity = Activity::Asking { unfinished: None };
        Some(unfinished.filter(|turn| self.vcpus[turn.vcpu.index()].state == State::Ready))
    }

    /// Makes vCPUs ready whose timers have expired; one that is far behind ends the unfinished turn.
    fn promote(&mut self, mut unfinished: Option<Turn>, now: Ticks) -> Option<Turn> {
        for number in 0..self.vcpus.len() {
            let State::Blocked { until: Some(until) } = self.vcpus[number].state else { continue };
            if until > now {
                continue;
            }
            self.unblock(VcpuId(number as u16), now);
            let limit = self.vcpus[number].served + self.slice / 8;
            unfinished = unfinished.filter(|turn| self.vcpus[turn.vcpu.index()].served <= limit);
        }
        unfinished
    }

    /// The ready vCPU with the least virtual time; of those within a quarter of a slice, one that ran here last.
    fn pick(&self, cpu: CpuId) -> Option<Turn> {
        let ready = || self.vcpus.iter().enumerate().filter(|(_, vcpu)| vcpu.state == State::Ready);
        let limit = ready().map(|(_, vcpu)| vcpu.served).min()? + self.slice / 4;
        let (number, _) = ready()
            .filter(|(_, vcpu)| vcpu.served <= limit)
            .min_by_key(|(_, vcpu)| (vcpu.last != cpu, vcpu.served, vcpu.queued))?;
        Some(Turn { vcpu: VcpuId(number as u16), slice_end: None })
    }

    /// Puts a ready vCPU on `cpu`.
    fn run(&mut self, cpu: CpuId, turn: Turn, now: Ticks) -> Decision {
        let vcpu = &mut self.vcpus[turn.vcpu.index()];
        vcpu.state = State::Running(cpu);
        vcpu.last = cpu;
        vcpu.wake_pending = false;
        let served = vcpu.served;
        self.ready -= 1;
        self.cpus[cpu.index()].activity = Activity::Running { turn, since: now };
        let turn = Turn { slice_end: self.slice_end(turn, served, now), ..turn };
        self.cpus[cpu.index()].activity = Activity::Running { turn, since: now };
        let until = [turn.slice_end, self.first_timer(cpu)].into_iter().flatten().min();
        Decision::Run { vcpu: turn.vcpu, until }
    }

    fn idle(&mut self, cpu: CpuId) -> Decision {
        self.cpus[cpu.index()].activity = Activity::Idle;
        Decision::Idle { until: self.first_timer(cpu) }
    }

    /// When a turn ends: a slice after the point where the vCPU is even with the least served one that waits.
    fn slice_end(&self, turn: Turn, served: Ticks, now: Ticks) -> Option<Ticks> {
        if self.surplus() == 0 {
            return None;
        }
        let waiting = self.vcpus.iter().filter(|vcpu| vcpu.state == State::Ready);
        let least = waiting.map(|vcpu| vcpu.served).min()?;
        let slice = self.slice.saturating_sub(served.saturating_sub(least)).max(self.slice / 4);
        turn.slice_end.or(Some(now + slice))
    }

    /// The first timer of a vCPU that blocked on `cpu`.
    fn first_timer(&self, cpu: CpuId) -> Option<Ticks> {
        self.vcpus
            .iter()
            .filter_map(|vcpu| match vcpu.state {
                State::Blocked { until } if vcpu.last == cpu => until,
                _ => None,
            })
            .min()
    }
}
