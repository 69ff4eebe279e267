//! Plays a scenario: boots its machine and follows the steps.

use std::time::{Duration, Instant};

use regex::Regex;

use super::clock::{ClockCheck, Samples};
use super::scenario::{Exit, Pattern, Scenario, Step};
use crate::emulator::child::{Emulator, Heard};
use crate::emulator::machine::Machine;
use crate::emulator::outcome::Ended;
use crate::emulator::transcript::{Cursor, QUIET, Transcript};

/// What no guest may ever say: its clock, a processor or its kernel went wrong, or a check of ours failed.
const USUALLY_FORBIDDEN: [&str; 7] = [
    "unstable",
    "(?i)(soft|hard) lockup",
    "(?i)rcu.*stall",
    r"\bBUG:",
    r"\bOops\b",
    "Kernel panic",
    r"\bcheck \S+ FAIL",
];

/// How it went, and everything the machine printed.
pub(crate) struct Play {
    /// The reason of a failure.
    pub(crate) result: Result<(), String>,
    /// The console.
    pub(crate) console: String,
}

/// Boots `machine` and follows `scenario`. `patience` multiplies every time limit.
pub(crate) fn play(scenario: &Scenario, machine: &Machine, patience: f64) -> Play {
    match Emulator::start(machine) {
        Ok(emulator) => follow(scenario, emulator, patience),
        Err(error) => Play { result: Err(error.to_string()), console: String::new() },
    }
}

fn follow(scenario: &Scenario, emulator: Emulator, patience: f64) -> Play {
    let mut player = Player::new(emulator, scenario, patience);
    let result = player.follow(scenario);
    player.emulator.stop();
    let console = player.transcript.text().to_owned();
    Play { result, console }
}

struct Player {
    emulator: Emulator,
    transcript: Transcript,
    cursor: Cursor,
    forbidden: Vec<(Regex, Cursor)>,
    patience: f64,
    ended: Option<Ended>,
}

impl Player {
    fn new(emulator: Emulator, scenario: &Scenario, patience: f64) -> Self {
        let usual = USUALLY_FORBIDDEN.iter().filter_map(|text| Regex::new(text).ok());
        let own = scenario.forbid.iter().map(|pattern| pattern.0.clone());
        let forbidden = usual.chain(own).map(|pattern| (pattern, Cursor::default())).collect();
        let (transcript, cursor) = (Transcript::default(), Cursor::default());
        Self { emulator, transcript, cursor, forbidden, patience, ended: None }
    }

