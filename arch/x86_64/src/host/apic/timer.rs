//! The local APIC's timer (Intel SDM vol. 3A, 12.5.4).

use core::sync::atomic::{Ordering, fence};

use super::super::interrupts::TIMER;
use super::MASKED;
use super::registers::{Mode, Register, mode, read, write};

/// The timer compares with the TSC, instead of counting down.
const TSC_DEADLINE: u32 = 0b10 << 17;
/// The timer counts at the full rate of its clock.
const DIVIDE_BY_1: u32 = 0b1011;

/// What the timer does when it is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum TimerMode {
    /// Counts down once from a 32-bit value.
    OneShot,
    /// Fires when the TSC reaches a 64-bit value.
    TscDeadline,
}

/// Lets this CPU's timer deliver its vector.
pub(in super::super) fn enable_timer(mode: TimerMode) {
    let bits = match mode {
        TimerMode::OneShot => 0,
        TimerMode::TscDeadline => TSC_DEADLINE,
    };
    write(Register::Divide, DIVIDE_BY_1);
    write(Register::LvtTimer, u32::from(TIMER) | bits);
    // The deadline's register must not be written before the mode is in force (12.5.4.1): a full fence orders them.
    fence(Ordering::SeqCst);
}

/// Makes the timer count down from its highest value without interrupting, to be measured.
pub(in super::super) fn start_masked_count() {
    write(Register::Divide, DIVIDE_BY_1);
    write(Register::LvtTimer, MASKED | u32::from(TIMER));
    write(Register::InitialCount, u32::MAX);
}

/// Starts the one-shot timer; 0 stops it.
#[inline]
pub(in super::super) fn set_initial_count(count: u32) {
    write(Register::InitialCount, count);
}

/// What the one-shot timer has left to count; `None` in x2APIC mode, where reading it stops some emulators.
pub(in super::super) fn current_count() -> Option<u32> {
    (mode() == Mode::XApic).then(|| read(Register::CurrentCount))
}

/// Whether the timer's vector waits for interrupts to be enabled.
pub(in super::super) fn timer_is_pending() -> bool {
    read(Register::HighestRequests) & 1 << (TIMER - 224) != 0
}
