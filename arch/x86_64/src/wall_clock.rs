//! The time of day: read once from the machine's clock, carried on by the TSC.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use phalanx_arch_api::Ticks;

use crate::host::ports::Port;
use crate::host::timer;
use crate::platform::rtc;

/// Seconds since 1970 at TSC value [`REFERENCE`].
static SECONDS: AtomicI64 = AtomicI64::new(0);
static REFERENCE: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds in a second.
pub const NANOSECONDS: u64 = 1_000_000_000;

/// Reads the machine's clock (CMOS RTC, Motorola MC146818A). Called once at boot.
///
/// A clock that does not answer plausibly leaves the time at 1970.
pub fn read() {
    // SAFETY: index and data port of the CMOS: reading the clock's registers changes nothing.
    let (index, data) = unsafe { (Port::<u8>::new(0x70), Port::<u8>::new(0x71)) };
    let register = |number: u8| {
        index.write(number);
        data.read()
    };
    // Between two updates the registers agree with each other; an update takes at most 2 ms.
    for _ in 0..1_000_000 {
        if register(0x0a) & 0x80 == 0 {
            break;
        }
    }
    let time = rtc::decode([0, 2, 4, 7, 8, 9, 0x32].map(register), register(0x0b));
    set(time.unwrap_or(0), timer::now());
}

/// Notes that it was `seconds` after 1970 at `now`.
fn set(seconds: i64, now: Ticks) {
    SECONDS.store(seconds, Ordering::Relaxed);
    REFERENCE.store(now, Ordering::Relaxed);
}

/// Seconds since 1970 at `now`.
#[must_use]
pub fn wall_seconds(now: Ticks) -> i64 {
    let elapsed = now.saturating_sub(REFERENCE.load(Ordering::Relaxed)) / timer::frequency().max(1);
    SECONDS.load(Ordering::Relaxed).wrapping_add(elapsed.cast_signed())
}

/// Nanoseconds in `ticks` of the TSC, exact to the nanosecond.
#[must_use]
pub fn nanoseconds(ticks: Ticks) -> u64 {
    let frequency = timer::frequency().max(1);
    let (seconds, rest) = (ticks / frequency, ticks % frequency);
    seconds.wrapping_mul(NANOSECONDS).wrapping_add(rest.wrapping_mul(NANOSECONDS) / frequency)
}
