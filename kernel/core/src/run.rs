//! One vCPU's slice: from the scheduler's decision to what the scheduler hears back.

use phalanx_abi::bundle::OnReboot;
use phalanx_arch_api::{
    Arch, CpuIndex, DomainEnv, Effect, EntryError, Event, FaultReason, Ticks, TraceEvent, VcpuIndex,
};
use phalanx_sched::{Blocked, VcpuId};

use crate::domain::{Domain, Parked, Phase, StopReason, Vcpu};
use crate::effects::Recorder;
use crate::load::Progress;
use crate::machine::{Machine, Place, cpu_id};
use crate::mem::GuestRam;
use crate::trace::Record;
use crate::uart::Uart;

/// What an event's handler wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    /// Enter the guest again.
    Resume,
    /// Ask the scheduler; the vCPU stays runnable.
    Reschedule,
    /// Ask the scheduler; the vCPU waits for a wake-up or its timer.
    Block,
    /// Stop the domain.
    Stop(StopReason),
}

/// How a slice ended.
enum SliceEnd {
    Preempted,
    Blocked(Option<Ticks>),
    /// Blocked for good, and the last of its domain.
    LastParked,
}

/// A domain as its architectural part sees it.
pub(crate) struct Env<'a, A: Arch> {
    pub(crate) machine: &'a Machine<A>,
    pub(crate) domain: &'a Domain<A>,
    /// Which vCPU of which domain runs.
    pub(crate) place: Place,
    pub(crate) cpu: CpuIndex,
}

impl<A: Arch> DomainEnv for Env<'_, A> {
    type Memory = GuestRam;

    #[inline(always)]
    fn memory(&self) -> &GuestRam {
        &self.domain.ram
    }

    fn wake(&self, vcpu: VcpuIndex) {
        if let Some(slot) = self.domain.vcpus.get(usize::from(vcpu.0)) {
            self.machine.wake(slot.id, Some(self.cpu));
        }
    }

    fn trace(&self, event: TraceEvent) {
        let record = Record { at: A::now(), place: self.place, event };
        self.machine.trace.record(self.cpu, record);
    }

    #[inline(always)]
    fn quick_hypercall(&self, number: u64, privileged: bool) -> Option<i64> {
        crate::event::quick_hypercall(number, privileged)
    }

    #[inline(always)]
    fn must_return(&self) -> bool {
        self.machine.must_return(self.cpu)
    }

    #[inline(always)]
    fn is_recorded(&self) -> bool {
        self.domain.recorder.as_ref().is_some_and(Recorder::is_on)
    }

    fn spoils(&self) -> bool {
        self.domain.recorder.as_ref().is_some_and(Recorder::spoils)
    }

    fn effect(&self, effect: &Effect<'_>) {
        if let Some(recorder) = &self.domain.recorder {
            recorder.record(self.machine.console, &self.domain.ram, self.domain.image.regions(), effect);
        }
    }
}

impl<A: Arch> Machine<A> {
    pub(crate) fn run_vcpu(&self, index: CpuIndex, cpu: &mut A::Cpu, id: VcpuId, place: Place, until: Option<Ticks>) {
        let Some(domain) = self.domains.get(place.domain) else { return };
        let Some(slot) = domain.vcpus.get(usize::from(place.index.0)) else { return };
        let env = Env { machine: self, domain, place, cpu: index };
        let end = {
            let mut vcpu = slot.state.lock();
            A::load(cpu, &domain.arch, &mut vcpu.arch);
            let end = self.slice(cpu, &env, &mut vcpu, place.index, until);
            A::put(cpu, &domain.arch, &mut vcpu.arch);
            end
        };
        self.report(index, id, &end);
        if matches!(end, SliceEnd::LastParked) {
            self.finish_stop(domain);
        }
    }

    fn slice(
        &self,
        cpu: &mut A::Cpu,
        env: &Env<'_, A>,
        vcpu: &mut Vcpu<A>,
        index: VcpuIndex,
        until: Option<Ticks>,
    ) -> SliceEnd {
        loop {
            let outcome = match env.domain.phase() {
                Phase::Running => {
                    let event = A::run(cpu, &env.domain.arch, &mut vcpu.arch, env, until);
                    self.answer(env, vcpu, event)
                }
                Phase::Loading if index.0 == 0 => load(env, vcpu, until),
                Phase::Loading | Phase::Restarting | Phase::Ended => return SliceEnd::Blocked(None),
                Phase::Stopping => {
                    return match env.domain.park(vcpu) {
                        Parked::Last => SliceEnd::LastParked,
                        Parked::OthersRun => SliceEnd::Blocked(None),
                    };
                }
            };
            match outcome {
                Outcome::Resume => {}
                Outcome::Reschedule => return SliceEnd::Preempted,
                Outcome::Block => return SliceEnd::Blocked(A::next_timer(&vcpu.arch)),
                Outcome::Stop(reason) => self.stop_domain(env.domain, reason),
            }
        }
    }

    fn answer(&self, env: &Env<'_, A>, vcpu: &mut Vcpu<A>, event: Event) -> Outcome {
        match event {
            Event::PortAccess(access) => crate::event::port(env, &mut vcpu.arch, access),
            Event::Access(access) => crate::event::memory(env, &mut vcpu.arch, access),
            Event::Hypercall(request) => crate::event::hypercall(env, &mut vcpu.arch, request),
            Event::Halt => Outcome::Block,
            Event::Preempted => Outcome::Reschedule,
            Event::PowerOff => Outcome::Stop(StopReason::PowerOff),
            Event::Reset => Outcome::Stop(StopReason::Reset),
            Event::Fault(reason) => Outcome::Stop(StopReason::Fault(reason)),
        }
    }

