//! How fast the TSC and the local APIC's timer count, measured against a clock whose rate is known.
//!
//! Each reading of such a clock stands between two readings of the TSC; of several, the one with the tightest bracket
//! counts. So a reading that an emulator or firmware interrupted does no harm.

/// Samples of which the best is taken.
const TRIES: u32 = 16;
/// The part of a second over which is measured.
const SPAN: u32 = 50;
/// TSC ticks after which a clock that does not move counts as stuck: more than a second up to 8 GHz.
const PATIENCE: u64 = 1 << 33;

/// What the measurement reads.
pub trait Clocks {
    /// The TSC, in order with the other readings.
    fn tsc(&mut self) -> u64;
    /// The clock with the known rate, counting up; `None` where it has run past its end.
    fn reference(&mut self) -> Option<u32>;
    /// The local APIC's timer, counting down; `None` where it cannot be read.
    fn apic(&mut self) -> Option<u32>;
}

/// The clock with the known rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Counts in a second.
    pub hz: u32,
    /// The bits that it has.
    pub mask: u32,
}

/// The result, in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The TSC.
    pub tsc: u64,
    /// The local APIC's timer, where it could be read.
    pub apic: Option<u64>,
}

/// The clock with the known rate stands still, or could not be read in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable;

/// A value and the TSC at the middle of the bracket around its reading.
#[derive(Clone, Copy, Debug)]
struct Sample {
    tsc: u64,
    value: u32,
}

/// The best of several readings.
fn sample<C: Clocks>(clocks: &mut C, read: fn(&mut C) -> Option<u32>) -> Option<Sample> {
    let mut best: Option<(u64, Sample)> = None;
    for _ in 0..TRIES {
        let before = clocks.tsc();
        let value = read(clocks)?;
        let width = clocks.tsc().wrapping_sub(before);
        if best.is_none_or(|(tightest, _)| width < tightest) {
            best = Some((width, Sample { tsc: before + width / 2, value }));
        }
    }
    best.map(|(_, sample)| sample)
}

/// `count` events in `ticks` of a clock of `hz`, as events a second, rounded.
fn rate(count: u64, hz: u64, ticks: u64) -> Option<u64> {
    let product = u128::from(count) * u128::from(hz) + u128::from(ticks) / 2;
    u64::try_from(product.checked_div(u128::from(ticks))?).ok().filter(|&rate| rate > 0)
}

/// Measures over 20 ms.
///
/// # Errors
/// [`Unusable`] where the reference does not move, or ran past its end meanwhile (worth another try).
pub fn measure<C: Clocks>(clocks: &mut C, reference: Reference) -> Result<Measured, Unusable> {
    let first = sample(clocks, C::reference).ok_or(Unusable)?;
    let first_apic = sample(clocks, C::apic);
    loop {
        let passed = clocks.reference().ok_or(Unusable)?.wrapping_sub(first.value) & reference.mask;
        if passed >= reference.hz / SPAN {
            break;
        }
        if clocks.tsc().wrapping_sub(first.tsc) > PATIENCE {
            return Err(Unusable);
        }
        core::hint::spin_loop();
    }
    let last = sample(clocks, C::reference).ok_or(Unusable)?;
    let last_apic = sample(clocks, C::apic);
    let counted = last.value.wrapping_sub(first.value) & reference.mask;
    let tsc = rate(last.tsc - first.tsc, u64::from(reference.hz), u64::from(counted)).ok_or(Unusable)?;
    let apic = first_apic
        .zip(last_apic)
        .and_then(|(first, last)| rate(u64::from(first.value.wrapping_sub(last.value)), tsc, last.tsc - first.tsc));
    Ok(Measured { tsc, apic })
}

