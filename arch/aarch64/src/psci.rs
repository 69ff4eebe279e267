//! PSCI 1.1 (DEN 0022, Power State Coordination Interface): turning vCPUs and the domain on and off.
//!
//! | choice | why |
//! |---|---|
//! | CPU_SUSPEND to a power-down state is a standby | allowed: a wake-up may come at once; the entry is only checked |
//! | affinity levels 0 to 3 | a level above 0 is on when any of its vCPUs is |
//! | no Trusted OS (MIGRATE_INFO_TYPE 2) | nothing has to be migrated |
//! | SYSTEM_RESET2 knows the architectural warm reset only | it is the same as SYSTEM_RESET here |
//! | no SYSTEM_SUSPEND, CPU_FREEZE, CPU_DEFAULT_SUSPEND, NODE_HW_STATE, STAT_*, MEM_PROTECT | optional |
//!
//! MPIDR of vCPU i: Aff0 = i % 16, Aff1 = i / 16.
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use phalanx_arch_api::{Gpa, VcpuIndex};

use crate::smccc::{self, Answer, NOT_SUPPORTED, PowerState, PowerView, SUCCESS, WIDE, error, low};

/// PSCI_VERSION.
pub(crate) const VERSION: u32 = 0x8400_0000;
/// PSCI 1.1.
pub(crate) const VERSION_1_1: u64 = 0x1_0001;

const CPU_SUSPEND: u32 = 0x8400_0001;
const CPU_OFF: u32 = 0x8400_0002;
const CPU_ON: u32 = 0x8400_0003;
const AFFINITY_INFO: u32 = 0x8400_0004;
const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
const SYSTEM_OFF: u32 = 0x8400_0008;
const SYSTEM_RESET: u32 = 0x8400_0009;
const FEATURES: u32 = 0x8400_000a;
const SYSTEM_RESET2: u32 = 0x8400_0012;

const CPU_SUSPEND_WIDE: u32 = CPU_SUSPEND | WIDE;
const CPU_ON_WIDE: u32 = CPU_ON | WIDE;
const AFFINITY_INFO_WIDE: u32 = AFFINITY_INFO | WIDE;
const SYSTEM_RESET2_WIDE: u32 = SYSTEM_RESET2 | WIDE;

const INVALID_PARAMETERS: u64 = error(-2);
/// The vCPU to turn on is on.
pub const ALREADY_ON: u64 = error(-4);
/// The vCPU to turn on is about to be.
pub const ON_PENDING: u64 = error(-5);
const INVALID_ADDRESS: u64 = error(-9);

/// AFFINITY_INFO.
const IS_ON: u64 = 0;
const IS_OFF: u64 = 1;
const IS_PENDING: u64 = 2;
/// MIGRATE_INFO_TYPE: there is no Trusted OS, or it need not be migrated.
const NO_MIGRATION: u64 = 2;
/// power_state: a power-down state, in the original format.
const POWER_DOWN: u32 = 1 << 16;
/// power_state: StateID, StateType and PowerLevel; the other bits are zero.
const POWER_STATE: u32 = 0x0301_ffff;
/// SYSTEM_RESET2: SYSTEM_WARM_RESET.
const WARM_RESET: u32 = 0;
/// Highest affinity level.
const LEVELS: u64 = 3;
/// Instructions lie at multiples of 4.
const INSTRUCTION: u64 = 4;

/// vCPUs that share Aff1.
const CLUSTER: u64 = 16;
/// The affinity fields of MPIDR: Aff3 in bits 39 to 32, Aff2 to Aff0 in bits 23 to 0.
const AFFINITY: u64 = 0xff_00ff_ffff;

/// MPIDR_EL1 of a vCPU: bit 31 is RES1, one thread a core.
#[must_use]
pub fn mpidr(vcpu: VcpuIndex) -> u64 {
    1 << 31 | affinity(u64::from(vcpu.0))
}

const fn affinity(index: u64) -> u64 {
    (index / CLUSTER) << 8 | (index % CLUSTER)
}

