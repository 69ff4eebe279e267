//! From Debian's source package to an emulator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arch::Arch;
use crate::error::{Result, at_path};
use crate::places::Places;
use crate::prepare::apt::Apt;
use crate::process;
use crate::progress::Task;

/// The suite that has this version.
const SUITE: &str = "trixie";

/// What `configure` is told: all processors that Bochs has, several of them at once, and no window.
pub(super) const OPTIONS: &[&str] = &[
    "--with-nogui",
    "--disable-docbook",
    "--disable-plugins",
    "--disable-debugger",
    "--disable-debugger-gui",
    "--enable-all-optimizations",
    "--enable-smp",
    "--enable-cpu-level=6",
    "--enable-x86-64",
    "--enable-vmx=2",
    "--enable-svm",
    "--enable-fpu",
    "--enable-3dnow",
    "--enable-avx",
    "--enable-evex",
    "--enable-cet",
    "--enable-protection-keys",
    "--enable-uintr",
    "--enable-monitor-mwait",
    "--enable-perfmon",
    "--enable-memtype",
    "--enable-pci",
    "--enable-e1000",
];

/// What is mended in it. The head of each file says why.
pub(super) const PATCHES: [(&str, &str); 5] = [
    ("svm-interrupts.patch", include_str!("svm-interrupts.patch")),
    ("vmx-interrupts.patch", include_str!("vmx-interrupts.patch")),
    ("svm-state.patch", include_str!("svm-state.patch")),
    ("svm-debug.patch", include_str!("svm-debug.patch")),
    ("smp-exceptions.patch", include_str!("smp-exceptions.patch")),
];

/// What an emulator is made of, unpacked.
pub(super) struct Parts {
    source: PathBuf,
    packages: PathBuf,
}

/// Downloads and unpacks the source and the packages with Bochs' BIOS and its video ROM into `folder`.
pub(super) fn fetch(places: &Places, folder: &Path) -> Result<Parts> {
    let apt = Apt::open_with_sources(places, "bochs", &[SUITE], Arch::X86)?;
    let packages = folder.join("packages");
    apt.unpack("bochsbios", &packages)?;
    apt.unpack("vgabios", &packages)?;
    let archive = apt.source("bochs", ".orig.tar.xz")?;
    let source = folder.join("source");
    fs::create_dir(&source).map_err(at_path("create", &source))?;
    let mut tar = Command::new("tar");
    tar.arg("-xJf").arg(&archive).arg("-C").arg(&source).arg("--strip-components=1");
    process::output(&mut tar, "unpack Bochs' source", "install the packages tar and xz-utils")?;
    fs::remove_file(&archive).map_err(at_path("remove", &archive))?;
    Ok(Parts { source, packages })
}

/// Builds the emulator and puts it and its firmware into `into`.
pub(super) fn build(parts: &Parts, into: &Path) -> Result<()> {
    let task = Task::start("Building Bochs, which takes some minutes");
    mend(&parts.source)?;
    let step = |program: &str, arguments: &[&str], doing: &str| {
        task.say(doing);
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&parts.source).env("LC_ALL", "C");
        process::output(&mut command, doing, super::HELP).map(drop)
    };
    step("./configure", OPTIONS, "configure")?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    compile(&task, &parts.source, jobs)?;
    step("strip", &["bochs"], "strip")?;
    keep(parts, into)?;
    task.done("done");
    Ok(())
}

/// Compiles; says how far it is.
fn compile(task: &Task, source: &Path, jobs: usize) -> Result<()> {
    const DOING: &str = "compile Bochs";
    let mut make = Command::new("make");
    make.args(["-j", &jobs.to_string(), "bochs"]).current_dir(source).env("LC_ALL", "C");
    let mut compiled = 0;
    process::lines(&mut make, DOING, super::HELP, |line| {
        if line.contains(" -c ") {
            compiled += 1;
            task.beat(&format!("{compiled} files compiled"));
        }
    })
}

fn mend(source: &Path) -> Result<()> {
    for (name, text) in PATCHES {
        let file = source.join(name);
        fs::write(&file, text).map_err(at_path("write", &file))?;
        let mut patch = Command::new("patch");
        patch.args(["--strip=1", "--batch", "--fuzz=0", "--input"]).arg(&file).current_dir(source);
        process::output(&mut patch, "patch Bochs' source", super::HELP)?;
    }
    Ok(())
}

/// Moves what a machine needs out of the source and the packages.
fn keep(parts: &Parts, into: &Path) -> Result<()> {
    let shared = parts.packages.join("usr/share");
    for (from, name) in [
        (parts.source.join("bochs"), "bochs"),
        (shared.join("bochs/BIOS-bochs-latest"), "BIOS-bochs-latest"),
        (shared.join("vgabios/vgabios.bin"), "vgabios.bin"),
        (parts.source.join("bios/bios.bin-1.13.0"), "seabios.bin"),
        (parts.source.join("bios/vgabios-cirrus.bin-1.13.0"), "seavgabios.bin"),
    ] {
        fs::copy(&from, into.join(name)).map_err(at_path("copy", &from))?;
    }
    Ok(())
}
