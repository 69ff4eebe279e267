//! What belongs to one physical CPU: its flags, its descriptor tables, its name.
//!
//! The base of GS points to it while the host runs, so the interrupt handlers reach it with one instruction.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

use phalanx_arch_api::CpuIndex;

use super::gdt::DescriptorTables;
use super::instr::{self, Msr};

/// How many CPUs the host drives.
pub const MAX_CPUS: usize = 64;

/// [`PerCpu::running`] while no vCPU runs.
pub const NOTHING_RUNS: u64 = u64::MAX;

/// The armed deadline while the timer is not armed.
pub(super) const NOT_ARMED: u64 = u64::MAX;

/// The state of one physical CPU. Lives in frames of its own, for ever.
///
/// The handlers set the flags with interrupts disabled on the CPU itself; whoever clears them runs there too. So the
/// flags need no ordering, only atomicity against the interrupt.
#[repr(C, align(64))]
pub struct PerCpu {
    /// The address of this structure: `gs:[0]`.
    pub(super) this: AtomicPtr<PerCpu>,
    /// Where the handlers write 0 to end an interrupt (xAPIC).
    pub(super) eoi_register: AtomicU64,
    /// The stack pointer while a guest runs (VT-x).
    pub(crate) stack: AtomicU64,
    /// The deadline that the timer hardware is armed for, or [`NOT_ARMED`].
    pub(super) armed: AtomicU64,
    /// Which vCPU runs here, for the crash card: domain in bits 63:32, vCPU in 31:0, or [`NOTHING_RUNS`].
    pub running: AtomicU64,
    /// Non-maskable interrupts so far.
    pub nmi_count: AtomicU64,
    /// Interrupts on vectors that nobody uses.
    pub unexpected: AtomicU64,
    /// Spurious interrupts of the local APIC.
    pub spurious: AtomicU64,
    /// Kicks that were taken. Other CPUs wait for it to change ([`super::rendezvous`]).
    pub(super) kicks: AtomicU64,
    /// The CPU has been prepared to run guests.
    pub(super) runs_guests: AtomicBool,
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
    /// Its local APIC's id.
    pub apic_id: u32,
    /// GDT and TSS.
    pub(super) tables: DescriptorTables,
}

impl PerCpu {
    /// A CPU that is not up yet. The handlers will write to `eoi_register`.
    #[must_use]
    pub fn new(index: CpuIndex, apic_id: u32, eoi_register: u64) -> Self {
        Self {
            this: AtomicPtr::new(core::ptr::null_mut()),
            eoi_register: AtomicU64::new(eoi_register),
            stack: AtomicU64::new(0),
            armed: AtomicU64::new(NOT_ARMED),
            running: AtomicU64::new(NOTHING_RUNS),
            nmi_count: AtomicU64::new(0),
            unexpected: AtomicU64::new(0),
            spurious: AtomicU64::new(0),
            kicks: AtomicU64::new(0),
            runs_guests: AtomicBool::new(false),
            timer_fired: AtomicBool::new(false),
            kicked: AtomicBool::new(false),
            console: AtomicBool::new(false),
            is_up: AtomicBool::new(false),
            index,
            apic_id,
            tables: DescriptorTables::new(index),
        }
    }

    /// Whether an interrupt left a flag behind that nobody has cleared.
    #[inline]
    #[must_use]
    pub fn has_pending_flag(&self) -> bool {
        [&self.timer_fired, &self.kicked, &self.console].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Notes that guests run here from now on.
    pub fn set_runs_guests(&self) {
        self.runs_guests.store(true, Ordering::SeqCst);
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

/// Makes a CPU findable by its index.
pub(super) fn register(cpu: &'static PerCpu) {
    let pointer = core::ptr::from_ref(cpu).cast_mut();
    cpu.this.store(pointer, Ordering::Relaxed);
    CPUS[usize::from(cpu.index.0)].store(pointer, Ordering::Release);
}

/// Takes back what [`register`] did, for a CPU that did not come up.
pub(super) fn unregister(cpu: &'static PerCpu) {
    CPUS[usize::from(cpu.index.0)].store(core::ptr::null_mut(), Ordering::Release);
}

/// Makes `cpu` the one that [`this_cpu`] returns on the processor that this runs on.
pub(super) fn install(cpu: &'static PerCpu) {
    // SAFETY: the kernel uses GS for nothing else, and the structure lives for ever.
    unsafe { instr::wrmsr(Msr::GS_BASE, core::ptr::from_ref(cpu).addr() as u64) };
}

/// The CPU that this runs on.
///
/// Must not be called before [`super::init_boot_cpu`] has set the base of GS, nor while a guest's is loaded.
#[inline]
#[must_use]
pub fn this_cpu() -> &'static PerCpu {
    let pointer: *const PerCpu;
    // SAFETY: the base of GS points to the `PerCpu` of this processor from its start-up on; the first field is the
    // structure's own address, which never changes.
    unsafe { asm!("mov {}, gs:[0]", out(reg) pointer, options(pure, nomem, nostack, preserves_flags)) };
    // SAFETY: see above.
    unsafe { &*pointer }
}

/// [`this_cpu`], or `None` where the base of GS is not that of a known CPU: usable in a crash at any time.
#[must_use]
pub(super) fn this_cpu_if_known() -> Option<&'static PerCpu> {
    let base = instr::rdmsr(Msr::GS_BASE);
    cpus().find(|cpu| core::ptr::from_ref(*cpu).addr() as u64 == base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_running_vcpu() {
        let cpu = PerCpu::new(CpuIndex(2), 7, 0);
        assert!(!cpu.has_pending_flag());
        cpu.console.store(true, Ordering::Relaxed);
        assert!(cpu.has_pending_flag());
        cpu.set_running(3, 1);
        assert_eq!(cpu.running.load(Ordering::Relaxed), 3 << 32 | 1);
        cpu.clear_running();
        assert_eq!(cpu.running.load(Ordering::Relaxed), NOTHING_RUNS);
    }

    #[test]
    fn the_first_field_is_at_the_base_of_gs() {
        assert_eq!(core::mem::offset_of!(PerCpu, this), 0);
    }
}
