//! What belongs to one physical CPU: its flags, its interrupt numbers, its name.
//!
//! TPIDR_EL2 points to it, so every function that runs on the CPU reaches it with one instruction.

use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use phalanx_arch_api::CpuIndex;

/// How many CPUs the host drives.
pub const MAX_CPUS: usize = 64;

/// [`PerCpu::running`] while no vCPU runs.
pub const NOTHING_RUNS: u64 = u64::MAX;

/// The interrupts that the host takes, the same on every CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// INTID of the EL1 virtual timer: a guest's.
    pub virtual_timer: u32,
    /// INTID of the EL2 physical timer: the host's.
    pub hypervisor_timer: u32,
    /// INTID of the GIC's maintenance interrupt.
    pub maintenance: u32,
    /// INTID of the console's UART, or one that never comes.
    pub console: u32,
}

/// The state of one physical CPU. Lives in frames of its own, for ever.
///
/// Only the CPU itself sets and clears its flags, and never from an interrupt handler (there is none): they are atomic
/// so that others may look.
#[repr(C, align(64))]
pub struct PerCpu {
    /// Initial stack pointer for an exception of the hypervisor itself; `exceptions` reads it at offset 0.
    pub(super) emergency_stack: u64,
    /// The interrupts that the host takes.
    pub interrupts: Interrupts,
    /// The timer fired since the flag was cleared.
    pub timer_fired: AtomicBool,
    /// Another CPU sent a kick since the flag was cleared.
    pub kicked: AtomicBool,
    /// The console's UART raised its interrupt since the flag was cleared.
    pub console: AtomicBool,
    /// The CPU came up and runs on its own stack.
    pub(super) is_up: AtomicBool,
    /// Number of the CPU, counted from 0 in the order of coming up.
    pub index: CpuIndex,
    /// Number of its stacks and of its start record: its own for ever, as it may come up when nobody waits any more.
    pub(super) slot: u16,
    /// The affinity fields of its MPIDR_EL1.
    pub mpidr: u64,
    /// Which vCPU runs here, for the crash card: domain in bits 63:32, vCPU in 31:0, or [`NOTHING_RUNS`].
    pub running: AtomicU64,
    /// Interrupts that nobody asked for.
    pub unexpected: AtomicU64,
    /// The part of an SGI register's value that selects this CPU (GICD_SGIR, ICC_SGI1R_EL1).
    pub(super) sgi_target: AtomicU64,
    /// Where this CPU's SGIs and PPIs are controlled: the redistributor's SGI frame, or a GICv2's distributor.
    pub(super) private_interrupts: AtomicU64,
}

impl PerCpu {
    /// A CPU that is not up yet, with its slot and the top of its emergency stack.
    #[must_use]
    pub const fn new(index: CpuIndex, mpidr: u64, slot: u16, emergency_stack: u64, interrupts: Interrupts) -> Self {
        Self {
            emergency_stack,
            interrupts,
            timer_fired: AtomicBool::new(false),
            kicked: AtomicBool::new(false),
            console: AtomicBool::new(false),
            is_up: AtomicBool::new(false),
            index,
            slot,
            mpidr,
            running: AtomicU64::new(NOTHING_RUNS),
            unexpected: AtomicU64::new(0),
            sgi_target: AtomicU64::new(0),
            private_interrupts: AtomicU64::new(0),
        }
    }

    /// Whether an interrupt left a flag behind that nobody has cleared.
    #[inline]
    #[must_use]
    pub fn has_pending_flag(&self) -> bool {
        [&self.timer_fired, &self.kicked, &self.console].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Notes which vCPU runs here, for the crash card.
    #[inline]
    pub fn set_running(&self, domain: u32, vcpu: u32) {
        self.running.store(u64::from(domain) << 32 | u64::from(vcpu), Ordering::Relaxed);
    }

    /// Notes that no vCPU runs here.
    #[inline]
    pub fn clear_running(&self) {
        self.running.store(NOTHING_RUNS, Ordering::Relaxed);
    }
}

/// All CPUs that have a [`PerCpu`], by index.
static CPUS: [AtomicPtr<PerCpu>; MAX_CPUS] = [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_CPUS];

/// The CPU with this index; `None` where there is none.
#[inline]
#[must_use]
pub fn cpu(index: CpuIndex) -> Option<&'static PerCpu> {
    let pointer = CPUS.get(usize::from(index.0))?.load(Ordering::Acquire);
    // SAFETY: only `register` stores here: references that live for ever.
    unsafe { pointer.as_ref() }
}

