//! Bringing up the other CPUs.

use core::fmt;
use core::sync::atomic::{AtomicPtr, Ordering};

use arrayvec::ArrayVec;
use phalanx_arch_api::{CpuIndex, Hpa, Hva};
use phalanx_handoff::board::{Cpu, Enable, Gic};
use spin::Once;

use super::firmware::{self, Refusal};
use super::paging::pointer;
use super::percpu::{self, MAX_CPUS, PerCpu};
use super::secondary::{self, status};
use super::setup::Host;
use super::stacks::Stack;
use super::{HostError, cache, gic, instr, timer};
use crate::id::IdRegisters;
use crate::processor::Processor;
use crate::vectors;

/// What a CPU does for the rest of its life.
pub type CpuEntry = fn(&'static PerCpu) -> !;

/// How long a CPU may take to come up.
const PATIENCE_US: u64 = 1_000_000;

/// How the start went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartReport {
    /// CPUs that run now, the boot CPU included.
    pub running: usize,
    /// CPUs that did not come up.
    pub failed: ArrayVec<Failed, MAX_CPUS>,
    /// CPUs beyond the 64 that can be driven.
    pub ignored: usize,
}

/// A CPU that did not come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The affinity fields of its MPIDR_EL1.
    pub mpidr: u64,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the CPU with MPIDR {:#x} is not used: {}", self.mpidr, self.reason)
    }
}

/// Why a CPU did not come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The device tree does not say how to start it.
    NoMethod,
    /// Firmware refused.
    Refused(Refusal),
    /// Nothing was heard of it within a second.
    Silent,
    /// It was entered at another exception level than EL2.
    WrongLevel(u8),
    /// It lacks the Virtualization Host Extensions, which the boot CPU has.
    WithoutVhe,
    /// It has no redistributor, or one that cannot be used.
    WithoutGic,
    /// A vCPU that comes to it from another CPU would find another processor.
    Different,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMethod => f.write_str("the device tree does not say how to start it"),
            Self::Refused(refusal) => write!(f, "firmware refuses to start it: {refusal}"),
            Self::Silent => f.write_str("it does not come up"),
            Self::WrongLevel(level) => write!(f, "it starts at EL{level}, not at EL2"),
            Self::WithoutVhe => f.write_str("it has no Virtualization Host Extensions, which the boot CPU has"),
            Self::WithoutGic => f.write_str("its part of the interrupt controller cannot be used"),
            Self::Different => f.write_str("its features differ from those of the CPU that booted"),
        }
    }
}

/// What guests see of the processor that booted.
static FIRST: Once<IdRegisters> = Once::new();
/// What the other CPUs do once they are up; set before the first is started.
static ENTRY: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// The interrupt controller, for the other CPUs.
static GIC: Once<Gic> = Once::new();

/// Starts every CPU of the board but this one, one after the other; each goes to `entry` at once.
pub(super) fn start_others(host: &mut Host, entry: CpuEntry) -> Result<StartReport, HostError> {
    let board = host.board.clone();
    let mut report = StartReport { running: 1, ignored: board.ignored_cpus as usize, ..Default::default() };
    ENTRY.store(entry as *mut (), Ordering::Release);
    GIC.call_once(|| board.gic.clone());
    FIRST.call_once(processor_here);
    secondary::set_switches(host.switches);
    let others = board.cpus.iter().filter(|cpu| cpu.mpidr != board.boot_mpidr);
    for (slot, other) in (1..).zip(others) {
        if usize::from(slot) >= host.slots() {
            report.ignored += 1;
            continue;
        }
        let cpu = host.new_cpu(CpuIndex(report.running as u16), slot, other.mpidr)?;
        match start(host, cpu, other) {
            Ok(()) => report.running += 1,
            Err(reason) => {
                percpu::unregister(cpu);
                report.failed.push(Failed { mpidr: other.mpidr, reason });
            }
        }
    }
    Ok(report)
}

/// Starts a CPU and waits for it.
fn start(host: &Host, cpu: &'static PerCpu, description: &Cpu) -> Result<(), Reason> {
    secondary::prepare(cpu, host.stacks().top(cpu.slot, Stack::Kernel).as_u64());
    match description.enable {
        // SAFETY: the code at the entry knows what to do on a CPU that was prepared.
        Enable::Psci => unsafe { firmware::cpu_on(cpu.mpidr, secondary::entry(), 0) }.map_err(Reason::Refused)?,
        Enable::SpinTable { release } => release_cpu(release),
        Enable::Unknown => return Err(Reason::NoMethod),
    }
    timer::wait_until(PATIENCE_US, || secondary::status(cpu) != status::SILENT);
    secondary::settle(cpu, status::ABANDONED);
    match secondary::status(cpu) {
        status::UP => Ok(()),
        status::AT_EL1 => Err(Reason::WrongLevel(1)),
        status::AT_EL3 => Err(Reason::WrongLevel(3)),
        status::WITHOUT_VHE => Err(Reason::WithoutVhe),
        status::WITHOUT_GIC => Err(Reason::WithoutGic),
        status::DIFFERENT => Err(Reason::Different),
        _ => Err(Reason::Silent),
    }
}

/// Lets a CPU go that polls `release` (Devicetree Specification 0.4, 3.8.1 "cpu-release-addr").
fn release_cpu(release: Hpa) {
    // SAFETY: the frame is mapped, and firmware reserved these 8 bytes for this.
    unsafe { pointer(release).cast::<u64>().write_volatile(secondary::entry()) };
    cache::clean_invalidate(Hva::new(release.as_u64()), size_of::<u64>() as u64);
    instr::sev();
}

/// Whether this CPU can be used.
fn examine(cpu: &'static PerCpu) -> u64 {
    if GIC.get().is_none_or(|description| gic::init_cpu(description, cpu).is_err()) {
        return status::WITHOUT_GIC;
    }
    if FIRST.get() == Some(&processor_here()) { status::UP } else { status::DIFFERENT }
}

/// What guests would see of the processor that this runs on.
fn processor_here() -> IdRegisters {
    IdRegisters::new(&Processor, gic::version())
}

/// Where the assembly leads: on the CPU's own stack, with the final tables, as on the boot CPU.
pub(super) extern "C" fn other_cpu_main(cpu: &'static PerCpu) -> ! {
    percpu::install(cpu);
    vectors::install();
    timer::silence(super::vhe());
    let verdict = examine(cpu);
    cpu.is_up.store(verdict == status::UP, Ordering::Release);
    if !secondary::settle(cpu, verdict) || verdict != status::UP {
        instr::halt_forever();
    }
    // SAFETY: `start_others` stored a `CpuEntry` there before the first CPU was started.
    let entry = unsafe { core::mem::transmute::<*const (), CpuEntry>(ENTRY.load(Ordering::Acquire)) };
    entry(cpu)
}
