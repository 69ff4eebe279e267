//! The real-time clock as guests use it.

use crate::platform::calendar::{DateTime, weekday};
use crate::platform::rtc::{Rtc, decode};

const SECOND: u64 = 1_000_000_000;
/// 2026-01-01 00:00:00 UTC, a Thursday.
const NEW_YEAR: i64 = 1_767_225_600;

fn get(rtc: &mut Rtc, register: u8, now: u64) -> u8 {
    rtc.write(0, register, now);
    rtc.read(1, now)
}

fn put(rtc: &mut Rtc, register: u8, value: u8, now: u64) {
    rtc.write(0, register, now);
    rtc.write(1, value, now);
}

/// Century, year, month, day, hour, minute, second.
fn date(rtc: &mut Rtc, now: u64) -> [u8; 7] {
    [0x32, 9, 8, 7, 4, 2, 0].map(|register| get(rtc, register, now))
}

#[test]
fn the_calendar_agrees_with_itself_and_with_known_days() {
    let known = [
        (0, 1970, 1, 1, 5),
        (951_782_400, 2000, 2, 29, 3),
        (NEW_YEAR, 2026, 1, 1, 5),
        (4_107_542_400, 2100, 3, 1, 2),
        (-86_400, 1969, 12, 31, 4),
    ];
    for (unix, year, month, day, day_of_week) in known {
        let date = DateTime::from_unix(unix);
        assert_eq!((date.year, date.month, date.day), (year, month, day));
        assert_eq!(weekday(unix), day_of_week);
    }
    let mut previous = DateTime::from_unix(-62_167_219_200 - 1);
    for days in 0..=3_652_424i64 {
        let unix = -62_167_219_200 + days * 86_400 + 86_399;
        let date = DateTime::from_unix(unix);
        assert_eq!(date.to_unix(), unix);
        assert_eq!((date.hour, date.minute, date.second), (23, 59, 59));
        let follows = date.day == previous.day + 1 || date.day == 1 && previous.day >= 28;
        assert!(follows, "{previous:?} {date:?}");
        previous = date;
    }
    assert_eq!((previous.year, previous.month, previous.day), (9999, 12, 31));
}

#[test]
fn time_passes_in_bcd() {
    let mut rtc = Rtc::new(NEW_YEAR - 1);
    assert_eq!(date(&mut rtc, 0), [0x20, 0x25, 0x12, 0x31, 0x23, 0x59, 0x59]);
    assert_eq!(date(&mut rtc, SECOND - 1), [0x20, 0x25, 0x12, 0x31, 0x23, 0x59, 0x59]);
    assert_eq!(date(&mut rtc, SECOND), [0x20, 0x26, 1, 1, 0, 0, 0]);
    assert_eq!(get(&mut rtc, 6, SECOND), 5);
}

#[test]
fn formats() {
    let mut rtc = Rtc::new(NEW_YEAR + 13 * 3_600 + 45 * 60);
    put(&mut rtc, 0x0b, 0b110, 0);
    assert_eq!(date(&mut rtc, 0), [20, 26, 1, 1, 13, 45, 0]);
    put(&mut rtc, 0x0b, 0b000, 0);
    assert_eq!(get(&mut rtc, 4, 0), 0x81);
    put(&mut rtc, 0x0b, 0b100, 0);
    assert_eq!(get(&mut rtc, 4, 0), 0x81);
    for (hours, register) in [(0, 0x12), (11, 0x11), (12, 0x92), (23, 0x91)] {
        let mut rtc = Rtc::new(NEW_YEAR + hours * 3_600);
        put(&mut rtc, 0x0b, 0, 0);
        assert_eq!(get(&mut rtc, 4, 0), register, "{hours} h");
        // Writing what was read changes nothing.
        put(&mut rtc, 4, register, 0);
        assert_eq!(get(&mut rtc, 4, 0), register, "{hours} h");
    }
}

#[test]
fn an_update_is_announced_and_then_done() {
    let mut rtc = Rtc::new(NEW_YEAR);
    let announced = SECOND - 244_000;
    assert_eq!(get(&mut rtc, 0x0a, announced - 1), 0x26);
    assert_eq!(get(&mut rtc, 0x0a, announced), 0xa6);
    assert_eq!(get(&mut rtc, 0x0a, SECOND - 1), 0xa6);
    assert_eq!(get(&mut rtc, 0x0a, SECOND), 0x26);
}

/// Linux: wait until no update is in progress, read everything, start again if one has begun meanwhile.
#[test]
fn a_reader_that_checks_for_updates_never_sees_a_torn_date() {
    let mut rtc = Rtc::new(NEW_YEAR - 30);
    let mut now = 0;
    let mut step = move || {
        now += 17_389;
        now
    };
    let mut reads = 0;
    for _ in 0..100_000 {
        if get(&mut rtc, 0x0a, step()) & 0x80 != 0 {
            continue;
        }
        let [second, minute, hour, day, month, year, century] =
            [0, 2, 4, 7, 8, 9, 0x32].map(|register| get(&mut rtc, register, step()));
        let now = step();
        if get(&mut rtc, 0x0a, now) & 0x80 != 0 {
            continue;
        }
        let read = decode([second, minute, hour, day, month, year, century], 2).unwrap();
        assert_eq!(read, NEW_YEAR - 30 + (now / SECOND).cast_signed());
        reads += 1;
    }
    assert!(reads > 90_000);
}