    /// Tells the scheduler how the slice ended. A wake-up that came in between keeps the vCPU runnable.
    fn report(&self, index: CpuIndex, id: VcpuId, end: &SliceEnd) {
        let mut scheduler = self.scheduler.lock();
        match end {
            SliceEnd::Preempted => scheduler.preempted(id, cpu_id(index), A::now()),
            SliceEnd::Blocked(timer) => match scheduler.block(id, cpu_id(index), *timer, A::now()) {
                Blocked::Blocked | Blocked::StillRunnable => {}
            },
            SliceEnd::LastParked => match scheduler.block(id, cpu_id(index), None, A::now()) {
                Blocked::Blocked | Blocked::StillRunnable => {}
            },
        }
    }

    /// Begins a stop: every vCPU comes here once more, sees it and parks.
    fn stop_domain(&self, domain: &Domain<A>, reason: StopReason) {
        if !domain.begin_stop(reason) {
            return;
        }
        for slot in &domain.vcpus {
            self.wake(slot.id, None);
        }
        // A vCPU that runs on another CPU looks at its inbox and would go on: that CPU has to come back.
        self.recall_running(domain);
    }

    fn recall_running(&self, domain: &Domain<A>) {
        for slot in &domain.vcpus {
            let running = self.scheduler.lock().running_on(slot.id);
            if let Some(cpu) = running {
                self.request_reschedule(CpuIndex(cpu.0));
            }
        }
    }

    /// Prints what the domain did last, of what is rare.
    fn show_trace(&self, domain: &Domain<A>) {
        let number = self.domains.iter().position(|other| core::ptr::eq(other, domain)).unwrap_or(usize::MAX);
        let now = A::now();
        for Record { at, place, event } in self.trace.last(number) {
            let ago = microseconds::<A>(now.saturating_sub(at));
            self.console.note(format_args!(
                "phalanx: domain {}: vCPU {}, {ago} us before: {event}\n",
                domain.name, place.index.0
            ));
        }
    }

    fn finish_stop(&self, domain: &Domain<A>) {
        let reason = domain.stop_reason.lock().unwrap_or(StopReason::PowerOff);
        if let Some(port) = domain.uart.as_ref().and_then(Uart::port) {
            self.console.forget(port);
        }
        if matches!(reason, StopReason::Fault(_)) {
            self.show_trace(domain);
        }
        if restarts(domain, reason) {
            let reboots = domain.restart();
            match reason {
                StopReason::Fault(_) => {
                    self.console
                        .note(format_args!("phalanx: domain {}: reboot {reboots} after: {reason}\n", domain.name));
                }
                _ => self.console.note(format_args!("phalanx: domain {}: reboot {reboots}\n", domain.name)),
            }
            self.wake(domain.vcpus[0].id, None);
            return;
        }
        domain.end();
        if self.tells_counters {
            self.show_counters(domain);
        }
        match reason {
            StopReason::PowerOff => self.console.note(format_args!("phalanx: domain {}: power-off\n", domain.name)),
            _ => self.console.note(format_args!("phalanx: domain {}: stopped: {reason}\n", domain.name)),
        }
        self.domain_ended();
    }
}

/// Whether the domain starts again: what resets a PC follows the reboot policy, other faults would only come again.
///
/// Page tables outside RAM read as all-ones on a PC, which ends in a triple fault: the guest can handle no exception.
fn restarts<A: Arch>(domain: &Domain<A>, reason: StopReason) -> bool {
    let reset = match reason {
        StopReason::Reset => true,
        StopReason::Fault(fault) => matches!(fault, FaultReason::TripleFault | FaultReason::PageTableUnbacked(_)),
        StopReason::PowerOff | StopReason::WrongArchitecture => false,
    };
    reset && domain.image.on_reboot() == OnReboot::Restart
}

/// A number of ticks in microseconds.
fn microseconds<A: Arch>(ticks: Ticks) -> u64 {
    let frequency = A::frequency().max(1);
    // In two parts: a product of all ticks would not fit.
    ticks / frequency * 1_000_000 + ticks % frequency * 1_000_000 / frequency
}

/// One step of loading on vCPU 0's time.
fn load<A: Arch>(env: &Env<'_, A>, vcpu: &mut Vcpu<A>, until: Option<Ticks>) -> Outcome {
    let domain = env.domain;
    let step = domain.loader.lock().step(domain.image, &domain.ram, A::alternative(), A::written);
    match step {
        Ok(Progress::More) if env.must_return() || until.is_some_and(|until| A::now() >= until) => Outcome::Reschedule,
        Ok(Progress::More) => Outcome::Resume,
        Ok(Progress::Done) => match A::set_entry(&mut vcpu.arch, domain.image.entry()) {
            Ok(()) => {
                domain.loaded();
                let us = microseconds::<A>(A::now());
                env.machine.console.note(format_args!("phalanx: domain {}: started after {us} us\n", domain.name));
                Outcome::Resume
            }
            Err(EntryError::WrongArchitecture) => Outcome::Stop(StopReason::WrongArchitecture),
        },
        Err(_) => Outcome::Stop(StopReason::Fault(FaultReason::InvalidState)),
    }
}
