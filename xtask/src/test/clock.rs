//! A guest's clock against the machine's.
//!
//! A line takes a while from the guest to us, longer when the machine is busy. What never gets shorter than it is must be the
//! clocks' doing: so the least delay of the first lines is compared with the least delay of the last ones.

use serde::Deserialize;

use super::scenario::Pattern;

/// Part of the span at either end in which the least delay is looked for.
const WINDOW: f64 = 0.15;

/// What is compared, and how exactly.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockCheck {
    /// A line with the guest's time in its first group.
    pub(crate) line: Pattern,
    /// Units of that time in a second.
    hertz: f64,
    /// Seconds of the guest that are looked at.
    pub(crate) seconds: f64,
    /// Allowed drift as a share of them.
    tolerance: f64,
}

impl ClockCheck {
    /// The time that a line tells, in seconds.
    pub(crate) fn guest_seconds(&self, line: &str) -> Result<f64, String> {
        let group = self.line.0.captures(line).and_then(|groups| groups.get(1));
        let units = group.and_then(|text| text.as_str().parse::<f64>().ok());
        units.map(|units| units / self.hertz).ok_or_else(|| format!("no time in the line: {line}"))
    }
}

/// Times of lines in seconds: the guest's, and ours on arrival.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<(f64, f64)>);

impl Samples {
    /// Notes one line.
    pub(crate) fn add(&mut self, guest: f64, ours: f64) {
        self.0.push((guest, ours));
    }

    /// Whether the guest's time has moved by `seconds` since the first line.
    pub(crate) fn span_at_least(&self, seconds: f64) -> bool {
        self.span() >= seconds
    }

    fn span(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) => last.0 - first.0,
            _ => 0.0,
        }
    }

    /// Seconds by which our clock gained on the guest's.
    fn drift(&self) -> f64 {
        let (start, span) = (self.0.first().map_or(0.0, |sample| sample.0), self.span());
        let least_delay = |from: f64, to: f64| {
            let inside = self.0.iter().filter(|(guest, _)| (from..=to).contains(guest));
            inside.map(|(guest, ours)| ours - guest).fold(f64::INFINITY, f64::min)
        };
        least_delay(start + span * (1.0 - WINDOW), start + span) - least_delay(start, start + span * WINDOW)
    }

    /// An error where the clocks drift apart by more than the check allows.
    pub(crate) fn judge(&self, check: &ClockCheck) -> Result<(), String> {
        let (drift, span) = (self.drift(), self.span());
        if drift.abs() <= span * check.tolerance {
            return Ok(());
        }
        let percent = check.tolerance * 100.0;
        Err(format!(
            "the guest's clock drifts: {:.3} s went by for {span:.3} s of it (allowed: {percent} %)",
            span + drift
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 lines in 30 s of a guest whose seconds last `rate` of ours; every line but each tenth is late.
    fn run(rate: f64) -> Samples {
        let mut samples = Samples::default();
        for step in 0..=300 {
            let guest = 100.0 + f64::from(step) / 10.0;
            let late = if step % 10 == 0 { 0.01 } else { 0.7 };
            samples.add(guest, 5.0 + f64::from(step) / 10.0 * rate + late);
        }
        samples
    }

    #[test]
    fn late_lines_are_no_drift() {
        assert!(run(1.0).span_at_least(30.0));
        assert!(run(1.0).drift().abs() < 1e-6, "{}", run(1.0).drift());
    }

    #[test]
    fn a_wrong_rate_is_found() {
        let check: ClockCheck = toml::from_str("line = '(\\d+)'\nhertz = 100\nseconds = 30\ntolerance = 0.01").unwrap();
        assert_eq!(run(1.005).judge(&check), Ok(()));
        assert!(run(1.02).judge(&check).unwrap_err().contains("drifts"));
        assert!(run(0.98).judge(&check).is_err());
        assert_eq!(check.guest_seconds("clock 250"), Ok(2.5));
        assert!(check.guest_seconds("clock").is_err());
    }
}