/// All CPUs, in the order of their indices.
pub fn cpus() -> impl Iterator<Item = &'static PerCpu> {
    (0..MAX_CPUS as u16).filter_map(|index| cpu(CpuIndex(index)))
}

#[cfg(target_arch = "aarch64")]
mod here {
    use aarch64_cpu::registers::{Readable, TPIDR_EL2, Writeable};

    use super::super::registers::is_at_el2;
    use super::{CPUS, Ordering, PerCpu, cpus};

    /// Makes a CPU findable by its index.
    pub(in super::super) fn register(cpu: &'static PerCpu) {
        CPUS[usize::from(cpu.index.0)].store(core::ptr::from_ref(cpu).cast_mut(), Ordering::Release);
    }

    /// Takes back what [`register`] did, for a CPU that did not come up.
    pub(in super::super) fn unregister(cpu: &'static PerCpu) {
        CPUS[usize::from(cpu.index.0)].store(core::ptr::null_mut(), Ordering::Release);
    }

    /// Makes `cpu` the one that [`this_cpu`] returns on the processor that this runs on.
    pub(in super::super) fn install(cpu: &'static PerCpu) {
        TPIDR_EL2.set(core::ptr::from_ref(cpu).addr() as u64);
    }

    /// Makes [`this_cpu_if_known`] answer `None` until [`install`].
    pub(in super::super) fn install_none() {
        TPIDR_EL2.set(0);
    }

    /// The CPU that this runs on.
    ///
    /// Must not be called before [`super::super::init_boot_cpu`] has set TPIDR_EL2.
    #[inline(always)]
    #[must_use]
    pub fn this_cpu() -> &'static PerCpu {
        let pointer: *const PerCpu = core::ptr::with_exposed_provenance(TPIDR_EL2.get() as usize);
        // SAFETY: TPIDR_EL2 points to the `PerCpu` of this processor from its start-up on, which lives for ever.
        unsafe { &*pointer }
    }

    /// [`this_cpu`], or `None` where TPIDR_EL2 is not that of a known CPU: usable in a crash at any time.
    #[must_use]
    pub(in super::super) fn this_cpu_if_known() -> Option<&'static PerCpu> {
        let base = is_at_el2().then(|| TPIDR_EL2.get())?;
        cpus().find(|cpu| core::ptr::from_ref(*cpu).addr() as u64 == base)
    }
}

#[cfg(target_arch = "aarch64")]
pub use here::this_cpu;
#[cfg(target_arch = "aarch64")]
pub(super) use here::{install, install_none, register, this_cpu_if_known, unregister};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_running_vcpu() {
        let interrupts = Interrupts { virtual_timer: 27, hypervisor_timer: 26, maintenance: 25, console: 33 };
        let cpu = PerCpu::new(CpuIndex(2), 7, 2, 0, interrupts);
        assert!(!cpu.has_pending_flag());
        cpu.console.store(true, Ordering::Relaxed);
        assert!(cpu.has_pending_flag());
        cpu.set_running(3, 1);
        assert_eq!(cpu.running.load(Ordering::Relaxed), 3 << 32 | 1);
        cpu.clear_running();
        assert_eq!(cpu.running.load(Ordering::Relaxed), NOTHING_RUNS);
    }

    #[test]
    fn the_emergency_stack_is_where_the_assembly_looks() {
        assert_eq!(core::mem::offset_of!(PerCpu, emergency_stack), 0);
    }
}
