//! How long Linux takes to its first process, with the hypervisor and without.
//!
//! Without, the emulator's board is described by the very device tree that the guest has on Phalanx, so both kernels find the
//! same devices.

use std::path::PathBuf;

use phalanx_abi::bundle::Bundle;
use regex::Regex;

use super::rows::Row;
use super::{aside, listen, on_qemu};
use crate::arch::Arch;
use crate::emulator::machine::{Board, Boot, Direct, Gic, Machine};
use crate::emulator::outcome::Ended;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::store;
use crate::system::Builder;

/// The system with Linux.
const SYSTEM: &str = "systems/linux-init.toml";
/// What is in it, for the boot without hypervisor.
const KERNEL: &str = "debian:cloud";
const INITRD: &str = "init:init";
const MEMORY: &str = "256M";
const WORDS: &str = "console=ttyAMA0";

/// First bytes of a flattened device tree (Devicetree Specification, 5.2).
const TREE_MAGIC: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];

/// A tick of the counter, and so an instruction, is a nanosecond there.
const PER_MICROSECOND: u64 = 1000;

/// The rows `linux-init` and `linux-init-direct`.
pub(super) fn rows(places: &Places, builder: &Builder<'_>) -> Result<[Row; 2]> {
    let system = builder.system(&places.root.join(SYSTEM))?;
    let bundle = std::fs::read(&system.bundle).map_err(at_path("read", &system.bundle))?;
    let with = listen::to_the_end("linux-init", &on_qemu(Arch::Arm, system), &Ended::Clean)?;
    let without = listen::to_the_end("linux-init-direct", &without(places, builder, &bundle)?, &Ended::Silent)?;
    let row = |name: &str, instructions| Row { row: name.into(), lane: Arch::Arm.lane(), instructions };
    // The domain's counter starts with the domain.
    let started = number(&with, r"^phalanx: domain \S+: started after (\d+) us")? * PER_MICROSECOND;
    Ok([row("linux-init", started + init(&with)?), row("linux-init-direct", init(&without)?)])
}

/// The same board without EL2, and Linux on it.
fn without(places: &Places, builder: &Builder<'_>, bundle: &[u8]) -> Result<Machine> {
    let tree = device_tree(places, bundle)?;
    let (kernel, module) = (builder.resolve(KERNEL)?, builder.resolve(INITRD)?);
    let boot = Boot::Direct(Direct { kernel, module: Some(module), words: WORDS.into(), tree: Some(tree) });
    let board = Board::Virt { gic: Gic::V3, el2: false };
    Ok(Machine { board, memory: MEMORY.into(), ..on_qemu(Arch::Arm, boot) })
}

/// Writes the device tree of the bundle's only domain for GICv3 to a file.
fn device_tree(places: &Places, bundle: &[u8]) -> Result<PathBuf> {
    let wrong = |why: &dyn std::fmt::Display| trouble(format!("the bundle of {SYSTEM}: {why}"), "mend boot/bundle");
    let bundle = Bundle::parse(bundle).map_err(|error| wrong(&error))?;
    let domain = bundle.domains().next().ok_or_else(|| wrong(&"no domain"))?;
    let fits = |only: u32| [phalanx_abi::bundle::ALWAYS, phalanx_abi::bundle::ONLY_GICV3].contains(&only);
    let tree = domain
        .segments()
        .find(|segment| fits(segment.only) && segment.bytes.starts_with(&TREE_MAGIC))
        .ok_or_else(|| wrong(&"no device tree for GICv3"))?;
    let path = aside(places, "linux-init.dtb");
    store::write_atomically(&path, tree.bytes)?;
    Ok(path)
}

fn init(console: &str) -> Result<u64> {
    number(console, r"^linux-init (\d+)")
}

/// The number in the first line that matches.
fn number(console: &str, pattern: &str) -> Result<u64> {
    let pattern = Regex::new(pattern).map_err(|error| trouble(error, "mend the pattern"))?;
    let found = console.lines().find_map(|line| pattern.captures(line)?.get(1)?.as_str().parse().ok());
    found.ok_or_else(|| {
        trouble(format!("no line matches {pattern}"), "cargo xtask run linux-init --arch aarch64 shows it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_from_the_console() {
        let console = "phalanx: domain linux: started after 291 us\nx\nlinux-init 921000123\n";
        assert_eq!(init(console).unwrap(), 921_000_123);
        assert_eq!(number(console, r"started after (\d+) us").unwrap(), 291);
        assert!(init("linux-init soon").is_err());
    }

    #[test]
    fn the_system_is_the_one_that_runs_directly() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SYSTEM);
        let system: toml::Table = toml::from_str(&Arch::Arm.fill(&std::fs::read_to_string(path).unwrap())).unwrap();
        let domain = &system["domain"][0];
        for (key, value) in [("kernel", KERNEL), ("initrd", INITRD), ("memory", MEMORY), ("cmdline", WORDS)] {
            assert_eq!(domain[key].as_str(), Some(value), "{key}");
        }
    }
}
