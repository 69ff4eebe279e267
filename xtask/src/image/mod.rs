//! `cargo xtask image`: something to boot from, without the emulator's help.

mod folder;
mod iso;

use std::path::Path;

use crate::arch::Arch;
use crate::cli::ImageOptions;
use crate::error::{Result, at_path, trouble};
use crate::machine;
use crate::places::Places;
use crate::prepare::{boards, install, tools};
use crate::system::{self, Builder};

pub(crate) use folder::write as write_folder;
pub(crate) use iso::{For, RegisterWrites, write as write_iso};

/// What the hypervisor does on real hardware when all domains have ended: it switches the board off.
const BOARD_WORDS: &str = "exit=psci";

/// Builds the system and writes what it boots from.
pub(crate) fn run(places: &Places, options: &ImageOptions) -> Result<u8> {
    let manifest = system::find_manifest(places, options.system.as_deref())?;
    let board = machine::board(options.arch, options.board, system::wanted_by(&manifest))?;
    if board.arch() == Arch::X86 {
        install::ensure(places, &tools::image())?;
        let system = Builder::new(places, Arch::X86)?.system(&manifest)?;
        iso::write(&system, &For::AnyPc, &options.output)?;
        return said(&options.output);
    }
    if options.output.extension().is_some_and(|ending| ending == "iso") {
        return Err(trouble("an Arm board boots from a folder, not from an ISO", "write: --output FOLDER"));
    }
    let tree = board.device_tree().map(|name| boards::device_tree(places, name)).transpose()?;
    let system = Builder::new(places, Arch::Arm)?.system(&manifest)?;
    folder::write(&system, tree.as_deref(), BOARD_WORDS, &options.output)?;
    said(&options.output)
}

/// Prints what was written and how large it is.
fn said(path: &Path) -> Result<u8> {
    let about = std::fs::metadata(path).map_err(at_path("read", path))?;
    if about.is_dir() {
        println!("{}: copy what is in it to a FAT partition; boot.txt says the rest", path.display());
    } else {
        println!("{} ({})", path.display(), indicatif::HumanBytes(about.len()));
    }
    Ok(0)
}
