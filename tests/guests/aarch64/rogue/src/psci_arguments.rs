//! PSCI with bad arguments (Arm DEN 0022, chapter 5): each has its documented error.

use guest_arm_rt::psci::{self, ALREADY_ON, INVALID_ADDRESS, INVALID_PARAMETERS, NOT_SUPPORTED, SUCCESS};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::{cpu, hypercall, smp, start_info};

const PSCI_1_1: i64 = 0x1_0001;
/// Highest number of a PSCI function that is tried.
const LAST: u32 = 0x1f;
/// MIGRATE_INFO_TYPE: there is no trusted OS, or it need not migrate.
const NOTHING_TO_MIGRATE: i64 = 2;

pub(crate) fn run() {
    if !hypercall::on_phalanx() {
        return;
    }
    versions();
    coherent();
    cpu_on();
    affinity_info();
    suspend();
}

fn versions() {
    let mut sweep = Sweep::new("psci-versions");
    sweep.expect("PSCI", psci::call(psci::VERSION, [u64::MAX; 3]), PSCI_1_1);
    let kind = psci::call(psci::MIGRATE_INFO_TYPE, [0; 3]);
    sweep.judge(matches!(kind, NOTHING_TO_MIGRATE | NOT_SUPPORTED), "migrate info type", kind);
    sweep.expect("migrate", psci::call(psci::MIGRATE, [cpu::affinity(), 0, 0]), NOT_SUPPORTED);
    sweep.expect("migrate, where from", psci::call(psci::MIGRATE_INFO_UP_CPU, [0; 3]), NOT_SUPPORTED);
    sweep.finish();
}

fn features(function: u32) -> i64 {
    psci::call(psci::FEATURES, [function.into(), 0, 0])
}

/// What PSCI_FEATURES denies answers NOT_SUPPORTED; what every implementation must have is not denied.
fn coherent() {
    let mut sweep = Sweep::new("psci-features");
    let must = [
        psci::VERSION,
        psci::CPU_SUSPEND,
        psci::CPU_SUSPEND_64,
        psci::CPU_OFF,
        psci::CPU_ON,
        psci::CPU_ON_64,
        psci::AFFINITY_INFO,
        psci::AFFINITY_INFO_64,
        psci::SYSTEM_OFF,
        psci::SYSTEM_RESET,
        psci::FEATURES,
    ];
    for function in must {
        sweep.judge(features(function) >= 0, Hex(function.into()), "denied");
    }
    for width in [0x8400_0000, 0xc400_0000] {
        for number in 0..=LAST {
            let function = width | number;
            if features(function) == NOT_SUPPORTED {
                sweep.expect(Hex(function.into()), psci::call(function, [0; 3]), NOT_SUPPORTED);
            }
        }
    }
    for function in [0, 1, 0x8400_ffff, 0xc400_0000, 0xffff_ffff, 0x8400_0050 | 0xf] {
        sweep.expect(Hex(function.into()), features(function), NOT_SUPPORTED);
    }
    sweep.finish();
}

/// An affinity that no CPU has.
fn absent() -> impl Iterator<Item = u64> {
    let own = cpu::affinity();
    let near = [own | 1 << 31, own | 1 << 30, own | 1 << 24, own | 1 << 40, own | 1 << 63];
    near.into_iter().chain([0xff, 0xff00, 0xff_0000, 0xff << 32, u64::MAX, 1 << 62])
}

fn cpu_on() {
    let mut sweep = Sweep::new("psci-cpu-on");
    let entry = smp::entry_address();
    sweep.expect("itself", psci::call(psci::CPU_ON_64, [cpu::affinity(), entry, 0]), ALREADY_ON);
    sweep.expect("itself, 32 bits", psci::call(psci::CPU_ON, [cpu::affinity(), entry, 0]), ALREADY_ON);
    for target in absent() {
        sweep.expect(Hex(target), psci::call(psci::CPU_ON_64, [target, entry, 0]), INVALID_PARAMETERS);
    }
    let image = start_info::image();
    let ram_end = start_info::ram().iter().map(|range| range.end).max().unwrap_or(image.end);
    for bad in [0x0900_0000, 0x0800_0000, 0x1000_0000, ram_end, u64::MAX, 1 << 63, entry | 1 << 52, entry | 1] {
        let got = psci::call(psci::CPU_ON_64, [cpu::affinity(), bad, 0]);
        sweep.judge(matches!(got, ALREADY_ON | INVALID_ADDRESS), Hex(bad), got);
        let got = psci::call(psci::CPU_ON_64, [0xff, bad, 0]);
        sweep.judge(matches!(got, INVALID_PARAMETERS | INVALID_ADDRESS), Hex(bad), got);
        if let Some(&other) = start_info::cpus().get(1) {
            sweep.expect(Hex(bad), psci::call(psci::CPU_ON_64, [other, bad, 0]), INVALID_ADDRESS);
            sweep.expect("still off", psci::call(psci::AFFINITY_INFO_64, [other, 0, 0]), psci::OFF);
        }
    }
    sweep.finish();
}

fn affinity_info() {
    let mut sweep = Sweep::new("psci-affinity-info");
    let ask = |target, level| psci::call(psci::AFFINITY_INFO_64, [target, level, 0]);
    sweep.expect("itself", ask(cpu::affinity(), 0), SUCCESS);
    for &other in start_info::cpus().iter().skip(1) {
        sweep.expect(Hex(other), ask(other, 0), psci::OFF);
    }
    for target in absent() {
        sweep.expect(Hex(target), ask(target, 0), INVALID_PARAMETERS);
    }
    for level in 1..=3 {
        let got = ask(cpu::affinity(), level);
        sweep.judge(matches!(got, SUCCESS | INVALID_PARAMETERS), format_args!("level {level}"), got);
    }
    for level in [4, 5, 0xff, 1 << 32, u64::MAX] {
        sweep.expect(format_args!("level {level:#x}"), ask(cpu::affinity(), level), INVALID_PARAMETERS);
    }
    sweep.finish();
}

/// With an interrupt pending a stand-by returns at once; reserved bits of the power state are refused; a power-down with
/// an entry that is no memory is refused.
fn suspend() {
    let mut sweep = Sweep::new("psci-suspend");
    let enter = |state, entry| psci::call(psci::CPU_SUSPEND_64, [state, entry, 0]);
    guest_arm_rt::gic::send_self(1);
    sweep.expect("stand-by", enter(0, 0), SUCCESS);
    for state in [1 << 31, 1 << 26, 0xfc00_0000, 1 << 17] {
        sweep.expect(Hex(state), enter(state, smp::entry_address()), INVALID_PARAMETERS);
    }
    let got = enter(1 << 16, 0x1000_0000);
    sweep.judge(matches!(got, INVALID_PARAMETERS | INVALID_ADDRESS | psci::DENIED), "power-down to nowhere", got);
    crate::sgis::drain();
    sweep.finish();
}
