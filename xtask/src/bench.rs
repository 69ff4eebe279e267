//! `cargo xtask bench exits`: what the hot exits cost, in instructions that the emulator counts.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::emulator::child::{Emulator, Heard};
use crate::emulator::machine::Machine;
use crate::emulator::outcome::Ended;
use crate::emulator::transcript::Transcript;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::prepare::{install, tools};
use crate::process;
use crate::progress::Task;
use crate::system::Builder;

/// The system of the bench.
const SYSTEM: &str = "systems/bench.toml";
/// The lane that the figures belong to.
const LANE: &str = "svm";
/// Reading the x2APIC timer stops the emulator while it counts.
const CPU: &str = "max,-x2apic";
const LIMIT: Duration = Duration::from_secs(180);

/// One measured operation.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
struct Row {
    row: String,
    lane: &'static str,
    instructions: u64,
}

/// Measures and prints the table, or with `json` the array.
pub(crate) fn exits(places: &Places, json: bool) -> Result<u8> {
    install::ensure(places, tools::EMULATOR)?;
    let system = Builder::new(places)?.system(&places.root.join(SYSTEM))?;
    let machine = Machine { cpus: 1, cpu: CPU.into(), counting: true, ..Machine::new(system) };
    let console = listen(&machine)?;
    let rows = rows(&console);
    if rows.is_empty() || failed(&console) {
        return Err(trouble(
            format!("the bench guest did not finish:\n{}", process::tail(&console, 20)),
            "cargo xtask run bench shows it",
        ));
    }
    let text = if json { as_json(&rows)? } else { as_table(&rows) };
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| trouble(error, "keep stdout open"))?;
    Ok(0)
}

/// Boots the machine and returns what it printed until its end.
fn listen(machine: &Machine) -> Result<String> {
    let task = Task::start("Counting instructions");
    let mut emulator = Emulator::start(machine)?;
    let mut transcript = Transcript::default();
    let deadline = Instant::now() + LIMIT;
    loop {
        match emulator.hear(deadline) {
            Heard::Bytes(bytes) => transcript.push(&bytes),
            Heard::End(Ended::Clean) => break,
            Heard::End(ended) => {
                return Err(trouble(
                    format!("{ended}\n{}", process::tail(transcript.text(), 20)),
                    "cargo xtask run bench shows it",
                ));
            }
            Heard::Nothing => {
                return Err(trouble(
                    format!("no end after {} s\n{}", LIMIT.as_secs(), process::tail(transcript.text(), 20)),
                    "cargo xtask run bench shows it",
                ));
            }
        }
    }
    task.done("done");
    Ok(transcript.text().to_owned())
}

/// The `row NAME VALUE` lines.
fn rows(console: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut words = line.strip_prefix("row ")?.split_whitespace();
        let row = words.next()?.to_owned();
        Some(Row { row, lane: LANE, instructions: words.next()?.parse().ok()? })
    };
    console.lines().filter_map(row).collect()
}

/// Whether the `done PASSED FAILED` line is missing or counts a failure.
fn failed(console: &str) -> bool {
    let done = console.lines().find_map(|line| line.strip_prefix("done "));
    done.and_then(|counts| counts.split_whitespace().nth(1)) != Some("0")
}

fn as_json(rows: &[Row]) -> Result<String> {
    let lines: std::result::Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(|error| trouble(error, "leave out --json"))?;
    Ok(format!("[\n  {}\n]\n", lines.join(",\n  ")))
}

fn as_table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.row.len()).max().unwrap_or(0).max("operation".len());
    let mut text = format!("{:<width$}  {:>12}\n", "operation", "instructions");
    for Row { row, instructions, .. } in rows {
        text += &format!("{row:<width$}  {instructions:>12}\n");
    }
    text += "\nAMD SVM on QEMU TCG, which has no NRIPS, no decode assists and no clean bits: the hypervisor finds instruction lengths\n\
             itself here. Emulated instructions, the guest's own loop of 3 to 7 included; not cycles, not time.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "phalanx: x\nrow cpuid 137\ncheck a ok\nrow timer 200\ndone 2 0\n";

    #[test]
    fn rows_are_read_from_the_console() {
        let rows = rows(CONSOLE);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], Row { row: "cpuid".into(), lane: "svm", instructions: 137 });
        assert!(!failed(CONSOLE));
        assert!(failed("row cpuid 1\ndone 1 1\n") && failed("row cpuid 1\n"));
    }

    #[test]
    fn json_is_an_array_of_rows() {
        let json = as_json(&rows(CONSOLE)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value[0], serde_json::json!({ "row": "cpuid", "lane": "svm", "instructions": 137 }));
    }

    #[test]
    fn the_table_says_what_the_figures_are() {
        let table = as_table(&rows(CONSOLE));
        assert!(table.contains("cpuid               137\n"), "{table}");
        assert!(table.contains("NRIPS"));
    }
}
