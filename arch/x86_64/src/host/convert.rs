//! From TSC ticks to counts of the local APIC's timer, in fixed-point arithmetic.

/// Converts a span in TSC ticks to counts of the local APIC's timer: one multiplication and one shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TscToApic {
    /// Counts for a tick, with 32 fractional bits. Never 0.
    factor: u64,
}

impl TscToApic {
    /// The conversion between two frequencies in Hz; `None` where they are out of all proportion.
    #[must_use]
    pub fn new(tsc_hz: u64, apic_hz: u64) -> Option<Self> {
        let factor = (u128::from(apic_hz) << 32).checked_div(u128::from(tsc_hz))?;
        u64::try_from(factor).ok().filter(|&factor| factor != 0).map(Self::from_factor)
    }

    /// The conversion with a factor that [`TscToApic::factor`] gave.
    pub(super) const fn from_factor(factor: u64) -> Self {
        Self { factor }
    }

    /// The factor.
    pub(super) const fn factor(self) -> u64 {
        self.factor
    }

    /// The counts for `ticks`, rounded up, at most what the 32-bit counter holds.
    #[inline]
    #[must_use]
    pub const fn convert(self, ticks: u64) -> u32 {
        let counts = (ticks as u128 * self.factor as u128 + u32::MAX as u128) >> 32;
        if counts > u32::MAX as u128 { u32::MAX } else { counts as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_is_close_and_never_early() {
        let same = TscToApic::new(1_000_000_000, 1_000_000_000).unwrap();
        assert_eq!((same.convert(0), same.convert(1), same.convert(1_000_000)), (0, 1, 1_000_000));
        let slow = TscToApic::new(3_000_000_000, 24_000_000).unwrap();
        assert_eq!(slow.convert(1), 1);
        assert!((23_999_999..=24_000_001).contains(&slow.convert(3_000_000_000)));
        assert_eq!(slow.convert(u64::MAX), u32::MAX);
        assert_eq!(TscToApic::new(0, 5), None);
        assert_eq!(TscToApic::new(u64::MAX, 1), None);
    }
}
