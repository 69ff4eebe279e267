//! A domain: RAM, vCPUs, devices, and the life they lead together.

use core::fmt;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use alloc::vec::Vec;
use phalanx_abi::bundle;
use phalanx_arch_api::{Arch, FaultReason};
use phalanx_sched::VcpuId;

use crate::effects::Recorder;
use crate::load::Loader;
use crate::lock::Lock;
use crate::mem::{AddressSpace, GuestRam};
use crate::uart::Uart;

#[cfg(test)]
mod tests;

/// Where a domain is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// vCPU 0 scrubs the RAM and copies the segments; the others wait.
    Loading = 0,
    /// The guest runs.
    Running = 1,
    /// Every vCPU is on its way to parking.
    Stopping = 2,
    /// Every vCPU has parked and is being put back to power-on. One that wakes up late has nothing to do.
    Restarting = 3,
    /// Nothing of it runs any more.
    Ended = 4,
}

/// Why a domain stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The guest switched itself off.
    PowerOff,
    /// The guest asked for a reset.
    Reset,
    /// A vCPU could not go on.
    Fault(FaultReason),
    /// The bundle describes a vCPU of another architecture.
    WrongArchitecture,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PowerOff => f.write_str("power-off"),
            Self::Reset => f.write_str("reset"),
            Self::WrongArchitecture => f.write_str("its bundle is for machines of another architecture"),
            Self::Fault(FaultReason::TripleFault) => f.write_str("triple fault"),
            Self::Fault(FaultReason::PageTableUnbacked(gpa)) => {
                write!(f, "its page tables are outside its memory (at guest-physical {gpa})")
            }
            Self::Fault(FaultReason::InvalidState) => f.write_str("the processor refused its register state"),
            Self::Fault(FaultReason::MachineCheck) => f.write_str("machine check"),
            Self::Fault(FaultReason::UnknownExit(raw)) => write!(f, "exit {raw:#x}, which this version does not know"),
        }
    }
}

/// One vCPU with what the core keeps for it.
pub(crate) struct VcpuSlot<A: Arch> {
    /// Its name in the scheduler.
    pub(crate) id: VcpuId,
    /// Locked by the CPU that runs it, for as long as it runs it: one CPU a vCPU at a time, whatever the scheduler says.
    pub(crate) state: Lock<Vcpu<A>, A>,
}

/// The part of a vCPU that only its CPU touches.
pub(crate) struct Vcpu<A: Arch> {
    pub(crate) arch: A::Vcpu,
    /// It has seen the stop request and will not run before the restart.
    pub(crate) parked: bool,
}

/// A domain. Shared by all CPUs.
pub(crate) struct Domain<A: Arch> {
    pub(crate) name: &'static str,
    pub(crate) image: bundle::Domain<'static>,
    pub(crate) arch: A::Domain,
    pub(crate) ram: GuestRam,
    /// What the processor walks. After boot nothing changes in it but the marks of written pages.
    pub(crate) space: AddressSpace<A::SecondLevel>,
    pub(crate) vcpus: Vec<VcpuSlot<A>>,
    pub(crate) uart: Option<Uart<A>>,
    pub(crate) loader: Lock<Loader, A>,
    pub(crate) stop_reason: Lock<Option<StopReason>, A>,
    /// What its exits did is written to the console.
    pub(crate) recorder: Option<Recorder>,
    phase: AtomicU8,
    parked: AtomicU32,
    reboots: AtomicU32,
}

/// What [`Domain::park`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Parked {
    /// Others still run.
    OthersRun,
    /// This was the last one: the caller finishes the stop.
    Last,
}

impl<A: Arch> Domain<A> {
    pub(crate) fn new(
        name: &'static str,
        image: bundle::Domain<'static>,
        arch: A::Domain,
        ram: GuestRam,
        space: AddressSpace<A::SecondLevel>,
        vcpus: Vec<VcpuSlot<A>>,
        uart: Option<Uart<A>>,
    ) -> Self {
        Self {
            name,
            image,
            arch,
            ram,
            space,
            vcpus,
            uart,
            loader: Lock::new(Loader::new()),
            stop_reason: Lock::new(None),
            recorder: None,
            phase: AtomicU8::new(Phase::Loading as u8),
            parked: AtomicU32::new(0),
            reboots: AtomicU32::new(0),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Loading,
            1 => Phase::Running,
            2 => Phase::Stopping,
            3 => Phase::Restarting,
            _ => Phase::Ended,
        }
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// The RAM holds the image: the guest may run.
    pub(crate) fn loaded(&self) {
        self.set_phase(Phase::Running);
    }

    /// Begins a stop. `false` where one is under way already: the first reason counts.
    pub(crate) fn begin_stop(&self, reason: StopReason) -> bool {
        let mut current = self.stop_reason.lock();
        if current.is_some() || self.phase() == Phase::Ended {
            return false;
        }
        *current = Some(reason);
        self.set_phase(Phase::Stopping);
        true
    }

    /// Counts a vCPU that has left for good. The lock order is vCPU before everything here.
    pub(crate) fn park(&self, vcpu: &mut Vcpu<A>) -> Parked {
        if vcpu.parked {
            return Parked::OthersRun;
        }
        vcpu.parked = true;
        let parked = self.parked.fetch_add(1, Ordering::AcqRel) + 1;
        if parked as usize == self.vcpus.len() { Parked::Last } else { Parked::OthersRun }
    }

    /// Puts every vCPU and the platform back to power-on and begins loading again. Returns the number of reboots.
    ///
    /// Called by the CPU that parked the last vCPU, which holds no vCPU's lock any more.
    pub(crate) fn restart(&self) -> u32 {
        // First: a vCPU that is not parked any more must not park once again for the stop that is over.
        self.set_phase(Phase::Restarting);
        if let Some(uart) = &self.uart {
            uart.reset();
        }
        A::reset_domain(&self.arch);
        for slot in &self.vcpus {
            let mut vcpu = slot.state.lock();
            A::reset_vcpu(&self.arch, &mut vcpu.arch);
            vcpu.parked = false;
        }
        *self.loader.lock() = Loader::new();
        self.parked.store(0, Ordering::Release);
        *self.stop_reason.lock() = None;
        self.set_phase(Phase::Loading);
        self.reboots.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Nothing of the domain runs again.
    pub(crate) fn end(&self) {
        self.set_phase(Phase::Ended);
    }
}
