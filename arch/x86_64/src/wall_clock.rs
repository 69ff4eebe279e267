//! The time of day: read once from the machine's clock, carried on by the TSC.

use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use phalanx_arch_api::Ticks;

use crate::host::ports::Port;
use crate::host::timer;
use crate::platform::calendar::DateTime;

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
    let time = decode([0, 2, 4, 7, 8, 9, 0x32].map(register), register(0x0b));
    set(time.unwrap_or(0), timer::now());
}

/// Seconds since 1970 of the registers second, minute, hour, day, month, year, century under status B.
fn decode(registers: [u8; 7], status_b: u8) -> Option<i64> {
    const BINARY: u8 = 1 << 2;
    const HOURS_24: u8 = 1 << 1;
    const PM: u8 = 1 << 7;
    let number = |value: u8| if status_b & BINARY != 0 { value } else { (value >> 4) * 10 + (value & 0xf) };
    let afternoon = status_b & HOURS_24 == 0 && registers[2] & PM != 0;
    let [second, minute, _, day, month, year, century] = registers.map(number);
    let hour = match number(registers[2] & !PM) {
        12 if status_b & HOURS_24 == 0 => 0,
        hour => hour,
    } + if afternoon { 12 } else { 0 };
    // Old machines have no century register: what stands there then is no century.
    let century = if (19..=21).contains(&century) { i64::from(century) } else { 20 };
    let plausible = second < 60 && minute < 60 && hour < 24 && (1..=31).contains(&day) && (1..=12).contains(&month);
    let time = DateTime { year: century * 100 + i64::from(year), month, day, hour, minute, second };
    plausible.then(|| time.to_unix())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02 15:04:05 UTC.
    const MOMENT: i64 = 1_767_366_245;

    #[test]
    fn bcd_and_binary_agree() {
        assert_eq!(decode([0x05, 0x04, 0x15, 0x02, 0x01, 0x26, 0x20], 2), Some(MOMENT));
        assert_eq!(decode([5, 4, 15, 2, 1, 26, 20], 6), Some(MOMENT));
    }

    #[test]
    fn twelve_hours_count_from_midnight_and_noon() {
        assert_eq!(decode([0x05, 0x04, 0x83, 0x02, 0x01, 0x26, 0x20], 0), Some(MOMENT));
        assert_eq!(decode([0x05, 0x04, 0x12, 0x02, 0x01, 0x26, 0x20], 0), Some(MOMENT - 15 * 3600));
    }

    #[test]
    fn an_absent_clock_is_no_time() {
        assert_eq!(decode([0xff; 7], 0xff), None);
    }
}
