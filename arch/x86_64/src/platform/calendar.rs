//! Dates of the Gregorian calendar and seconds since 1970.

const SECONDS_PER_DAY: i64 = 86_400;
/// Days from 1 March of year 0 to 1 January 1970.
const EPOCH: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
const YEARS_PER_ERA: i64 = 400;

/// A date and time in UTC. Fields out of their range carry over when it is turned into seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl DateTime {
    /// The date `unix` seconds after 1970 began. Years count from March, so that the leap day is the last of its year.
    pub(crate) const fn from_unix(unix: i64) -> Self {
        let days = unix.div_euclid(SECONDS_PER_DAY) + EPOCH;
        let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - days_before_year(year_of_era);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = (march_month + 2) % 12 + 1;
        let year = era * YEARS_PER_ERA + year_of_era + if month <= 2 { 1 } else { 0 };
        let seconds = unix.rem_euclid(SECONDS_PER_DAY);
        Self {
            year,
            month: month as u8,
            day: (day_of_year - days_before_month(march_month) + 1) as u8,
            hour: (seconds / 3_600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
        }
    }

    /// Seconds since 1970 began.
    pub(crate) const fn to_unix(self) -> i64 {
        // Months since March of year 0.
        let months = self.year * 12 + self.month as i64 - 3;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
        let (era, year_of_era) = (year.div_euclid(YEARS_PER_ERA), year.rem_euclid(YEARS_PER_ERA));
        let days =
            era * DAYS_PER_ERA + days_before_year(year_of_era) + days_before_month(month) + self.day as i64 - 1 - EPOCH;
        let time = self.hour as i64 * 3_600 + self.minute as i64 * 60 + self.second as i64;
        days * SECONDS_PER_DAY + time
    }
}

/// Day of the week, 1 = Sunday.
pub(crate) const fn weekday(unix: i64) -> u8 {
    ((unix.div_euclid(SECONDS_PER_DAY) + 4).rem_euclid(7) + 1) as u8
}

/// Days of an era before its year `year`, 0 to 399.
const fn days_before_year(year: i64) -> i64 {
    year * 365 + year / 4 - year / 100
}

/// Days of a year before its month `month`, counted from March = 0: months of 31 and 30 days alternate in fives.
const fn days_before_month(month: i64) -> i64 {
    (153 * month + 2) / 5
}
