//! The physical timer of a vCPU, CNTP_*_EL0, which is emulated (Arm ARM, chapter "The Generic
//! Timer in AArch64 state").
//!
//! It counts with CNTPCT_EL0, which a guest reads directly. Interrupt and deadline are asked for, never pushed.
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use phalanx_arch_api::Ticks;

/// Its interrupt, a PPI.
pub const INTID: u32 = 30;

/// CNTP_CTL_EL0: the timer runs.
const ENABLE: u64 = 1 << 0;
/// CNTP_CTL_EL0: its interrupt is masked.
const MASKED: u64 = 1 << 1;
/// CNTP_CTL_EL0: the time has come.
const STATUS: u64 = 1 << 2;
/// TimerValue is 32 bits.
const VALUE: u64 = 0xffff_ffff;

/// The physical timer of one vCPU. The default is the state after a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhysicalTimer {
    control: u64,
    compare: u64,
}

impl PhysicalTimer {
    /// CNTP_CTL_EL0.
    #[must_use]
    pub const fn control(&self, now: Ticks) -> u64 {
        let met = self.control & ENABLE != 0 && now >= self.compare;
        self.control | if met { STATUS } else { 0 }
    }

    /// Writes CNTP_CTL_EL0.
    pub const fn set_control(&mut self, value: u64) {
        self.control = value & (ENABLE | MASKED);
    }

    /// CNTP_CVAL_EL0.
    #[must_use]
    pub const fn compare(&self) -> u64 {
        self.compare
    }

    /// Writes CNTP_CVAL_EL0.
    pub const fn set_compare(&mut self, value: u64) {
        self.compare = value;
    }

    /// CNTP_TVAL_EL0: the ticks that are left, as 32 bits.
    #[must_use]
    pub const fn remaining(&self, now: Ticks) -> u64 {
        self.compare.wrapping_sub(now) & VALUE
    }

    /// Writes CNTP_TVAL_EL0: so many ticks from now, as a signed number of 32 bits.
    pub const fn set_remaining(&mut self, value: u64, now: Ticks) {
        let ticks = (value << 32).cast_signed() >> 32;
        self.compare = now.wrapping_add_signed(ticks);
    }

    /// When the interrupt will be asserted, or was; `None` while the timer is off or masked.
    #[must_use]
    pub const fn deadline(&self) -> Option<Ticks> {
        if self.control == ENABLE { Some(self.compare) } else { None }
    }

    /// Whether the interrupt is asserted.
    #[must_use]
    pub const fn asserted(&self, now: Ticks) -> bool {
        self.control == ENABLE && now >= self.compare
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timer(control: u64, compare: u64) -> PhysicalTimer {
        let mut timer = PhysicalTimer::default();
        timer.set_control(control);
        timer.set_compare(compare);
        timer
    }

    #[test]
    fn off_after_a_reset() {
        let timer = PhysicalTimer::default();
        assert_eq!((timer.control(9), timer.compare(), timer.deadline(), timer.asserted(9)), (0, 0, None, false));
    }

    #[test]
    fn fires_at_its_time_and_stays() {
        let timer = timer(1, 100);
        assert_eq!(timer.deadline(), Some(100));
        assert_eq!((timer.control(99), timer.asserted(99)), (1, false));
        assert_eq!((timer.control(100), timer.asserted(100)), (5, true));
        assert!(timer.asserted(u64::MAX));
    }

    #[test]
    fn masked_it_only_tells() {
        let timer = timer(3, 100);
        assert_eq!((timer.control(100), timer.asserted(100), timer.deadline()), (7, false, None));
    }

    #[test]
    fn status_cannot_be_written() {
        assert_eq!(timer(u64::MAX, u64::MAX).control(0), 3);
    }

    #[test]
    fn values_are_signed_distances() {
        let mut timer = timer(1, 0);
        timer.set_remaining(1000, 50);
        assert_eq!((timer.compare(), timer.remaining(50), timer.remaining(1051)), (1050, 1000, 0xffff_ffff));
        timer.set_remaining(0xffff_ffff, 50);
        assert_eq!((timer.compare(), timer.asserted(50)), (49, true));
        timer.set_remaining(0x1_0000_0001, u64::MAX);
        assert_eq!(timer.compare(), 0);
    }

    proptest! {
        #[test]
        fn asserted_exactly_from_the_deadline(
            control in any::<u64>(), compare in any::<u64>(), value: u64, now: u64, set in any::<bool>(),
        ) {
            let mut timer = timer(control, compare);
            if set {
                timer.set_remaining(value, now);
                prop_assert_eq!(timer.remaining(now), value & VALUE);
            }
            prop_assert_eq!(timer.asserted(now), timer.deadline().is_some_and(|deadline| now >= deadline));
            prop_assert_eq!(timer.asserted(now), timer.control(now) == ENABLE | STATUS);
        }
    }
}
