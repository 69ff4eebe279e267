//! Starting the other CPUs.

use core::fmt;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use arrayvec::ArrayVec;
use phalanx_arch_api::{CpuIndex, Hpa};

use super::percpu::{MAX_CPUS, PerCpu};
use super::stacks::Stack;
use super::trampoline::{self, Trampoline};
use super::{Host, HostError, apic, cpu, idt, instr, percpu, timer};

/// What a CPU does for the rest of its life.
pub type CpuEntry = fn(&'static PerCpu) -> !;

/// How the start went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartReport {
    /// CPUs that run now, the boot CPU included.
    pub running: usize,
    /// CPUs that did not come up within a second.
    pub failed: ArrayVec<Failed, MAX_CPUS>,
    /// Enabled CPUs beyond the 64 that can be driven.
    pub ignored: usize,
}

/// A CPU that did not come up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its local APIC id.
    pub apic_id: u32,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the CPU with APIC id {} did not start and is not used", self.apic_id)
    }
}

/// What the other CPUs do once they are up; set before the first is started.
static ENTRY: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// The root of the final page tables.
static ROOT: AtomicU64 = AtomicU64::new(0);

/// Starts every enabled CPU but this one, one after the other; each goes to `entry` at once.
pub(super) fn start_others(host: &mut Host, entry: CpuEntry) -> Result<StartReport, HostError> {
    let me = percpu::this_cpu().apic_id;
    let others: ArrayVec<u32, MAX_CPUS> = host.platform.apic_ids.iter().copied().filter(|id| *id != me).collect();
    let mut report = StartReport { running: 1, ignored: host.platform.ignored_cpus, ..Default::default() };
    if others.is_empty() {
        return Ok(report);
    }
    ENTRY.store(entry as *mut (), Ordering::Release);
    ROOT.store(host.root.as_u64(), Ordering::Release);
    let page = trampoline::place(&host.memory, host.bundle).ok_or(HostError::NoLowMemory)?;
    // SAFETY: low memory is given to nobody; the root is the one in use.
    let trampoline = unsafe { Trampoline::install(page, host.root) }?;
    others.iter().for_each(|id| apic::send_init(*id));
    wait_until(10_000, || false);
    for apic_id in others {
        let cpu = host.new_cpu(CpuIndex(report.running as u16), apic_id)?;
        if start(cpu, &trampoline) {
            report.running += 1;
        } else {
            apic::send_init(apic_id);
            percpu::unregister(cpu);
            report.failed.push(Failed { apic_id });
        }
    }
    trampoline.remove();
    Ok(report)
}

/// Sends the start-up message, twice if need be, and waits for the CPU (Intel SDM vol. 3A, 9.4.4.1).
fn start(cpu: &'static PerCpu, trampoline: &Trampoline) -> bool {
    let argument = core::ptr::from_ref(cpu).addr() as u64;
    let stack = Stack::Kernel.top(cpu.index).as_u64();
    let page: Hpa = trampoline.prepare(stack, argument, other_cpu_main as *const () as u64);
    let is_up = || cpu.is_up.load(Ordering::Acquire);
    apic::send_startup(cpu.apic_id, page);
    if wait_until(1_000, is_up) {
        return true;
    }
    apic::send_startup(cpu.apic_id, page);
    wait_until(1_000_000, is_up)
}

/// Waits for `condition`, at most this long; returns whether it holds.
fn wait_until(microseconds: u64, condition: impl Fn() -> bool) -> bool {
    let end = timer::now() + timer::frequency() * microseconds / 1_000_000;
    while timer::now() < end {
        if condition() {
            return true;
        }
        instr::pause();
    }
    condition()
}

/// Where the trampoline leads: on the CPU's own stack, with the trampoline's page tables and no interrupt table.
extern "C" fn other_cpu_main(cpu: &'static PerCpu) -> ! {
    // SAFETY: the final tables map the same upper half as those of the trampoline, where all that is in use lies.
    unsafe { cpu::enter_host_mode(Hpa::new(ROOT.load(Ordering::Acquire))) };
    cpu.tables.load();
    percpu::install(cpu);
    idt::load();
    apic::enable();
    timer::enable();
    cpu.is_up.store(true, Ordering::Release);
    // SAFETY: `start_others` stored a `CpuEntry` there before the first CPU was started.
    let entry = unsafe { core::mem::transmute::<*const (), CpuEntry>(ENTRY.load(Ordering::Acquire)) };
    entry(cpu)
}
