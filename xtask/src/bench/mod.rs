//! `cargo xtask bench exits`: what the hot exits cost, in instructions that the emulator counts.

mod linux;
mod listen;
mod rows;

use std::io::Write;
use std::path::Path;

use crate::arch::Arch;
use crate::cli::BenchOptions;
use crate::emulator::machine::{Board, Boot, Machine};
use crate::emulator::outcome::Ended;
use crate::error::{Result, trouble};
use crate::on_bochs::{Prepared, Start};
use crate::places::Places;
use crate::prepare::bochs::Missing;
use crate::prepare::{install, tools};
use crate::process;
use crate::system::{Builder, System};
use crate::test::lanes;
use rows::Row;

/// The system of the bench.
const SYSTEM: &str = "systems/bench.toml";

/// Measures each lane and prints the table, or the array.
pub(crate) fn exits(places: &Places, options: &BenchOptions) -> Result<u8> {
    let lanes = chosen(options)?;
    let builder = Builder::new(places, options.arch)?;
    let system = builder.system(&places.root.join(SYSTEM))?;
    let mut rows = Vec::new();
    for lane in &lanes {
        rows.extend(measure(places, lane, options.arch, &system)?);
    }
    if options.arch == Arch::Arm {
        rows.extend(linux::rows(places, &builder)?);
    }
    let text = if options.json { rows::as_json(&rows)? } else { rows::as_table(&rows, &lanes) };
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| trouble(error, "keep stdout open"))?;
    Ok(0)
}

/// The lanes that are asked for, in the usual order; all of the architecture's where none is.
fn chosen(options: &BenchOptions) -> Result<Vec<&'static str>> {
    let all = columns(options.arch);
    if let Some(wrong) = options.lane.iter().find(|name| !all.contains(&name.as_str())) {
        return Err(trouble(
            format!("no lane of {} is called {wrong}", options.arch.name()),
            format!("lanes are {}", all.join(", ")),
        ));
    }
    let wanted = |lane: &&str| options.lane.is_empty() || options.lane.iter().any(|name| name == lane);
    Ok(all.iter().copied().filter(wanted).collect())
}

/// The lane `vtx` without the processor's part in local APICs.
const NO_APICV: &str = "vtx-no-apicv";

/// What is measured for an architecture, in the order of the columns.
fn columns(arch: Arch) -> Vec<&'static str> {
    let more: &[&str] = if arch == Arch::X86 { &[NO_APICV] } else { &[] };
    arch.lanes().iter().chain(more).copied().collect()
}

/// The rows of one lane.
fn measure(places: &Places, lane: &'static str, arch: Arch, system: &System) -> Result<Vec<Row>> {
    let (plays_on, words) = if lane == NO_APICV { ("vtx", "apicv=off") } else { (lane, "") };
    let machine = match lanes::bochs_cpu(plays_on, None) {
        Some(cpu) => on_bochs(places, lane, words, cpu, system)?,
        None => {
            install::ensure(places, tools::emulator(arch))?;
            on_qemu(arch, system.clone())
        }
    };
    let console = listen::to_the_end(lane, &machine, &Ended::Clean)?;
    let rows = rows::of(&console, lane);
    if rows.is_empty() || rows::failed(&console) {
        return Err(trouble(
            format!("lane {lane}: the bench guest did not finish:\n{}", process::tail(&console, 20)),
            format!("this shows it:\n{}", machine.typed()),
        ));
    }
    Ok(rows)
}

/// The machine of QEMU that counts. On x86 without the x2APIC: reading its timer stops the emulator while it counts.
fn on_qemu(arch: Arch, boot: impl Into<Boot>) -> Machine {
    let cpu = match arch {
        Arch::X86 => "max,-x2apic",
        Arch::Arm => "max",
    };
    counting(Machine { cpu: Some(cpu.into()), ..Machine::new(Board::of(arch), boot) })
}

/// The machine of Bochs, where a tick of the TSC always is an instruction.
fn on_bochs(places: &Places, lane: &str, words: &str, cpu: &str, system: &System) -> Result<Machine> {
    let prepared = Prepared::ensure(places).map_err(Missing::report)?;
    let start = Start { words: words.into(), ..Start::default() };
    let machine = prepared.boot(places, &format!("bench-{lane}"), system, &start)?;
    Ok(counting(Machine { cpu: Some(cpu.to_owned()), ..machine }))
}

fn counting(machine: Machine) -> Machine {
    Machine { cpus: 1, counting: true, ..machine }
}

/// A file beside the bundles, for what the bench makes itself.
fn aside(places: &Places, name: &str) -> std::path::PathBuf {
    places.target.join(Arch::Arm.place("bundles")).join(Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arch: Arch, lanes: &[&str]) -> BenchOptions {
        BenchOptions { arch, json: false, lane: lanes.iter().map(|lane| (*lane).to_owned()).collect() }
    }

    #[test]
    fn lanes_are_chosen_by_name() {
        assert_eq!(chosen(&options(Arch::X86, &[])).unwrap(), ["svm", "svm-bochs", "vtx", "vtx-no-apicv"]);
        assert_eq!(chosen(&options(Arch::X86, &["vtx", "svm"])).unwrap(), ["svm", "vtx"]);
        assert_eq!(chosen(&options(Arch::Arm, &[])).unwrap(), ["el2"]);
        assert!(chosen(&options(Arch::Arm, &["vtx"])).unwrap_err().to_string().contains("no lane of aarch64"));
    }
}