    fn follow(&mut self, scenario: &Scenario) -> Result<(), String> {
        for (number, step) in (1..).zip(&scenario.steps) {
            self.step(step).map_err(|why| format!("step {number}: {why}"))?;
        }
        match scenario.exit {
            Exit::Any => Ok(()),
            Exit::Clean => self.end(&Ended::Clean, scenario.exit_within),
            Exit::Refused => self.end(&Ended::Refused, scenario.exit_within),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let typed = |error| format!("cannot type: {error}");
        if let Some(text) = &step.text {
            self.emulator.type_in(format!("{text}\r").as_bytes()).map_err(typed)?;
        }
        if let Some(keys) = &step.keys {
            self.emulator.type_in(keys.as_bytes()).map_err(typed)?;
        }
        if let Some(pattern) = &step.expect {
            self.expect(pattern, step.within)?;
        }
        match &step.clock {
            Some(check) => self.compare_clocks(check, step.within),
            None => Ok(()),
        }
    }

    /// Collects lines with the guest's time until they span long enough, then judges the drift.
    fn compare_clocks(&mut self, check: &ClockCheck, within: f64) -> Result<(), String> {
        let deadline = self.deadline(within);
        let start = Instant::now();
        let mut samples = Samples::default();
        while !samples.span_at_least(check.seconds) {
            let line = self.expect_by(&check.line, within, deadline)?;
            let ours = start.elapsed().as_secs_f64();
            samples.add(check.guest_seconds(&line)?, ours);
        }
        samples.judge(check)
    }

    fn expect(&mut self, pattern: &Pattern, within: f64) -> Result<(), String> {
        let deadline = self.deadline(within);
        self.expect_by(pattern, within, deadline).map(drop)
    }

    /// Waits for a line that matches and returns it.
    fn expect_by(&mut self, pattern: &Pattern, within: f64, deadline: Instant) -> Result<String, String> {
        loop {
            if let Some(line) = self.transcript.find(&mut self.cursor, &pattern.0) {
                return Ok(line.to_owned());
            }
            if let Some(ended) = &self.ended {
                return Err(format!("no line matched {:?} before the end: {ended}", pattern.0.as_str()));
            }
            if Instant::now() >= deadline {
                return Err(format!("no line matched {:?} within {within} s", pattern.0.as_str()));
            }
            self.listen(deadline)?;
        }
    }

    fn end(&mut self, wanted: &Ended, within: f64) -> Result<(), String> {
        let deadline = self.deadline(within);
        loop {
            match &self.ended {
                Some(ended) if ended == wanted => return Ok(()),
                Some(ended) => {
                    return Err(format!("it should have ended otherwise ({wanted}): {ended}"));
                }
                None if Instant::now() >= deadline => {
                    return Err(format!("it did not end within {within} s ({wanted})"));
                }
                None => self.listen(deadline)?,
            }
        }
    }

    /// Takes in what comes next; a forbidden line is an error.
    fn listen(&mut self, deadline: Instant) -> Result<(), String> {
        match self.emulator.hear(deadline.min(Instant::now() + QUIET)) {
            Heard::Bytes(bytes) => self.transcript.push(&bytes),
            Heard::Nothing => self.transcript.settle(),
            Heard::End(ended) => {
                self.transcript.settle();
                self.ended = Some(ended);
            }
        }
        for (pattern, cursor) in &mut self.forbidden {
            if let Some(line) = self.transcript.find(cursor, pattern) {
                return Err(format!("a line that must not appear: {line}"));
            }
        }
        Ok(())
    }

    fn deadline(&self, within: f64) -> Instant {
        Instant::now() + Duration::from_secs_f64(within * self.patience)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn played(steps: &str, machine: &str) -> Result<(), String> {
        let text = format!("title = 't'\nsystem = 'x'\n{steps}");
        let scenario = Scenario::parse(&text, Path::new("x.toml")).unwrap().remove(0);
        follow(&scenario, Emulator::pretend(machine), 1.0).result
    }

    #[test]
    fn steps_are_followed_in_order() {
        let steps = "exit = 'clean'\n[[step]]\nexpect = '^up$'\n[[step]]\ntype = 'hi'\nexpect = '^got hi'\n";
        assert_eq!(played(steps, "echo up; a=$(head -c 2); echo got $a; exit 33"), Ok(()));
        let error = played(steps, "echo up; a=$(head -c 2); echo lost $a; exit 33").unwrap_err();
        assert!(error.starts_with("step 2: no line matched"), "{error}");
    }

    #[test]
    fn the_end_is_checked() {
        let refused = "exit = 'refused'";
        assert_eq!(played(refused, "exit 35"), Ok(()));
        assert!(played(refused, "exit 33").unwrap_err().contains("ended otherwise"));
        assert!(played("exit = 'clean'\nexit_within = 0.2", "exec sleep 30").unwrap_err().contains("did not end"));
    }

    #[test]
    fn forbidden_lines_fail_at_once() {
        let step = "forbid = ['panic']\n[[step]]\nexpect = 'never'\n";
        for line in ["check a FAIL got=1 want=2", "tsc marked unstable", "a panic"] {
            let error = played(step, &format!("echo '{line}'; exec sleep 30")).unwrap_err();
            assert!(error.contains("must not appear") && error.contains(line), "{error}");
        }
    }

    #[test]
    fn what_comes_too_late_fails() {
        let error = played("[[step]]\nexpect = 'x'\nwithin = 0.1\n", "exec sleep 30").unwrap_err();
        assert!(error.contains("within 0.1 s"), "{error}");
    }

    #[test]
    fn clocks_are_compared() {
        let step = |seconds| {
            format!(
                "[[step]]\nclock = {{ line = 'at (\\d+)', hertz = 10, seconds = {seconds}, tolerance = 0.9 }}\nwithin = 5\n"
            )
        };
        let machine = "for t in 0 1 2 3 4 5 6; do echo at $t; sleep 0.1; done; exec sleep 30";
        assert_eq!(played(&step("0.5"), machine), Ok(()));
        assert!(played(&step("0.5"), &machine.replace("0.1", "0.5")).unwrap_err().contains("drifts"));
    }
}
