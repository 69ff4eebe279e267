//! The APIC timer ("APIC Timer", "TSC-Deadline Mode").
//!
//! All of it is arithmetic on guest TSC values: the timer is a mode, a period and an absolute deadline. The registers that
//! program it are kept here beside the page: what a write changes depends on the value before it, which is gone from the
//! page when the processor has let the guest write there.

use super::lvt::MASKED;

/// The timer's input clock is the guest's TSC divided by this (before the divide configuration register).
///
/// That is 0.5 to 1.2 GHz on today's processors, near the 1 GHz that software tuned on other hypervisors meets, and a
/// 32-bit count lasts for seconds. CPUID leaf 15H agrees when it reports EBX/EAX = 4/1 and ECX = TSC frequency / 4.
pub const TSC_TICKS_PER_BUS_CLOCK: u64 = 1 << BUS_SHIFT;

const BUS_SHIFT: u32 = 2;

/// A periodic timer fires at most once in so many TSC ticks (about 10 µs): shorter periods are coalesced.
const SHORTEST_PERIOD: u64 = 1 << 15;

/// Bits 18:17 of the LVT timer entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimerMode {
    OneShot,
    Periodic,
    TscDeadline,
    /// Encoding 3: the timer cannot be armed.
    Reserved,
}

impl TimerMode {
    const fn from_lvt(entry: u32) -> Self {
        match entry >> 17 & 3 {
            0 => Self::OneShot,
            1 => Self::Periodic,
            2 => Self::TscDeadline,
            _ => Self::Reserved,
        }
    }

    const fn counts_down(self) -> bool {
        matches!(self, Self::OneShot | Self::Periodic)
    }
}

/// The timer's state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    deadline: Option<u64>,
    entry: u32,
    initial: u32,
    divide: u32,
    mode: TimerMode,
}

impl Timer {
    /// Stopped, masked, one-shot, divide by 2 (configuration 0).
    pub(super) const fn new() -> Self {
        Self { deadline: None, entry: MASKED, initial: 0, divide: 0, mode: TimerMode::OneShot }
    }

    #[inline]
    pub(super) const fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// The LVT entry.
    pub(super) const fn entry(&self) -> u32 {
        self.entry
    }

    #[inline]
    pub(super) const fn is_masked(&self) -> bool {
        self.entry & MASKED != 0
    }

    pub(super) const fn vector(&self) -> u8 {
        (self.entry & 0xff) as u8
    }

    pub(super) fn mask(&mut self) {
        self.entry |= MASKED;
    }

    pub(super) const fn initial_count(&self) -> u32 {
        self.initial
    }

    pub(super) const fn divide_register(&self) -> u32 {
        self.divide
    }

    /// log2 of the TSC ticks in one count ("Divide Configuration Register": bits 3, 1, 0 are the logarithm less one).
    const fn shift(&self) -> u32 {
        let code = self.divide >> 1 & 4 | self.divide & 3;
        BUS_SHIFT + (code + 1) % 8
    }

    const fn period(&self) -> u64 {
        (self.initial as u64) << self.shift()
    }

    /// The LVT entry, with its mode.
    pub(super) fn set_entry(&mut self, entry: u32) {
        self.entry = entry;
        self.set_mode(TimerMode::from_lvt(entry));
    }

    /// Leaving or entering TSC-deadline mode disarms the timer; between the counting modes the count runs on.
    fn set_mode(&mut self, mode: TimerMode) {
        if mode == self.mode {
            return;
        }
        if !(mode.counts_down() && self.mode.counts_down()) {
            self.deadline = None;
            self.initial = 0;
        }
        self.mode = mode;
    }

    /// The initial-count register: starts the countdown, 0 stops it. Ignored in TSC-deadline mode.
    pub(super) fn set_initial_count(&mut self, count: u32, now: u64) {
        if self.mode.counts_down() {
            self.initial = count;
            self.deadline = (count != 0).then(|| now.saturating_add(self.period()));
        }
    }

    /// The divide configuration register: what is left of a running count goes on at the new rate.
    pub(super) fn set_divide(&mut self, value: u32, now: u64) {
        let left = u64::from(self.current_count(now));
        self.divide = value & 0b1011;
        if self.deadline.is_some() && self.mode.counts_down() {
            self.deadline = Some(now.saturating_add(left << self.shift()));
        }
    }

    /// The current-count register: 0 when stopped, expired or in TSC-deadline mode.
    pub(super) fn current_count(&self, now: u64) -> u32 {
        let Some(deadline) = self.deadline.filter(|_| self.mode.counts_down()) else {
            return 0;
        };
        let remaining = match deadline.checked_sub(now) {
            Some(remaining) => remaining,
            None if self.mode == TimerMode::OneShot => 0,
            None => self.period() - now.saturating_sub(deadline).checked_rem(self.period()).unwrap_or(0),
        };
        let count = remaining.saturating_add((1 << self.shift()) - 1) >> self.shift();
        u32::try_from(count).unwrap_or(u32::MAX).min(self.initial)
    }

    /// IA32_TSC_DEADLINE: 0 disarms. Ignored in the counting modes.
    #[inline]
    pub(super) fn set_tsc_deadline(&mut self, value: u64) {
        if self.mode == TimerMode::TscDeadline {
            self.deadline = (value != 0).then_some(value);
        }
    }

    /// Reads IA32_TSC_DEADLINE: 0 when disarmed, fired or in another mode.
    pub(super) fn tsc_deadline(&self, now: u64) -> u64 {
        self.deadline.filter(|deadline| self.mode == TimerMode::TscDeadline && *deadline > now).unwrap_or(0)
    }

    /// Whether the deadline is at or before `now`.
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// For a timer that is due: disarms, or moves on by whole periods and says how many it passed over.
    pub(super) fn expire(&mut self, now: u64) -> u64 {
        let Some(deadline) = self.deadline.filter(|_| self.mode == TimerMode::Periodic) else {
            self.deadline = None;
            return 0;
        };
        let late = now.saturating_sub(deadline);
        let periods = late.checked_div(self.period()).unwrap_or(0).saturating_add(1);
        let periods = periods.max(SHORTEST_PERIOD / self.period().max(1));
        self.deadline = Some(deadline.saturating_add(periods.saturating_mul(self.period())));
        periods - 1
    }

    pub(super) fn tsc_moved(&mut self, delta: u64) {
        if self.mode.counts_down() {
            self.deadline = self.deadline.map(|deadline| deadline.wrapping_add(delta));
        }
    }
}
