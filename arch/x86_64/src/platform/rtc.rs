//! CMOS memory and real-time clock at the ports 0x70 and 0x71 (Motorola MC146818A data sheet; century as ACPI's FADT
//! places it).
//!
//! The time is computed from the domain's nanoseconds, so the model needs no tick. Time stands still while the guest
//! sets it (status B bit 7, or the divider in reset). Alarm, periodic and update interrupts are not raised: their
//! enable bits read back, and the update flag can be polled.

use super::calendar::{DateTime, weekday};
use super::clock_format::{B_24_HOURS, Format};

const NANOSECONDS: u64 = 1_000_000_000;
/// The update-in-progress bit rises this long before the registers change (MC146818A, table 6: 244 µs).
const UPDATE_WARNING: u64 = 244_000;
/// The first update after the divider's reset comes after half a second.
const DIVIDER_START: u64 = 500_000_000;

const SECONDS: u8 = 0x00;
const MINUTES: u8 = 0x02;
const HOURS: u8 = 0x04;
const WEEKDAY: u8 = 0x06;
const DAY: u8 = 0x07;
const MONTH: u8 = 0x08;
const YEAR: u8 = 0x09;
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
const STATUS_C: u8 = 0x0c;
const STATUS_D: u8 = 0x0d;
const CENTURY: u8 = 0x32;

const A_UPDATE_IN_PROGRESS: u8 = 1 << 7;
const A_DIVIDER_RESET: u8 = 0b110 << 4;
/// 32.768 kHz time base, 1024 Hz periodic rate.
const A_DEFAULT: u8 = 0x26;
const B_SET: u8 = 1 << 7;
const C_UPDATE_ENDED: u8 = 1 << 4;
const D_VALID: u8 = 1 << 7;
const INDEX_MASK: u8 = 0x7f;

/// Seconds since 1970, from the registers 0, 2, 4, 7, 8, 9 and 0x32 of a clock and its status B; `None` where they hold
/// no date. A machine without a century register (0) is in the 21st century.
#[must_use]
pub fn decode(registers: [u8; 7], status_b: u8) -> Option<i64> {
    let format = Format(status_b);
    let [second, minute, _, day, month, year, century] = registers.map(|value| format.decode(value));
    let hour = format.decode_hour(registers[2]);
    let century = if century == 0 { 20 } else { century };
    let year = i64::from(century) * 100 + i64::from(year);
    let time = DateTime { year, month, day, hour, minute, second };
    let seconds = time.to_unix();
    (DateTime::from_unix(seconds) == time).then_some(seconds)
}

/// The device.
#[derive(Clone, Debug)]
pub struct Rtc {
    index: u8,
    status_a: u8,
    status_b: u8,
    memory: [u8; 128],
    /// Seconds since 1970 at time 0, were `phase` 0.
    offset: i64,
    /// Nanoseconds by which the divider is ahead of the domain's time, below a second.
    phase: u64,
    /// The registers, while time stands still.
    stopped: Option<DateTime>,
    /// The second at which status C was last read.
    seen: i64,
}

impl Rtc {
    /// A clock that shows `unix_seconds` when the domain's time is 0.
    #[must_use]
    pub const fn new(unix_seconds: i64) -> Self {
        Self {
            index: 0,
            status_a: A_DEFAULT,
            status_b: B_24_HOURS,
            memory: [0; 128],
            offset: unix_seconds,
            phase: 0,
            stopped: None,
            seen: unix_seconds,
        }
    }

    /// Reads port 0x70 + `offset` at `now` nanoseconds of the domain's time. The index cannot be read.
    pub fn read(&mut self, offset: u8, now: u64) -> u8 {
        if offset == 1 { self.read_register(now) } else { 0xff }
    }

    /// Writes port 0x70 + `offset`. Bit 7 of the index disables NMIs on a PC; nothing raises one here.
    pub fn write(&mut self, offset: u8, value: u8, now: u64) {
        match offset {
            0 => self.index = value & INDEX_MASK,
            1 => self.write_register(value, now),
            _ => {}
        }
    }

