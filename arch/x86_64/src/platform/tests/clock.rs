//! PM timer and paravirtual clock: exact over the life of a machine.

use phalanx_arch_api::Gpa;

use crate::platform::pmtimer;
use crate::platform::pvclock::{ClockScale, VcpuTime, WallClock, system_time_address};

const YEAR: u64 = 365 * 86_400 * 1_000_000_000;

fn at_nanoseconds(ns: u64) -> u32 {
    pmtimer::at_ticks(ns, 1_000_000_000)
}

/// The same in integers that hold everything.
fn exact_pm_timer(ticks: u64, frequency: u64) -> u32 {
    (u128::from(ticks) * 3_579_545 / u128::from(frequency)) as u32
}

#[test]
fn the_pm_timer_is_the_floor_of_the_exact_product() {
    assert_eq!(at_nanoseconds(0), 0);
    assert_eq!(at_nanoseconds(279), 0);
    assert_eq!(at_nanoseconds(280), 1);
    assert_eq!(at_nanoseconds(1_000_000_000), 3_579_545);
    for ns in (0..100 * YEAR).step_by((YEAR / 977) as usize) {
        assert_eq!(at_nanoseconds(ns), exact_pm_timer(ns, 1_000_000_000), "{ns}");
    }
    for frequency in [1, 32_768, 1_000_000_000, 2_999_999_999, 4_999_999_999_999] {
        for ticks in [0, 1, 12_345_678_901, frequency, frequency * 1_000 - 1, 1 << 60] {
            assert_eq!(pmtimer::at_ticks(ticks, frequency), exact_pm_timer(ticks, frequency));
        }
    }
    assert_eq!(pmtimer::at_ticks(5, 0), 0);
}

#[test]
fn the_pm_timer_wraps_at_32_bits() {
    let wrap = (1u64 << 32) * 1_000_000_000 / 3_579_545;
    assert_eq!(at_nanoseconds(wrap), u32::MAX);
    assert_eq!(at_nanoseconds(wrap + 1), 0);
}

#[test]
fn nanoseconds_are_within_one_ppm_for_real_frequencies() {
    let mut frequency = 1_000_000u64;
    while frequency < 10_000_000_000 {
        let scale = ClockScale::from_frequency(frequency).unwrap();
        for milliseconds in [1, 10, 1_000, 3_600_000] {
            let ticks = frequency / 1_000 * milliseconds;
            let exact = u128::from(ticks) * 1_000_000_000 / u128::from(frequency);
            let error = exact.abs_diff(u128::from(scale.nanoseconds(ticks)));
            // One tick is lost to the rounding of the shift, one nanosecond to that of the product.
            let rounding = u128::from(1_000_000_000 / frequency + 2);
            assert!(error <= exact / 1_000_000 + rounding, "{frequency} Hz, {milliseconds} ms: {error} ns");
            assert!(milliseconds < 1_000 || error * 1_000_000 <= exact, "{frequency} Hz");
        }
        frequency += frequency / 17;
    }
}

#[test]
fn a_gigahertz_is_exact_and_the_extremes_do_not_fail() {
    let scale = ClockScale::from_frequency(1_000_000_000).unwrap();
    assert_eq!(scale.nanoseconds(123_456_789_012), 123_456_789_012);
    assert_eq!(ClockScale::from_frequency(0), None);
    assert_eq!(ClockScale::from_frequency(u64::MAX), None);
    assert_eq!(ClockScale::from_frequency(1).unwrap().nanoseconds(2), 2_000_000_000);
    assert!(ClockScale::from_frequency(u64::MAX / 4).is_some());
}

#[test]
fn the_guest_reads_back_the_tsc_frequency() {
    for khz in [1_000_000u64, 2_100_000, 2_893_437, 3_700_000] {
        let bytes = time(khz * 1_000).to_bytes();
        let mul = u64::from(u32::from_le_bytes(bytes[24..28].try_into().unwrap()));
        let shift = i32::from(bytes[28].cast_signed());
        // Linux: pvclock_tsc_khz.
        let quotient = (1_000_000u64 << 32) / mul;
        let read = if shift < 0 { quotient << -shift } else { quotient >> shift };
        assert!(read.abs_diff(khz) <= 1, "{khz} kHz read as {read} kHz");
    }
}

fn time(frequency: u64) -> VcpuTime {
    let scale = ClockScale::from_frequency(frequency).unwrap();
    VcpuTime { version: 6, tsc_timestamp: 0x1122_3344_5566_7788, system_time: 0x99aa_bbcc, scale }
}

#[test]
fn layouts() {
    let bytes = time(1_000_000_000).to_bytes();
    assert_eq!(bytes[0..8], [6, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[8..16], 0x1122_3344_5566_7788u64.to_le_bytes());
    assert_eq!(bytes[16..24], 0x99aa_bbccu64.to_le_bytes());
    assert_eq!(bytes[24..32], [0, 0, 0, 0x80, 1, 1, 0, 0]);
    let wall = WallClock { version: 2, seconds: 0x0102_0304, nanoseconds: 5 };
    assert_eq!(wall.to_bytes(), [2, 0, 0, 0, 4, 3, 2, 1, 5, 0, 0, 0]);
}

#[test]
fn the_system_time_msr_carries_an_enable_bit() {
    assert_eq!(system_time_address(0x1000), None);
    assert_eq!(system_time_address(0x1001), Some(Gpa::new(0x1000)));
    assert_eq!(system_time_address(0x1047), Some(Gpa::new(0x1044)));
}
