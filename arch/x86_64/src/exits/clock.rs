//! The clock that KVM guests know: where its MSRs point, the time is written.
//!
//! The TSCs of all CPUs agree and never change their rate, so a structure is written once and stays true.
#![forbid(unsafe_code)]

use phalanx_arch_api::{DomainEnv, Gpa, GuestMemory};

use crate::domain::Domain;
use crate::host::timer;
use crate::platform::pvclock::{ClockScale, VcpuTime, WallClock, system_time_address};
use crate::vcpu::{Control, Vcpu};
use crate::vlapic::GeneralProtection;
use crate::wall_clock::{nanoseconds, wall_seconds};

const WALL_CLOCK_OLD: u32 = 0x11;
const SYSTEM_TIME_OLD: u32 = 0x12;
const WALL_CLOCK: u32 = 0x4b56_4d00;
const SYSTEM_TIME: u32 = 0x4b56_4d01;

/// The two MSRs of a vCPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClockMsrs {
    wall: u64,
    system: u64,
}

impl ClockMsrs {
    /// Neither is set.
    #[must_use]
    pub const fn new() -> Self {
        Self { wall: 0, system: 0 }
    }
}

/// Reads a clock MSR; `None` where `index` is none.
pub fn read<C: Control>(vcpu: &Vcpu<C>, _domain: &Domain, index: u32) -> Option<u64> {
    match index {
        WALL_CLOCK | WALL_CLOCK_OLD => Some(vcpu.msrs.clock.wall),
        SYSTEM_TIME | SYSTEM_TIME_OLD => Some(vcpu.msrs.clock.system),
        _ => None,
    }
}

/// Writes a clock MSR and the structure that it points to.
///
/// # Errors
/// [`GeneralProtection`] where `index` is no clock MSR.
pub fn write<C: Control, E: DomainEnv>(
    vcpu: &mut Vcpu<C>,
    domain: &Domain,
    env: &E,
    index: u32,
    value: u64,
) -> Result<(), GeneralProtection> {
    match index {
        WALL_CLOCK | WALL_CLOCK_OLD => {
            vcpu.msrs.clock.wall = value;
            write_wall_clock(domain, env, Gpa::new(value));
        }
        SYSTEM_TIME | SYSTEM_TIME_OLD => {
            vcpu.msrs.clock.system = value;
            if let Some(gpa) = system_time_address(value) {
                write_system_time(vcpu, domain, env, gpa);
            }
        }
        _ => return Err(GeneralProtection),
    }
    Ok(())
}

/// A structure outside RAM is the guest's mistake and, as on real memory buses, goes nowhere.
fn write_wall_clock<E: DomainEnv>(domain: &Domain, env: &E, gpa: Gpa) {
    let seconds = wall_seconds(domain.power_on());
    // The structure's seconds end in 2106; an absent clock is 1970.
    let clock = WallClock { version: 2, seconds: u32::try_from(seconds).unwrap_or(0), nanoseconds: 0 };
    let _ = env.memory().write(gpa, &clock.to_bytes());
}

fn write_system_time<C: Control, E: DomainEnv>(vcpu: &Vcpu<C>, domain: &Domain, env: &E, gpa: Gpa) {
    let Some(scale) = ClockScale::from_frequency(timer::frequency()) else { return };
    let now = crate::host::instr::rdtsc();
    let time =
        VcpuTime { version: 2, tsc_timestamp: vcpu.guest_tsc(now), system_time: nanoseconds(domain.age(now)), scale };
    let _ = env.memory().write(gpa, &time.to_bytes());
}
