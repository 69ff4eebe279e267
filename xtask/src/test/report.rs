//! The numbered report: one line for each test, the counts at the end.

use std::time::Duration;

use crate::emulator::machine::Machine;
use crate::places::Places;
use crate::progress::Task;
use crate::store;

/// How one test went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Result {
    /// As it should; with a word about it.
    Passed(String),
    /// Not; with the reason, and perhaps more lines.
    Failed(String),
    /// Was not run; with the reason.
    Skipped(String),
}

/// Keeps a failed machine's console in a log of the test's name and says where it is.
pub(crate) fn keep(places: &Places, name: &str, machine: &Machine, console: &str) -> String {
    let path = places.target.join("test-logs").join(format!("{}.log", name.replace('/', "-")));
    let text = format!("{}\n\n{console}", machine.typed());
    match store::write_atomically(&path, text.as_bytes()) {
        Ok(()) => format!("whole console: {}", places.short(&path)),
        Err(error) => error.to_string(),
    }
}

/// Counts and prints results.
pub(crate) struct Report {
    task: Task,
    total: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
    running: Vec<String>,
}

impl Report {
    /// A report of `total` tests.
    pub(crate) fn new(total: usize) -> Self {
        let task = Task::steps("Testing", total as u64);
        Self { task, total, passed: 0, failed: 0, skipped: 0, running: Vec::new() }
    }

    /// Says that this test runs now, too.
    pub(crate) fn running(&mut self, name: &str) {
        self.running.push(name.to_owned());
        self.task.say(self.running.join(", "));
    }

    /// Prints and counts one result.
    pub(crate) fn add(&mut self, name: &str, result: &Result, took: Duration) {
        let (count, word, detail) = match result {
            Result::Passed(detail) => (&mut self.passed, "passed", detail),
            Result::Failed(detail) => (&mut self.failed, "failed", detail),
            Result::Skipped(detail) => (&mut self.skipped, "skipped", detail),
        };
        *count += 1;
        let number = self.passed + self.failed + self.skipped;
        let width = self.total.to_string().len();
        let time = if took.as_millis() < 50 { String::new() } else { format!("  {:.1} s", took.as_secs_f32()) };
        let (first, rest) = detail.split_once('\n').unwrap_or((detail, ""));
        self.task.above(|| {
            println!("{number:>width$}/{} {word:<7} {name:<36} {first}{time}", self.total);
            if !rest.is_empty() {
                println!("{rest}");
            }
        });
        self.task.at(number as u64);
        self.running.retain(|other| other != name);
        self.task.say(self.running.join(", "));
    }

    /// Prints the last line and returns the exit code.
    pub(crate) fn end(self) -> u8 {
        let Self { task, passed, failed, skipped, .. } = self;
        drop(task);
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        u8::from(failed > 0)
    }
}
