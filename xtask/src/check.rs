//! `cargo xtask check`: clippy on the packages that only build for bare metal.

use std::process::{Command, Stdio};

use crate::arch::Arch;
use crate::bare::Bare;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::process;
use crate::test::units;

/// Lints them all for `archs`; a warning is an error. Returns the exit code.
pub(crate) fn run(places: &Places, archs: &[Arch]) -> Result<u8> {
    let metadata = metadata(places)?;
    let root = places.root.display().to_string();
    for arch in archs {
        lint(places, *arch, &packages(&metadata, &root, *arch))?;
    }
    Ok(0)
}

fn lint(places: &Places, arch: Arch, packages: &[String]) -> Result<()> {
    let names: Vec<&str> = packages.iter().map(String::as_str).collect();
    let bare = Bare::new(places, arch)?;
    let mut clippy = bare.cargo("clippy", &names);
    clippy.args(["--", "-D", "warnings"]).stdin(Stdio::null());
    let status =
        clippy.status().map_err(|error| trouble(format!("cannot start cargo: {error}"), "install Rust with rustup"))?;
    if status.success() {
        println!("clean for {}: {}", arch.name(), names.join(", "));
        return Ok(());
    }
    Err(trouble(
        format!("clippy has something to say about the bare-metal packages for {}", arch.name()),
        format!("mend what it says above, then: cargo xtask check --arch {}", arch.name()),
    ))
}

fn metadata(places: &Places) -> Result<serde_json::Value> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&places.root).args(["metadata", "--no-deps", "--format-version=1"]);
    let text = process::output(&mut cargo, "list the workspace's packages", "mend the Cargo.toml that cargo names")?;
    serde_json::from_str(&text).map_err(|error| trouble(error, "cargo metadata --no-deps shows what is wrong"))
}

/// The bare-metal packages for `arch`: the workspace's members that are not default members, without the tests of the other
/// architecture.
fn packages(metadata: &serde_json::Value, root: &str, arch: Arch) -> Vec<String> {
    let list = |key: &str| metadata[key].as_array().cloned().unwrap_or_default();
    let defaults = list("workspace_default_members");
    let all = list("packages");
    let bare = all.iter().filter(|package| !defaults.contains(&package["id"]));
    let ours = bare.filter(|package| only_for(package, root).is_none_or(|of| of == arch));
    ours.filter_map(|package| package["name"].as_str().map(str::to_owned)).collect()
}

/// The architecture of a test guest or of unit tests; none of what is for both. The folder of Arm's guests lies in that of all
/// guests.
fn only_for(package: &serde_json::Value, root: &str) -> Option<Arch> {
    let path = package["manifest_path"].as_str()?;
    let within = |folder: &str| path.starts_with(&format!("{root}/{folder}/"));
    let arm = within(Arch::Arm.guests()) || within(units::FOLDER);
    if arm { Some(Arch::Arm) } else { within(Arch::X86.guests()).then_some(Arch::X86) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_metal_is_what_is_not_default() {
        let package = |id: &str, path: &str| serde_json::json!({ "id": id, "name": id, "manifest_path": path });
        let metadata = serde_json::json!({
            "workspace_default_members": ["abi"],
            "packages": [
                package("abi", "/r/kernel/abi/Cargo.toml"),
                package("phalanx", "/r/kernel/phalanx/Cargo.toml"),
                package("guest-bench", "/r/tests/guests/bench/Cargo.toml"),
                package("guest-arm-bench", "/r/tests/guests/aarch64/bench/Cargo.toml"),
                package("unit-aarch64", "/r/tests/units/aarch64/Cargo.toml"),
            ]
        });
        assert_eq!(packages(&metadata, "/r", Arch::X86), ["phalanx", "guest-bench"]);
        assert_eq!(packages(&metadata, "/r", Arch::Arm), ["phalanx", "guest-arm-bench", "unit-aarch64"]);
    }
}
