//! The whole machine: domains, scheduler, console, and what each CPU does from boot to the end.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alloc::vec::Vec;
use phalanx_arch_api::{Arch, CpuIndex, Ticks, VcpuIndex};
use phalanx_sched::{CpuId, CpuSet, Decision, Scheduler, VcpuId, Wake};

use crate::console::Console;
use crate::domain::Domain;
use crate::effects::{Recorder, Recording};
use crate::lock::Lock;
use crate::trace::Trace;

/// How a CPU's life in [`Machine::run_cpu`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All domains have ended.
    AllDomainsEnded,
}

/// Where the scheduler's vCPU lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) domain: usize,
    pub(crate) index: VcpuIndex,
}

/// A machine that runs the domains of one bundle.
pub struct Machine<A: Arch> {
    pub(crate) domains: Vec<Domain<A>>,
    pub(crate) places: Vec<Place>,
    pub(crate) scheduler: Lock<Scheduler, A>,
    pub(crate) console: &'static Console,
    pub(crate) trace: Trace,
    /// A CPU whose flag is set returns to the scheduler soon.
    resched: Vec<AtomicBool>,
    /// The line had more to fetch than one poll takes.
    pub(crate) more_typed: AtomicBool,
    alive: AtomicUsize,
    /// A domain that ends tells its exit counters.
    pub(crate) tells_counters: bool,
}

impl<A: Arch> Machine<A> {
    pub(crate) fn assemble(
        domains: Vec<Domain<A>>,
        places: Vec<Place>,
        scheduler: Scheduler,
        console: &'static Console,
        cpus: usize,
    ) -> Self {
        let alive = AtomicUsize::new(domains.len());
        let resched = (0..cpus).map(|_| AtomicBool::new(false)).collect();
        Self {
            domains,
            places,
            scheduler: Lock::new(scheduler),
            console,
            trace: Trace::new(cpus),
            resched,
            more_typed: AtomicBool::new(false),
            alive,
            tells_counters: false,
        }
    }

    /// Has a domain that ends tell its exit counters.
    pub fn tell_counters(&mut self, wanted: bool) {
        self.tells_counters = wanted;
    }

    /// The name of a domain, for the crash card.
    #[must_use]
    pub fn domain_name(&self, domain: usize) -> Option<&'static str> {
        self.domains.get(domain).map(|domain| domain.name)
    }

    /// Number of physical CPUs.
    #[must_use]
    pub fn cpus(&self) -> usize {
        self.resched.len()
    }

    /// Has the exits of the domain called `name` recorded on the console. `false`: there is none. Called before
    /// [`Self::start`].
    #[must_use]
    pub fn record(&mut self, name: &str, recording: Recording) -> bool {
        let domain = self.domains.iter_mut().find(|domain| domain.name == name);
        domain.map(|domain| domain.recorder = Some(Recorder::new(recording))).is_some()
    }

    /// Makes every domain runnable. Called once, before the first [`Self::run_cpu`].
    pub fn start(&self) {
        for domain in &self.domains {
            self.wake(domain.vcpus[0].id, None);
        }
    }

    /// What a CPU does: picks a vCPU, runs its slice, again. Returns when all domains have ended.
    pub fn run_cpu(&self, index: CpuIndex, cpu: &mut A::Cpu) -> Ending {
        while self.alive.load(Ordering::Acquire) > 0 {
            self.clear_resched(index);
            self.poll_console(index);
            let next = self.scheduler.lock().next(cpu_id(index), A::now());
            self.reschedule(next.reschedule);
            match next.decision {
                Decision::Run { vcpu, until } => self.run_slice(index, cpu, vcpu, until),
                Decision::Idle { until } => A::idle(cpu, until),
            }
        }
        Ending::AllDomainsEnded
    }

    fn run_slice(&self, index: CpuIndex, cpu: &mut A::Cpu, id: VcpuId, until: Option<Ticks>) {
        let Some(place) = self.places.get(id.index()).copied() else { return };
        self.run_vcpu(index, cpu, id, place, until);
    }

    /// Makes a vCPU runnable, and the CPU that should care look. `from` runs this and looks by itself.
    pub(crate) fn wake(&self, vcpu: VcpuId, from: Option<CpuIndex>) {
        let wake = self.scheduler.lock().wake(vcpu, A::now());
        match wake {
            Wake::Nothing => {}
            Wake::Look(cpu) if from == Some(CpuIndex(cpu.0)) => {}
            Wake::Look(cpu) => A::kick(CpuIndex(cpu.0)),
            Wake::Reschedule(cpus) => self.reschedule(cpus),
        }
    }

    fn reschedule(&self, cpus: CpuSet) {
        for cpu in cpus {
            self.request_reschedule(CpuIndex(cpu.0));
        }
    }

    /// Makes `cpu` return to the scheduler.
    pub(crate) fn request_reschedule(&self, cpu: CpuIndex) {
        if let Some(flag) = self.resched.get(usize::from(cpu.0)) {
            flag.store(true, Ordering::Release);
            A::kick(cpu);
        }
    }

    /// Whether somebody asked `cpu` to return.
    #[inline(always)]
    pub(crate) fn must_return(&self, cpu: CpuIndex) -> bool {
        self.resched.get(usize::from(cpu.0)).is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn clear_resched(&self, cpu: CpuIndex) {
        if let Some(flag) = self.resched.get(usize::from(cpu.0)) {
            // Acquire: what was written before the request is seen by the scheduler call that follows.
            flag.swap(false, Ordering::Acquire);
        }
    }

    /// One domain less. The last one ends the machine.
    pub(crate) fn domain_ended(&self) {
        if self.alive.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.kick_all();
        }
    }

    fn kick_all(&self) {
        for cpu in 0..self.resched.len() {
            self.request_reschedule(CpuIndex(cpu as u16));
        }
    }
}

/// The scheduler's name of a CPU.
pub(crate) const fn cpu_id(cpu: CpuIndex) -> CpuId {
    CpuId(cpu.0)
}
