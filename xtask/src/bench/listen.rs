//! A machine's console from power-on to its end.

use std::time::{Duration, Instant};

use crate::emulator::child::{Emulator, Heard};
use crate::emulator::machine::Machine;
use crate::emulator::outcome::Ended;
use crate::emulator::transcript::Transcript;
use crate::error::{Result, trouble};
use crate::process;
use crate::progress::Task;

const LIMIT: Duration = Duration::from_secs(180);

/// Boots the machine of the measurement called `what` and returns what it printed until it ended, which must be as `wanted`.
pub(super) fn to_the_end(what: &str, machine: &Machine, wanted: &Ended) -> Result<String> {
    let task = Task::start(format!("Counting instructions, {what}"));
    let mut emulator = Emulator::start(machine)?;
    let mut transcript = Transcript::default();
    let deadline = Instant::now() + LIMIT;
    let fail = |why: &dyn std::fmt::Display, transcript: &Transcript| {
        Err(trouble(
            format!("{what}: {why}\n{}", process::tail(transcript.text(), 20)),
            format!("this shows it:\n{}", machine.typed()),
        ))
    };
    loop {
        match emulator.hear(deadline) {
            Heard::Bytes(bytes) => transcript.push(&bytes),
            Heard::End(ended) if ended == *wanted => break,
            Heard::End(ended) => return fail(&ended, &transcript),
            Heard::Nothing => return fail(&format!("no end after {} s", LIMIT.as_secs()), &transcript),
        }
    }
    task.done("done");
    Ok(transcript.text().to_owned())
}