/// Answers a function of PSCI's range; `arguments` are X1 to X3.
pub(crate) fn call(function: u32, arguments: [u64; 3], view: &impl PowerView) -> Answer {
    let [first, second, third] = arguments.map(|value| argument(function, value));
    Answer::Return(match function {
        VERSION => VERSION_1_1,
        CPU_SUSPEND | CPU_SUSPEND_WIDE => return suspend(low(first), second, view),
        CPU_OFF => return Answer::CpuOff,
        CPU_ON | CPU_ON_WIDE => return turn_on(first, second, third, view),
        AFFINITY_INFO | AFFINITY_INFO_WIDE => affinity_info(first, second, view),
        MIGRATE_INFO_TYPE => NO_MIGRATION,
        SYSTEM_OFF => return Answer::SystemOff,
        SYSTEM_RESET => return Answer::SystemReset,
        FEATURES => features(low(first)),
        SYSTEM_RESET2 | SYSTEM_RESET2_WIDE if low(first) == WARM_RESET => return Answer::SystemReset,
        SYSTEM_RESET2 | SYSTEM_RESET2_WIDE => INVALID_PARAMETERS,
        _ => NOT_SUPPORTED,
    })
}

/// A function of 32 bits takes W registers.
const fn argument(function: u32, value: u64) -> u64 {
    if function & WIDE == 0 { low(value) as u64 } else { value }
}

/// CPU_SUSPEND.
fn suspend(state: u32, entry: u64, view: &impl PowerView) -> Answer {
    if state & !POWER_STATE != 0 {
        Answer::Return(INVALID_PARAMETERS)
    } else if state & POWER_DOWN != 0 && !is_entry(entry, view) {
        Answer::Return(INVALID_ADDRESS)
    } else {
        Answer::Suspend
    }
}

/// CPU_ON.
fn turn_on(target: u64, entry: u64, context: u64, view: &impl PowerView) -> Answer {
    let Some(vcpu) = vcpu_at(target, view) else { return Answer::Return(INVALID_PARAMETERS) };
    match view.power(vcpu) {
        PowerState::On => Answer::Return(ALREADY_ON),
        PowerState::Pending => Answer::Return(ON_PENDING),
        PowerState::Off if !is_entry(entry, view) => Answer::Return(INVALID_ADDRESS),
        PowerState::Off => Answer::CpuOn { vcpu, entry, context },
    }
}

/// The vCPU with this affinity.
fn vcpu_at(target: u64, view: &impl PowerView) -> Option<VcpuIndex> {
    let index = (target >> 8) * CLUSTER + (target & 0xff);
    let exists = target & !AFFINITY == 0 && affinity(index) == target && index < view.vcpus() as u64;
    u8::try_from(index).ok().filter(|_| exists).map(VcpuIndex)
}

/// Whether a vCPU can begin there.
fn is_entry(address: u64, view: &impl PowerView) -> bool {
    address.is_multiple_of(INSTRUCTION) && view.is_ram(Gpa::new(address))
}

/// AFFINITY_INFO: all vCPUs whose affinity is the target's from `level` up.
fn affinity_info(target: u64, level: u64, view: &impl PowerView) -> u64 {
    if level > LEVELS || target & !AFFINITY != 0 {
        return INVALID_PARAMETERS;
    }
    // Aff3 does not lie next to Aff2.
    let ignored = if level == LEVELS { 0xff_ffff } else { (1 << (8 * level)) - 1 };
    let vcpus = (0..=u8::MAX).take(view.vcpus());
    let matching = vcpus.filter(|vcpu| (affinity(u64::from(*vcpu)) ^ target) & AFFINITY & !ignored == 0);
    matching.map(|vcpu| info(view.power(VcpuIndex(vcpu)))).reduce(most_awake).unwrap_or(INVALID_PARAMETERS)
}

const fn info(state: PowerState) -> u64 {
    match state {
        PowerState::On => IS_ON,
        PowerState::Pending => IS_PENDING,
        PowerState::Off => IS_OFF,
    }
}

/// On before pending before off.
fn most_awake(a: u64, b: u64) -> u64 {
    if a == IS_ON || b == IS_ON { IS_ON } else { a.max(b) }
}

/// PSCI_FEATURES: what `call` knows; the flags of CPU_SUSPEND are zero (original format, platform-coordinated).
const fn features(function: u32) -> u64 {
    match function {
        VERSION
        | CPU_SUSPEND
        | CPU_SUSPEND_WIDE
        | CPU_OFF
        | CPU_ON
        | CPU_ON_WIDE
        | AFFINITY_INFO
        | AFFINITY_INFO_WIDE
        | MIGRATE_INFO_TYPE
        | SYSTEM_OFF
        | SYSTEM_RESET
        | FEATURES
        | SYSTEM_RESET2
        | SYSTEM_RESET2_WIDE
        | smccc::VERSION => SUCCESS,
        _ => NOT_SUPPORTED,
    }
}

#[cfg(test)]
mod tests;
