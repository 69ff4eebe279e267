//! `cargo xtask doctor`: what is here, what is missing, and who brings it.

use crate::error::Result;
use crate::places::Places;
use crate::prepare::kernels::Flavour;
use crate::prepare::rust::{Compiler, Sysroot, X86_BARE};
use crate::prepare::tools::{self, Tool};
use crate::prepare::{busybox, host, install, rust};

/// One thing that was looked at.
struct Finding {
    name: String,
    state: State,
}

enum State {
    Here(String),
    /// Not here, and the command that needs it brings it.
    Later(String),
    Missing(String),
}

/// Prints the findings; exit code 1 when something must be fetched first.
pub(crate) fn run(places: &Places) -> Result<u8> {
    let mut findings = vec![rust_target(places)?];
    let tools: Vec<Tool> = [tools::EMULATOR, tools::IMAGE, tools::FIRMWARE].concat();
    findings.extend(tools.iter().map(tool));
    findings.extend(Flavour::ALL.map(|flavour| kernel(places, flavour)));
    findings.push(downloaded("busybox", &busybox::folder(places).join("busybox")));
    for Finding { name, state } in &findings {
        match state {
            State::Here(what) => println!("  ok       {name:<28} {what}"),
            State::Later(what) => println!("  later    {name:<28} {what}"),
            State::Missing(what) => println!("  missing  {name:<28} {what}"),
        }
    }
    println!("\ncache: {}", places.cache.display());
    let missing = tools::missing(&tools);
    if !missing.is_empty() {
        let packages: Vec<&str> = missing.iter().map(|(tool, _)| tool.package).collect();
        println!("{}", advice(&packages));
    }
    let all_here = findings.iter().all(|finding| matches!(finding.state, State::Here(_)));
    Ok(u8::from(!all_here))
}

fn advice(packages: &[&str]) -> String {
    let by_hand = install::by_hand(host::debian_release().as_deref(), packages);
    match host::root() {
        host::Root::No => format!("missing packages: {by_hand}"),
        _ => format!("the command that needs a missing package installs it; or {by_hand}"),
    }
}

fn rust_target(places: &Places) -> Result<Finding> {
    let compiler = Compiler::find(places)?;
    let state = match compiler.present(places, X86_BARE) {
        Some(Sysroot::Toolchain) => State::Here("in the toolchain".into()),
        Some(Sysroot::Private(dir)) => State::Here(format!("built, {}", dir.display())),
        None => State::Later("built from source on first use (or: rustup target add)".into()),
    };
    Ok(Finding { name: format!("Rust {} for {}", compiler.release, rust::X86_BARE), state })
}

fn tool(tool: &Tool) -> Finding {
    let state = match (tool.look)() {
        Ok(what) => State::Here(what),
        Err(wrong) => State::Missing(format!("{wrong}; package {}, {}", tool.package, tool.why)),
    };
    Finding { name: tool.name.to_owned(), state }
}

fn kernel(places: &Places, flavour: Flavour) -> Finding {
    let folder = flavour.folder(places);
    let name = format!("kernel debian:{}", flavour.name());
    match std::fs::read_to_string(folder.join("package")) {
        Ok(package) => Finding { name, state: State::Here(package.trim().to_owned()) },
        Err(_) => downloaded(&name, &folder.join("vmlinuz")),
    }
}

fn downloaded(name: &str, path: &std::path::Path) -> Finding {
    let state = if path.exists() {
        State::Here(path.display().to_string())
    } else {
        State::Later("downloaded on first use".into())
    };
    Finding { name: name.to_owned(), state }
}
