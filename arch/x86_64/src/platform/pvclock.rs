//! The paravirtual clock that KVM guests know (Linux, Documentation/virt/kvm/x86/msr.rst).
//!
//! ```text
//! ns = system_time + (((tsc - tsc_timestamp) << shift) * mul) >> 32        (shift to the right where it is negative)
//! ```
//! The structures are given as bytes; writing them with the version odd in between is up to the caller.

use phalanx_arch_api::Gpa;

const NANOSECONDS: u64 = 1_000_000_000;
/// Flag: all vCPUs' clocks agree, so the guest need not keep them monotonic itself.
const TSC_STABLE: u8 = 1 << 0;
/// Bit 0 of the system time MSR: the guest wants the structure kept up to date.
const ENABLE: u64 = 1 << 0;

/// From TSC ticks to nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockScale {
    mul: u32,
    shift: i8,
}

impl ClockScale {
    /// The scale of a TSC with `frequency` Hz, or `None` at 0 and above 4.6 * 10^18 Hz.
    ///
    /// The multiplier is normalised to 32 significant bits, so the error is below 2^-31: half a nanosecond in a second.
    #[must_use]
    pub const fn from_frequency(frequency: u64) -> Option<Self> {
        if frequency == 0 || frequency > u64::MAX / 4 {
            return None;
        }
        // Find the shift for which 10^9 / (frequency << shift...) lies in [1/2, 1).
        let mut shift = 0i8;
        let mut numerator = NANOSECONDS;
        let mut denominator = frequency;
        while numerator >= denominator {
            denominator <<= 1;
            shift += 1;
        }
        while numerator < denominator - numerator {
            numerator <<= 1;
            shift -= 1;
        }
        let mul = ((numerator as u128) << 32) / denominator as u128;
        Some(Self { mul: mul as u32, shift })
    }

    /// Nanoseconds in `ticks`, as the guest computes them.
    #[must_use]
    pub const fn nanoseconds(self, ticks: u64) -> u64 {
        let shifted =
            if self.shift < 0 { ticks >> self.shift.unsigned_abs() } else { ticks << self.shift.unsigned_abs() };
        ((shifted as u128 * self.mul as u128) >> 32) as u64
    }
}

/// The time of one vCPU: what the guest's clock is anchored to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VcpuTime {
    /// Even. Odd while the structure is being written.
    pub version: u32,
    /// The guest's TSC at the anchor.
    pub tsc_timestamp: u64,
    /// Nanoseconds since the domain's start at the anchor.
    pub system_time: u64,
    /// The TSC's rate.
    pub scale: ClockScale,
}

impl VcpuTime {
    /// Size of the structure in the guest.
    pub const SIZE: usize = 32;

    /// The structure as the guest reads it: version, padding, timestamp, system time, multiplier, shift, flags.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.tsc_timestamp.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.system_time.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.scale.mul.to_le_bytes());
        bytes[28..29].copy_from_slice(&self.scale.shift.to_le_bytes());
        bytes[29] = TSC_STABLE;
        bytes
    }
}

/// The wall-clock time at which the domain's nanoseconds were 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    /// Even.
    pub version: u32,
    /// Seconds since 1970.
    pub seconds: u32,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
}

impl WallClock {
    /// Size of the structure in the guest.
    pub const SIZE: usize = 12;

    /// The structure as the guest reads it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.seconds.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.nanoseconds.to_le_bytes());
        bytes
    }
}

/// Where a write of the system time MSR wants the structure; `None` where it switches the clock off.
///
/// The address is aligned to 4 bytes by clearing bit 1 with the enable bit.
#[must_use]
pub const fn system_time_address(msr: u64) -> Option<Gpa> {
    if msr & ENABLE == 0 { None } else { Some(Gpa::new(msr & !3)) }
}
