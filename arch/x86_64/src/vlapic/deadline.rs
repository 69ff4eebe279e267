//! The timer as the owner of the vCPU drives it: when to call, and what a call does.

use super::registers::{DIVIDE, INITIAL_COUNT, LVT_TIMER};
use super::timer::Timer;
use super::{Effect, LocalApic};

impl LocalApic {
    /// When the timer wants [`timer_expired`](Self::timer_expired) to be called: an absolute guest TSC value.
    ///
    /// `None` when no interrupt can come of it (disarmed or masked).
    pub fn next_deadline(&self) -> Option<u64> {
        if self.timer.is_masked() {
            return None;
        }
        self.timer.deadline()
    }

    /// Lets the timer catch up with `now`; true when it posted its vector. Early calls are harmless.
    ///
    /// A periodic timer moves on by whole periods; those it passed over are counted by
    /// [`coalesced_periods`](Self::coalesced_periods).
    #[inline]
    pub fn timer_expired(&mut self, now: u64) -> bool {
        self.timer.is_due(now) && self.expire_timer(now)
    }

    #[inline(never)]
    fn expire_timer(&mut self, now: u64) -> bool {
        let missed = self.timer.expire(now);
        if self.timer.is_masked() {
            return false;
        }
        self.coalesced_periods = self.coalesced_periods.saturating_add(missed);
        self.accept(self.timer.vector(), false);
        true
    }

    /// Timer periods that gave no interrupt of their own because the vCPU was late (or the period too short).
    pub const fn coalesced_periods(&self) -> u64 {
        self.coalesced_periods
    }

    /// The guest moved its TSC by `delta` ticks (WRMSR to IA32_TIME_STAMP_COUNTER or IA32_TSC_ADJUST; wrapping).
    ///
    /// A running countdown keeps its remaining time; a TSC deadline is compared with the new TSC value.
    pub fn tsc_moved(&mut self, delta: u64) {
        self.timer.tsc_moved(delta);
    }

    /// Changes the timer's programming: what expired before `now` fires first, what is now in the past fires at once.
    #[inline]
    pub(super) fn change_timer(&mut self, now: u64, change: impl FnOnce(&mut Timer)) -> Effect {
        let before = self.next_deadline();
        self.timer_expired(now);
        change(&mut self.timer);
        self.timer_expired(now);
        if self.next_deadline() == before { Effect::None } else { Effect::TimerChanged }
    }

    /// The same by one of the registers that program it: the page shows what the timer made of the value.
    pub(super) fn program_timer(&mut self, now: u64, change: impl FnOnce(&mut Timer)) -> Effect {
        let effect = self.change_timer(now, change);
        self.page.set(LVT_TIMER, self.timer.entry());
        self.page.set(INITIAL_COUNT, self.timer.initial_count());
        self.page.set(DIVIDE, self.timer.divide_register());
        effect
    }
}