/// Linux: SET, divider reset, registers, then both back: the next second begins half a second later.
#[test]
fn setting_the_clock_as_linux_does() {
    let mut rtc = Rtc::new(NEW_YEAR);
    let now = 10 * SECOND + 123_456_789;
    put(&mut rtc, 0x0b, 0x82, now);
    put(&mut rtc, 0x0a, 0x66, now);
    for (register, value) in [(9, 0x31), (8, 2), (7, 0x28), (4, 0x12), (2, 0x34), (0, 0x56), (0x32, 0x20)] {
        put(&mut rtc, register, value, now);
    }
    assert_eq!(date(&mut rtc, now + 100 * SECOND), [0x20, 0x31, 2, 0x28, 0x12, 0x34, 0x56]);
    let now = now + SECOND / 3;
    put(&mut rtc, 0x0b, 0x02, now);
    assert_eq!(get(&mut rtc, 0, now + 5 * SECOND), 0x56);
    put(&mut rtc, 0x0a, 0x26, now);
    assert_eq!(get(&mut rtc, 0, now + SECOND / 2 - 1), 0x56);
    assert_eq!(get(&mut rtc, 0, now + SECOND / 2), 0x57);
    assert_eq!(date(&mut rtc, now + SECOND / 2 + 86_400 * SECOND), [0x20, 0x31, 3, 1, 0x12, 0x34, 0x57]);
}

#[test]
fn setting_with_set_alone_keeps_the_phase() {
    let mut rtc = Rtc::new(NEW_YEAR);
    put(&mut rtc, 0x0b, 0x82, SECOND / 4);
    assert_eq!(get(&mut rtc, 0x0a, SECOND - 1), 0x26);
    put(&mut rtc, 0, 0x30, SECOND / 4);
    put(&mut rtc, 0x0b, 0x02, 3 * SECOND + SECOND / 2);
    assert_eq!(get(&mut rtc, 0, 4 * SECOND - 1), 0x30);
    assert_eq!(get(&mut rtc, 0, 4 * SECOND), 0x31);
}

#[test]
fn a_running_clock_can_be_set_register_by_register() {
    let mut rtc = Rtc::new(NEW_YEAR);
    put(&mut rtc, 7, 0x15, SECOND);
    put(&mut rtc, 0x32, 0x19, SECOND);
    assert_eq!(date(&mut rtc, 2 * SECOND), [0x19, 0x26, 1, 0x15, 0, 0, 2]);
}

#[test]
fn flags_memory_and_ports() {
    let mut rtc = Rtc::new(NEW_YEAR);
    assert_eq!(get(&mut rtc, 0x0c, 0), 0);
    assert_eq!(get(&mut rtc, 0x0c, SECOND), 0x10);
    assert_eq!(get(&mut rtc, 0x0c, SECOND), 0);
    assert_eq!(get(&mut rtc, 0x0d, 0), 0x80);
    // Bit 7 of the index is the NMI switch; the status registers C and D are read-only.
    put(&mut rtc, 0x8f, 0x0a, 0);
    assert_eq!(get(&mut rtc, 0x0f, 0), 0x0a);
    put(&mut rtc, 0x0d, 0, 0);
    assert_eq!(get(&mut rtc, 0x8d, 0), 0x80);
    assert_eq!(rtc.read(0, 0), 0xff);
    assert_eq!(rtc.read(7, 0), 0xff);
    rtc.write(7, 1, 0);
}

#[test]
fn dates_from_a_machines_registers() {
    assert_eq!(decode([0, 0, 0, 1, 1, 0x26, 0x20], 2), Some(NEW_YEAR));
    assert_eq!(decode([0, 0, 0, 1, 1, 26, 0], 6), Some(NEW_YEAR));
    assert_eq!(decode([0, 0, 0x12, 1, 1, 0x26, 0x20], 0), Some(NEW_YEAR));
    assert_eq!(decode([0xff; 7], 0xff), None);
    assert_eq!(decode([0xff; 7], 2), None);
    assert_eq!(decode([0; 7], 2), None);
    assert_eq!(decode([0, 0, 0, 0x30, 2, 0x26, 0x20], 2), None);
}

#[test]
fn no_write_sequence_breaks_the_clock() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut rtc = Rtc::new(NEW_YEAR);
    for _ in 0..300_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [register, value, ..] = state.to_le_bytes();
        let now = if register & 0x80 == 0 { state >> 8 } else { u64::MAX };
        put(&mut rtc, register & 0x3f, value, now);
        let _ = get(&mut rtc, value & 0x3f, now);
    }
}
