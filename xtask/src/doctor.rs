//! `cargo xtask doctor`: what is here, what is missing, and who brings it.

use std::path::Path;

use crate::arch::Arch;
use crate::error::Result;
use crate::places::Places;
use crate::prepare::kernels::Flavour;
use crate::prepare::rust::{Compiler, Sysroot};
use crate::prepare::tools::{self, Tool};
use crate::prepare::{boards, bochs, busybox, host, install};

/// One thing that was looked at.
struct Finding {
    name: String,
    state: State,
    /// Whether `cargo xtask run` needs it.
    to_run: bool,
}

enum State {
    Here(String),
    /// Not here, and the command that needs it brings it.
    Later(String),
    Missing(String),
}

/// Prints the findings about `archs`; exit code 1 when `cargo xtask run` would have to fetch something.
pub(crate) fn run(places: &Places, archs: &[Arch]) -> Result<u8> {
    let compiler = Compiler::find(places)?;
    let findings: Vec<Finding> = archs.iter().flat_map(|arch| look_at(places, &compiler, *arch)).collect();
    for Finding { name, state, .. } in &findings {
        match state {
            State::Here(what) => println!("  ok       {name:<32} {what}"),
            State::Later(what) => println!("  later    {name:<32} {what}"),
            State::Missing(what) => println!("  missing  {name:<32} {what}"),
        }
    }
    println!("\ncache: {}", places.cache.display());
    let tools: Vec<Tool> = archs.iter().flat_map(|arch| all_tools(places, *arch)).collect();
    let missing = tools::missing(&tools);
    if !missing.is_empty() {
        let packages: Vec<&str> = missing.iter().map(|(tool, _)| tool.package).collect();
        println!("{}", advice(&packages));
    }
    Ok(exit_code(&findings))
}

fn exit_code(findings: &[Finding]) -> u8 {
    u8::from(findings.iter().any(|finding| finding.to_run && !matches!(finding.state, State::Here(_))))
}

fn look_at(places: &Places, compiler: &Compiler, arch: Arch) -> Vec<Finding> {
    let mut findings = vec![rust_target(places, compiler, arch)];
    findings.extend(tools::emulator(arch).iter().map(|emulator| tool(emulator, true)));
    findings.extend(Flavour::ALL.map(|flavour| kernel(places, arch, flavour)));
    findings.push(downloaded(&arch.place("busybox"), &busybox::folder(places, arch).join("busybox"), true));
    match arch {
        Arch::X86 => {
            findings.extend([&tools::image(), tools::FIRMWARE].concat().iter().map(|image| tool(image, false)));
            findings.push(bochs(places));
            findings.extend(means_of_bochs(places).iter().map(|means| tool(means, false)));
        }
        Arch::Arm => {
            findings.push(downloaded("debian:u-boot", &boards::u_boot_folder(places).join("u-boot.bin"), false));
        }
    }
    findings
}

fn all_tools(places: &Places, arch: Arch) -> Vec<Tool> {
    match arch {
        Arch::X86 => [tools::emulator(arch), &tools::image(), tools::FIRMWARE, means_of_bochs(places)].concat(),
        Arch::Arm => tools::emulator(arch).to_vec(),
    }
}

/// The second emulator for PCs.
fn bochs(places: &Places) -> Finding {
    let folder = bochs::folder(places);
    let state = if folder.exists() {
        State::Here(format!("built, {}", folder.display()))
    } else {
        State::Later("downloaded and built on first use, in some minutes".into())
    };
    Finding { name: format!("Bochs {}", bochs::VERSION), state, to_run: false }
}

/// What it is built with, until it is.
fn means_of_bochs(places: &Places) -> &'static [Tool] {
    if bochs::folder(places).exists() { &[] } else { tools::BUILD }
}

fn advice(packages: &[&str]) -> String {
    let by_hand = install::by_hand(host::debian_release().as_deref(), packages);
    match host::root() {
        host::Root::No => format!("missing packages: {by_hand}"),
        _ => format!("the command that needs a missing package installs it; or {by_hand}"),
    }
}

fn rust_target(places: &Places, compiler: &Compiler, arch: Arch) -> Finding {
    let state = match compiler.present(places, arch.target()) {
        Some(Sysroot::Toolchain) => State::Here("in the toolchain".into()),
        Some(Sysroot::Private(dir)) => State::Here(format!("built, {}", dir.display())),
        None => State::Later(format!("built from source on first use (or: rustup target add {})", arch.target())),
    };
    Finding { name: format!("Rust {} for {}", compiler.release, arch.name()), state, to_run: true }
}

fn tool(tool: &Tool, to_run: bool) -> Finding {
    let state = match (tool.look)() {
        Ok(what) => State::Here(what),
        Err(wrong) => State::Missing(format!("{wrong}; package {}, {}", tool.package, tool.why)),
    };
    Finding { name: tool.name.to_owned(), state, to_run }
}

/// The demo system runs the cloud kernel.
fn kernel(places: &Places, arch: Arch, flavour: Flavour) -> Finding {
    let folder = flavour.folder(places, arch);
    let name = arch.place(&format!("debian:{}", flavour.name()));
    let to_run = flavour == Flavour::Cloud;
    match std::fs::read_to_string(folder.join("package")) {
        Ok(package) => Finding { name, state: State::Here(package.trim().to_owned()), to_run },
        Err(_) => downloaded(&name, &folder.join("vmlinuz"), to_run),
    }
}

fn downloaded(name: &str, path: &Path, to_run: bool) -> Finding {
    let state = if path.exists() {
        State::Here(path.display().to_string())
    } else {
        State::Later("downloaded on first use".into())
    };
    Finding { name: name.to_owned(), state, to_run }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_run_needs_counts() {
        let finding = |to_run, state| Finding { name: "x".into(), state, to_run };
        assert_eq!(exit_code(&[finding(true, State::Here("y".into())), finding(false, State::Missing("y".into()))]), 0);
        assert_eq!(exit_code(&[finding(true, State::Later("y".into()))]), 1);
        assert_eq!(exit_code(&[finding(true, State::Missing("y".into()))]), 1);
    }
}
