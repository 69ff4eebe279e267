//! `cargo xtask bench exits`: what the hot exits cost, in instructions that the emulator counts.

mod linux;
mod listen;
mod rows;

use std::io::Write;
use std::path::Path;

use crate::arch::Arch;
use crate::emulator::machine::{Board, Boot, Machine};
use crate::emulator::outcome::Ended;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::prepare::{install, tools};
use crate::process;
use crate::system::Builder;

/// The system of the bench.
const SYSTEM: &str = "systems/bench.toml";

/// Measures and prints the table, or with `json` the array.
pub(crate) fn exits(places: &Places, arch: Arch, json: bool) -> Result<u8> {
    install::ensure(places, tools::emulator(arch))?;
    let builder = Builder::new(places, arch)?;
    let system = builder.system(&places.root.join(SYSTEM))?;
    let console = listen::to_the_end(&machine(arch, system), &Ended::Clean)?;
    let mut rows = rows::of(&console, arch.lane());
    if rows.is_empty() || rows::failed(&console) {
        return Err(trouble(
            format!("the bench guest did not finish:\n{}", process::tail(&console, 20)),
            format!("cargo xtask run bench --arch {} shows it", arch.name()),
        ));
    }
    if arch == Arch::Arm {
        rows.extend(linux::rows(places, &builder)?);
    }
    let text = if json { rows::as_json(&rows)? } else { rows::as_table(&rows, arch) };
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| trouble(error, "keep stdout open"))?;
    Ok(0)
}

/// The machine that counts. On x86 without the x2APIC: reading its timer stops the emulator while it counts.
fn machine(arch: Arch, boot: impl Into<Boot>) -> Machine {
    let cpu = match arch {
        Arch::X86 => "max,-x2apic",
        Arch::Arm => "max",
    };
    Machine { cpus: 1, cpu: Some(cpu.into()), counting: true, ..Machine::new(Board::of(arch), boot) }
}

/// A file beside the bundles, for what the bench makes itself.
fn aside(places: &Places, name: &str) -> std::path::PathBuf {
    places.target.join(Arch::Arm.place("bundles")).join(Path::new(name))
}
