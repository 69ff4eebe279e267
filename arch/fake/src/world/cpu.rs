//! CPUs: how they spend time, and how they are interrupted.

use phalanx_arch_api::{CpuIndex, Ticks};

use super::World;
use crate::strand;

/// The CPU that takes the serial line's interrupts.
pub(super) const SERIAL_CPU: usize = 0;
/// Turns that a CPU may wait for one lock.
const PATIENCE: u32 = 100_000;

/// What a CPU waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// The time; interrupts stay pending.
    Time(Ticks),
    /// An interrupt, or the time.
    Interrupt { until: Option<Ticks> },
    /// Nothing: its life is over.
    Nothing,
}

/// One CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    wait: Wait,
    /// When the pending kick arrives.
    kick: Option<Ticks>,
    /// The serial line's interrupt is pending.
    serial_pending: bool,
    /// The serial line's interrupt was taken, and nobody has asked yet.
    serial_taken: bool,
    /// Kicks that it has taken.
    kicks: u64,
    /// Turns that it has waited for a lock.
    spins: u32,
}

impl Cpu {
    /// A CPU that comes up at that time.
    pub(crate) const fn new(comes_up: Ticks) -> Self {
        let wait = Wait::Time(comes_up);
        Self { wait, kick: None, serial_pending: false, serial_taken: false, kicks: 0, spins: 0 }
    }

    /// When it does something next.
    pub(crate) fn due(&self) -> Option<Ticks> {
        let serial = self.serial_pending.then_some(0);
        match self.wait {
            Wait::Time(at) => Some(at),
            Wait::Interrupt { until } => [until, self.kick, serial].into_iter().flatten().min(),
            Wait::Nothing => None,
        }
    }

    pub(crate) const fn end(&mut self) {
        self.wait = Wait::Nothing;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.wait == Wait::Nothing
    }

    pub(super) const fn interrupt_by_serial(&mut self) {
        self.serial_pending = true;
    }
}

impl World {
    /// Lets time pass on the current CPU, whatever happens meanwhile. Before the CPUs come up, no time passes.
    pub(crate) fn pause(&self, ticks: Ticks) {
        if self.current.get().is_none() {
            return;
        }
        self.with_cpu(|cpu| cpu.spins = 0);
        self.sleep(Wait::Time(self.time() + ticks));
    }

    /// Lets time pass on the current CPU until an interrupt is pending, or until `until`.
    pub(crate) fn wait(&self, until: Option<Ticks>) {
        self.sleep(Wait::Interrupt { until });
    }

    /// A turn of waiting for a lock.
    pub(crate) fn spin(&self) {
        self.with_cpu(|cpu| {
            cpu.spins += 1;
            assert!(cpu.spins < PATIENCE, "a deadlock, or two CPUs that run one vCPU: a CPU waits for a lock for ever");
        });
        self.sleep(Wait::Time(self.time() + 1));
    }

    /// Sends a kick on its way.
    pub(crate) fn kick(&self, target: CpuIndex) {
        let arrives = self.time() + self.latency();
        if let Some(cpu) = self.cpus.borrow_mut().get_mut(usize::from(target.0)) {
            cpu.kick = Some(cpu.kick.map_or(arrives, |earlier| earlier.min(arrives)));
        }
    }

    /// Takes the interrupts that are pending on the current CPU. Whether there were any.
    pub(crate) fn take_interrupts(&self) -> bool {
        let now = self.time();
        self.with_cpu(|cpu| {
            let kicked = cpu.kick.take_if(|at| *at <= now).is_some();
            let serial = core::mem::take(&mut cpu.serial_pending);
            cpu.serial_taken |= serial;
            cpu.kicks += u64::from(kicked);
            kicked || serial
        })
    }

    /// Kicks every other CPU and waits until each has taken a kick; takes interrupts meanwhile.
    pub(crate) fn rendezvous(&self) {
        let others = || (0..self.cpus.borrow().len()).filter(|cpu| *cpu != self.current_cpu());
        let kicks = |cpu: usize| self.cpus.borrow().get(cpu).filter(|cpu| !cpu.has_ended()).map(|cpu| cpu.kicks);
        let before: Vec<_> = others().map(|cpu| (cpu, kicks(cpu))).collect();
        others().for_each(|cpu| self.kick(CpuIndex(cpu as u16)));
        while before.iter().any(|(cpu, before)| kicks(*cpu).is_some() && kicks(*cpu) == *before) {
            self.spin();
            self.take_interrupts();
        }
        // Whatever was taken meanwhile is looked at when the guest is entered.
        self.kick(CpuIndex(self.current_cpu() as u16));
    }

    /// Whether the serial line's interrupt was taken and nobody has asked yet.
    pub(crate) fn serial_waits(&self) -> bool {
        self.with_cpu(|cpu| cpu.serial_taken)
    }

    /// As [`World::serial_waits`]; from now on somebody has asked.
    pub(crate) fn take_serial(&self) -> bool {
        self.with_cpu(|cpu| core::mem::take(&mut cpu.serial_taken))
    }

    /// The number of the current CPU.
    ///
    /// # Panics
    /// Outside of a CPU.
    pub(crate) fn current_cpu(&self) -> usize {
        self.current.get().expect("this happens on a CPU only")
    }

    fn with_cpu<T>(&self, action: impl FnOnce(&mut Cpu) -> T) -> T {
        action(&mut self.cpus.borrow_mut()[self.current_cpu()])
    }

    /// Gives way until the current CPU is due. Where no other one is due before, nobody has to be asked.
    fn sleep(&self, wait: Wait) {
        let current = self.current_cpu();
        self.with_cpu(|cpu| cpu.wait = wait);
        let due = self.cpus.borrow()[current].due().map(|due| due.max(self.time()));
        match due {
            Some(due) if due < self.others_due(current) && due <= self.limit.get() => self.clock.set(due),
            _ => strand::suspend(),
        }
    }

    /// When something other than this CPU acts next.
    fn others_due(&self, current: usize) -> Ticks {
        let cpus = self.cpus.borrow();
        let others = cpus.iter().enumerate().filter(|(number, _)| *number != current);
        let others = others.filter_map(|(_, cpu)| cpu.due());
        others.chain(self.serial.borrow().next_input()).min().unwrap_or(Ticks::MAX)
    }
}
