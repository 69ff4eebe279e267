//! One run of a machine: its console shown, watched, and perhaps typed into.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use regex::Regex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::line_ends::LineEnds;
use super::terminal::RawMode;
use super::{Watch, describe, keyboard};
use crate::emulator::child::{Emulator, Heard};
use crate::emulator::machine::Machine;
use crate::emulator::outcome::Verdict;
use crate::emulator::transcript::{Cursor, QUIET, Transcript};
use crate::error::{Result, trouble};

/// Runs `machine` to a verdict; `attached` connects this terminal. Returns the exit code.
pub(crate) fn run(machine: &Machine, watch: &Watch, attached: bool) -> Result<u8> {
    eprintln!("{}{}", describe(machine), if attached { format!(". {}.", keyboard::HINT) } else { String::new() });
    let mut emulator = Emulator::start(machine)?;
    let leave = Arc::new(AtomicBool::new(false));
    let raw = if attached { Some(attach(&mut emulator, &leave)?) } else { None };
    let verdict = Session::new(watch, leave).follow(&mut emulator);
    emulator.stop();
    drop(raw);
    let Some(verdict) = verdict? else {
        eprintln!("\nleft; the machine is off");
        return Ok(0);
    };
    eprintln!("\n{}", explain(&verdict, watch));
    Ok(verdict.exit_code(watch.until.is_some()))
}

fn attach(emulator: &mut Emulator, leave: &Arc<AtomicBool>) -> Result<RawMode> {
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(leave)).map_err(|error| trouble(error, "use --headless"))?;
    }
    let raw = RawMode::enter()?;
    if let Some(input) = emulator.take_input() {
        keyboard::connect(input, Arc::clone(leave));
    }
    Ok(raw)
}

fn explain(verdict: &Verdict, watch: &Watch) -> String {
    match verdict {
        Verdict::Seen => "the awaited text appeared".to_owned(),
        Verdict::Forbidden(line) => format!("text that must not appear did: {line}"),
        Verdict::TimeOut => {
            format!("time is up ({} s); --timeout gives more", watch.timeout.unwrap_or_default().as_secs())
        }
        Verdict::Ended(ended) if watch.until.is_some() => {
            format!("{ended}, and the awaited text did not appear")
        }
        Verdict::Ended(ended) => ended.to_string(),
    }
}

struct Session<'w> {
    watch: &'w Watch,
    leave: Arc<AtomicBool>,
    transcript: Transcript,
    line_ends: LineEnds,
    until: Cursor,
    fail_on: Cursor,
    input_after: Cursor,
    typed: bool,
}

impl<'w> Session<'w> {
    fn new(watch: &'w Watch, leave: Arc<AtomicBool>) -> Self {
        let start = Cursor::default();
        Self {
            watch,
            leave,
            transcript: Transcript::default(),
            line_ends: LineEnds::of_stdout(),
            until: start,
            fail_on: start,
            input_after: start,
            typed: false,
        }
    }

    /// Until a verdict, or none when the user left.
    fn follow(mut self, emulator: &mut Emulator) -> Result<Option<Verdict>> {
        let end = self.watch.timeout.map(|limit| Instant::now() + limit);
        loop {
            if self.leave.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                return Ok(Some(Verdict::TimeOut));
            }
            let ended = match emulator.hear(now + QUIET) {
                Heard::Bytes(bytes) => {
                    self.show(&bytes)?;
                    None
                }
                Heard::Nothing => {
                    self.transcript.settle();
                    None
                }
                Heard::End(ended) => {
                    self.transcript.settle();
                    Some(Verdict::Ended(ended))
                }
            };
            if let Some(verdict) = self.judge().or(ended) {
                return Ok(Some(verdict));
            }
            self.type_when_ready(emulator);
        }
    }

    fn show(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout();
        let shown = out.write_all(&self.line_ends.mend(bytes)).and_then(|()| out.flush());
        self.transcript.push(bytes);
        shown.map_err(|error| trouble(format!("cannot write the console to stdout: {error}"), "keep stdout open"))
    }

    fn judge(&mut self) -> Option<Verdict> {
        let find = |cursor, pattern: Option<&Regex>| self.transcript.find(cursor, pattern?);
        if let Some(line) = find(&mut self.fail_on, self.watch.fail_on.as_ref()) {
            return Some(Verdict::Forbidden(line.to_owned()));
        }
        find(&mut self.until, self.watch.until.as_ref()).map(|_| Verdict::Seen)
    }

    /// Types the input once, each line with Enter. A machine that no longer listens is noticed by its end.
    fn type_when_ready(&mut self, emulator: &mut Emulator) {
        let ready = |after| self.transcript.find(&mut self.input_after, after).is_some();
        if self.typed || self.watch.input.is_empty() || !self.watch.input_after.as_ref().is_none_or(ready) {
            return;
        }
        self.typed = true;
        for line in &self.watch.input {
            let _ = emulator.type_in(format!("{line}\r").as_bytes());
        }
    }
}
