//! The other CPUs: brought up by firmware, each on its own stack, reachable by an interrupt.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_aarch64::gic::Version;
use phalanx_arch_aarch64::host::gic::{GicV2, GicV3, version};
use phalanx_arch_aarch64::host::{PerCpu, idle, instr, kick, this_cpu, timer, vhe};
use phalanx_arch_api::CpuIndex;

use crate::asm::mrs;
use crate::bench::Bench;
use crate::report::{check, fail};

const MOST: usize = 8;

/// What another CPU says about itself.
struct Report {
    stack: AtomicU64,
    control: AtomicU64,
    kicks: AtomicU64,
}

static REPORTS: [Report; MOST] =
    [const { Report { stack: AtomicU64::new(0), control: AtomicU64::new(0), kicks: AtomicU64::new(0) } }; MOST];

fn other(cpu: &'static PerCpu) -> ! {
    let report = &REPORTS[usize::from(cpu.index.0) % MOST];
    let is_itself = core::ptr::eq(cpu, this_cpu()) && mrs!("mpidr_el1") & 0xff_00ff_ffff == cpu.mpidr;
    report.stack.store(if is_itself { instr::stack_pointer() } else { 0 }, Ordering::Relaxed);
    report.control.store(mrs!("hcr_el2"), Ordering::Release);
    loop {
        match version() {
            Version::V2 => idle::<GicV2>(cpu),
            Version::V3 => idle::<GicV3>(cpu),
        }
        if cpu.kicked.swap(false, Ordering::Relaxed) {
            report.kicks.fetch_add(1, Ordering::Release);
        }
    }
}

/// Waits until `condition` holds, at most two seconds.
fn wait(what: &str, condition: impl Fn() -> bool) {
    let end = timer::now() + 2 * timer::frequency();
    while !condition() {
        if timer::now() > end {
            fail(format_args!("{what} never comes"));
        }
        instr::relax();
    }
}

/// All come up, know themselves, and answer every kick.
pub(crate) fn start(mut bench: Bench) {
    let cpus = bench.host.board().cpus.len();
    let report = match bench.host.start_other_cpus(other) {
        Ok(report) => report,
        Err(error) => fail(error),
    };
    check("CPUs that failed", report.failed.len(), 0);
    check("CPUs that run", report.running, cpus);
    check("more than one", cpus > 1, true);
    let others = &REPORTS[1..cpus];
    for other in others {
        wait("a CPU", || other.control.load(Ordering::Acquire) != 0);
        check("VHE as here", other.control.load(Ordering::Relaxed) & 1 << 34 != 0, vhe());
    }
    for (n, one) in others.iter().enumerate() {
        let stack = |report: &Report| report.stack.load(Ordering::Relaxed) & !0xffff;
        check("knows itself", one.stack.load(Ordering::Relaxed) != 0, true);
        check("stack of its own", others[n + 1..].iter().any(|other| stack(other) == stack(one)), false);
    }
    for round in 1..=3 {
        for (index, other) in (1..).zip(others) {
            kick(CpuIndex(index));
            wait("the answer to a kick", || other.kicks.load(Ordering::Acquire) == round);
        }
    }
    check("kicks here", bench.cpu.kicked.load(Ordering::Relaxed), false);
}