    fn read_register(&mut self, now: u64) -> u8 {
        let time = self.time(now);
        let format = Format(self.status_b);
        match self.index {
            SECONDS => format.encode(time.second),
            MINUTES => format.encode(time.minute),
            HOURS => format.encode_hour(time.hour),
            WEEKDAY => weekday(time.to_unix()),
            DAY => format.encode(time.day),
            MONTH => format.encode(time.month),
            YEAR => format.encode(time.year.rem_euclid(100) as u8),
            CENTURY => format.encode(time.year.div_euclid(100) as u8),
            STATUS_A => self.status_a | self.update_in_progress(now),
            STATUS_B => self.status_b,
            STATUS_C => self.read_status_c(now),
            STATUS_D => D_VALID,
            index => self.memory.get(usize::from(index)).copied().unwrap_or(0xff),
        }
    }

    fn write_register(&mut self, value: u8, now: u64) {
        match self.index {
            STATUS_A => self.write_status_a(value, now),
            STATUS_B => {
                self.status_b = value;
                self.follow_status(now);
            }
            WEEKDAY | STATUS_C | STATUS_D => {}
            SECONDS | MINUTES | HOURS | DAY | MONTH | YEAR | CENTURY => self.set_time(value, now),
            index => {
                if let Some(byte) = self.memory.get_mut(usize::from(index)) {
                    *byte = value;
                }
            }
        }
    }

    /// Seconds since 1970, and nanoseconds into that second.
    fn position(&self, now: u64) -> (i64, u64) {
        let elapsed = now.saturating_add(self.phase);
        let seconds = (elapsed / NANOSECONDS).cast_signed();
        (self.offset.wrapping_add(seconds), elapsed % NANOSECONDS)
    }

    fn time(&self, now: u64) -> DateTime {
        self.stopped.unwrap_or_else(|| DateTime::from_unix(self.position(now).0))
    }

    fn update_in_progress(&self, now: u64) -> u8 {
        let soon = self.position(now).1 >= NANOSECONDS - UPDATE_WARNING;
        if soon && self.stopped.is_none() { A_UPDATE_IN_PROGRESS } else { 0 }
    }

    /// Reading clears the flags.
    fn read_status_c(&mut self, now: u64) -> u8 {
        let (second, _) = self.position(now);
        let updated = self.stopped.is_none() && second != self.seen;
        self.seen = second;
        if updated { C_UPDATE_ENDED } else { 0 }
    }

    fn write_status_a(&mut self, value: u8, now: u64) {
        let was_in_reset = self.divider_is_in_reset();
        self.status_a = value & !A_UPDATE_IN_PROGRESS;
        if was_in_reset && !self.divider_is_in_reset() {
            self.phase = (NANOSECONDS + DIVIDER_START - now % NANOSECONDS) % NANOSECONDS;
        }
        self.follow_status(now);
    }

    const fn divider_is_in_reset(&self) -> bool {
        self.status_a & A_DIVIDER_RESET == A_DIVIDER_RESET
    }

    /// Stops or starts time as status A and B now say.
    fn follow_status(&mut self, now: u64) {
        let stops = self.status_b & B_SET != 0 || self.divider_is_in_reset();
        match (self.stopped, stops) {
            (None, true) => self.stopped = Some(self.time(now)),
            (Some(time), false) => {
                self.stopped = None;
                self.start_at(time, now);
            }
            _ => {}
        }
    }

    /// Makes the running clock show `time` now.
    fn start_at(&mut self, time: DateTime, now: u64) {
        let shown = self.position(now).0;
        self.offset = self.offset.wrapping_add(time.to_unix().wrapping_sub(shown));
        self.seen = self.position(now).0;
    }

    fn set_time(&mut self, value: u8, now: u64) {
        let mut time = self.time(now);
        let format = Format(self.status_b);
        let number = format.decode(value);
        match self.index {
            SECONDS => time.second = number,
            MINUTES => time.minute = number,
            HOURS => time.hour = format.decode_hour(value),
            DAY => time.day = number,
            MONTH => time.month = number,
            YEAR => time.year = time.year.div_euclid(100) * 100 + i64::from(number),
            _ => time.year = i64::from(number) * 100 + time.year.rem_euclid(100),
        }
        match &mut self.stopped {
            Some(registers) => *registers = time,
            None => self.start_at(time, now),
        }
    }
}