/// What the processor says about its TSC: CPUID leaf 0x15 as (EAX, EBX, ECX) = denominator, numerator, crystal in Hz,
/// or the base frequency of leaf 0x16 in MHz where the crystal is not given (Intel SDM vol. 2A, CPUID).
#[must_use]
pub fn announced((denominator, numerator, crystal): (u32, u32, u32), base_mhz: u32) -> Option<u64> {
    if denominator == 0 || numerator == 0 {
        return None;
    }
    if crystal == 0 {
        return (base_mhz != 0).then(|| u64::from(base_mhz) * 1_000_000);
    }
    Some(u64::from(crystal) * u64::from(numerator) / u64::from(denominator))
}

/// The frequency to believe: what was announced where it is within 0.1 % of what was measured, else the measured one.
#[must_use]
pub fn choose(measured: Option<u64>, announced: Option<u64>) -> Option<u64> {
    match (measured, announced) {
        (Some(measured), Some(announced)) if measured.abs_diff(announced) <= measured / 1000 => Some(announced),
        (Some(measured), _) => Some(measured),
        (None, announced) => announced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine in which every reading takes a time of its own, and some take very long.
    struct Noisy {
        nanoseconds: u64,
        seed: u64,
        tsc_per_us: u64,
        apic_per_us: u64,
    }

    impl Noisy {
        fn new(tsc_per_us: u64, apic_per_us: u64, seed: u64) -> Self {
            Self { nanoseconds: 12345, seed, tsc_per_us, apic_per_us }
        }

        fn pass_time(&mut self) {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = self.seed >> 40;
            self.nanoseconds += if random.is_multiple_of(29) { random % 3_000_000 } else { 300 + random % 500 };
        }
    }

    impl Clocks for Noisy {
        fn tsc(&mut self) -> u64 {
            self.pass_time();
            self.nanoseconds * self.tsc_per_us / 1000
        }

        fn reference(&mut self) -> Option<u32> {
            self.pass_time();
            Some((u128::from(self.nanoseconds) * 3_579_545 / 1_000_000_000) as u32 & 0xff_ffff)
        }

        fn apic(&mut self) -> Option<u32> {
            self.pass_time();
            Some(u32::MAX - (self.nanoseconds * self.apic_per_us / 1000) as u32)
        }
    }

    const PM_TIMER: Reference = Reference { hz: 3_579_545, mask: 0xff_ffff };

    fn within_a_thousandth(value: u64, expected: u64) -> bool {
        value.abs_diff(expected) < expected / 1000
    }

    #[test]
    fn noise_does_not_spoil_the_measurement() {
        for seed in 0..200 {
            let measured = measure(&mut Noisy::new(2_400, 1_000, seed), PM_TIMER).unwrap();
            assert!(within_a_thousandth(measured.tsc, 2_400_000_000), "seed {seed}: {measured:?}");
            assert!(within_a_thousandth(measured.apic.unwrap(), 1_000_000_000), "seed {seed}: {measured:?}");
        }
    }

    #[test]
    fn a_reference_that_stands_still_is_refused() {
        struct Stuck(u64);
        impl Clocks for Stuck {
            fn tsc(&mut self) -> u64 {
                self.0 += 1 << 20;
                self.0
            }
            fn reference(&mut self) -> Option<u32> {
                Some(42)
            }
            fn apic(&mut self) -> Option<u32> {
                None
            }
        }
        assert_eq!(measure(&mut Stuck(0), PM_TIMER), Err(Unusable));
    }

    #[test]
    fn announced_frequencies_are_used_only_if_sane() {
        assert_eq!(announced((2, 188, 24_000_000), 0), Some(2_256_000_000));
        assert_eq!(announced((2, 188, 0), 2_300), Some(2_300_000_000));
        assert_eq!(announced((0, 188, 24_000_000), 2_300), None);
        assert_eq!(announced((2, 188, 0), 0), None);
        assert_eq!(choose(Some(2_256_000_300), Some(2_256_000_000)), Some(2_256_000_000));
        assert_eq!(choose(Some(1_000_000_000), Some(2_256_000_000)), Some(1_000_000_000));
        assert_eq!(choose(None, Some(7)), Some(7));
        assert_eq!(choose(None, None), None);
    }
}
