//! How another CPU gets from the firmware to the kernel: code that runs with the MMU off, and the words that it reads.
//!
//! A CPU comes here by PSCI CPU_ON or from a spin-table, at EL2 with everything masked (DEN 0022, 6.4 "Initial core
//! configuration"; Linux, Documentation/arch/arm64/booting.rst). It finds its own record by its MPIDR, so that one that
//! is late, or was never called, harms nobody.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hva;

use super::cache;
use super::paging::mmu::Switches;
use super::percpu::{MAX_CPUS, PerCpu};

/// MPIDR_EL1: the affinity fields.
const AFFINITY: u64 = 0xff_00ff_ffff;
/// No MPIDR.
const UNUSED: u64 = u64::MAX;

/// How far a CPU has come, and the reasons for which it stopped.
pub(super) mod status {
    /// Nothing was heard of it.
    pub(in super::super) const SILENT: u64 = 0;
    /// It runs.
    pub(in super::super) const UP: u64 = 1;
    /// Nobody waits for it any more; it stops.
    pub(in super::super) const ABANDONED: u64 = 2;
    /// It was entered at EL1.
    pub(in super::super) const AT_EL1: u64 = 0x11;
    /// It was entered at EL3.
    pub(in super::super) const AT_EL3: u64 = 0x13;
    /// It lacks the Virtualization Host Extensions, which the boot CPU has.
    pub(in super::super) const WITHOUT_VHE: u64 = 3;
    /// Its interrupt controller cannot be used.
    pub(in super::super) const WITHOUT_GIC: u64 = 4;
    /// A guest would notice that it is another processor.
    pub(in super::super) const DIFFERENT: u64 = 5;
}

/// What one CPU reads. It shares no cache line with another record.
#[repr(C, align(128))]
struct Record {
    /// Affinity fields of the CPU that it is for, or [`UNUSED`].
    mpidr: u64,
    /// Initial stack pointer.
    stack: u64,
    /// Address of its [`PerCpu`].
    cpu: u64,
    /// [`status`].
    status: AtomicU64,
}

/// Written by the boot CPU before a CPU is started, and not afterwards.
#[repr(C, align(128))]
struct Table {
    switches: Switches,
    records: [Record; MAX_CPUS],
}

struct Shared(UnsafeCell<Table>);

// SAFETY: only the boot CPU writes, before the CPU that reads it is started; the status is atomic.
unsafe impl Sync for Shared {}

static TABLE: Shared = Shared(UnsafeCell::new(Table {
    switches: Switches { hcr: 0, tcr: 0, mair: 0, ttbr0: 0, sctlr: 0 },
    records: [const { Record { mpidr: UNUSED, stack: 0, cpu: 0, status: AtomicU64::new(status::SILENT) } }; MAX_CPUS],
}));

core::arch::global_asm!(
    ".pushsection .text.phalanx_secondary, \"ax\"",
    ".globl phalanx_secondary",
    ".p2align 2",
    "phalanx_secondary:",
    "msr daifset, #0xf",
    "mrs x0, mpidr_el1",
    "and x0, x0, #0xffffffffff",
    "and x0, x0, #0xffffffff00ffffff",
    "adrp x1, {table}",
    "add x1, x1, :lo12:{table}",
    "add x2, x1, #{records}",
    "mov x3, #{count}",
    "1:",
    "ldr x4, [x2]",
    "cmp x4, x0",
    "b.eq 3f",
    "add x2, x2, #{record}",
    "subs x3, x3, #1",
    "b.ne 1b",
    "2:",
    "wfi",
    "b 2b",
    "3:",
    "mrs x4, currentel",
    "cmp x4, #8",
    "b.eq 4f",
    "ubfx x4, x4, #2, #2",
    "add x4, x4, #0x10",
    "b 5f",
    "4:",
    "ldp x4, x5, [x1]",
    "ldp x6, x7, [x1, #16]",
    "ldr x8, [x1, #32]",
    "tbz x4, #34, 6f",
    "mrs x9, id_aa64mmfr1_el1",
    "tst x9, #0xf00",
    "b.ne 6f",
    "mov x4, #{without_vhe}",
    "5:",
    "str x4, [x2, #24]",
    "dsb sy",
    "b 2b",
    "6:",
    "msr spsel, #1",
    "msr hcr_el2, x4",
    "isb",
    "ic iallu",
    "tlbi alle2",
    "dsb nsh",
    "msr mair_el2, x6",
    "msr tcr_el2, x5",
    "msr ttbr0_el2, x7",
    "isb",
    "msr sctlr_el2, x8",
    "isb",
    "ldp x9, x0, [x2, #8]",
    "mov sp, x9",
    "mov x29, xzr",
    "mov x30, xzr",
    "b {main}",
    ".popsection",
    table = sym TABLE,
    records = const core::mem::offset_of!(Table, records),
    record = const size_of::<Record>(),
    count = const MAX_CPUS,
    without_vhe = const status::WITHOUT_VHE,
    main = sym super::smp::other_cpu_main,
);

const _: () = assert!(core::mem::offset_of!(Record, stack) == 8 && core::mem::offset_of!(Record, cpu) == 16);
const _: () = assert!(core::mem::offset_of!(Record, status) == 24 && core::mem::offset_of!(Switches, sctlr) == 32);

unsafe extern "C" {
    /// The entry; only its address means something.
    static phalanx_secondary: u8;
}

/// Where a CPU must be sent.
pub(super) fn entry() -> u64 {
    (&raw const phalanx_secondary).addr() as u64
}

/// Sets what all CPUs load. Before the first is started.
pub(super) fn set_switches(switches: Switches) {
    let place = TABLE.0.get();
    // SAFETY: no other CPU reads the table yet.
    unsafe { (*place).switches = switches };
    write_back(place.cast(), size_of::<Table>());
}

/// Prepares the record of `cpu` for its start with this stack pointer.
pub(super) fn prepare(cpu: &'static PerCpu, stack: u64) {
    let record = Record {
        mpidr: cpu.mpidr & AFFINITY,
        stack,
        cpu: core::ptr::from_ref(cpu).addr() as u64,
        status: AtomicU64::new(status::SILENT),
    };
    let place = place(cpu);
    // SAFETY: the CPU was not started yet, and no other one reads this record.
    unsafe { place.write(record) };
    write_back(place.cast_const().cast(), size_of::<Record>());
}

/// What is known of `cpu`, which may have written it past the caches.
pub(super) fn status(cpu: &'static PerCpu) -> u64 {
    let place = place(cpu);
    write_back(place.cast_const().cast(), size_of::<Record>());
    // SAFETY: the record is shared with the CPU by this atomic only.
    unsafe { (*place).status.load(Ordering::Acquire) }
}

/// Changes the status of `cpu` if nothing was heard of it, and returns whether it was so.
pub(super) fn settle(cpu: &'static PerCpu, status: u64) -> bool {
    // SAFETY: as for `status`.
    let current = unsafe { &(*place(cpu)).status };
    current.compare_exchange(status::SILENT, status, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

fn place(cpu: &'static PerCpu) -> *mut Record {
    let records = TABLE.0.get().wrapping_byte_add(core::mem::offset_of!(Table, records)).cast::<Record>();
    records.wrapping_add(usize::from(cpu.slot) % MAX_CPUS)
}

fn write_back(start: *const u8, bytes: usize) {
    cache::clean_invalidate(Hva::new(start.addr() as u64), bytes as u64);
}
