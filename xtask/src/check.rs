//! `cargo xtask check`: clippy on the packages that only build for bare metal.

use std::process::{Command, Stdio};

use crate::bare::Bare;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::process;

/// Lints them all; a warning is an error. Returns the exit code.
pub(crate) fn run(places: &Places) -> Result<u8> {
    let packages = packages(places)?;
    let names: Vec<&str> = packages.iter().map(String::as_str).collect();
    let bare = Bare::x86(places)?;
    let mut clippy = bare.cargo("clippy", &names);
    clippy.args(["--", "-D", "warnings"]).stdin(Stdio::null());
    let status =
        clippy.status().map_err(|error| trouble(format!("cannot start cargo: {error}"), "install Rust with rustup"))?;
    if status.success() {
        println!("clean: {}", names.join(", "));
        return Ok(0);
    }
    Err(trouble(
        "clippy has something to say about the bare-metal packages",
        "mend what it says above, then: cargo xtask check",
    ))
}

/// The workspace's members that are not default members: those are the bare-metal ones.
fn packages(places: &Places) -> Result<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&places.root).args(["metadata", "--no-deps", "--format-version=1"]);
    let text = process::output(&mut cargo, "list the workspace's packages", "mend the Cargo.toml that cargo names")?;
    let metadata =
        serde_json::from_str(&text).map_err(|error| trouble(error, "cargo metadata --no-deps shows what is wrong"))?;
    Ok(bare_metal(&metadata))
}

fn bare_metal(metadata: &serde_json::Value) -> Vec<String> {
    let list = |key: &str| metadata[key].as_array().cloned().unwrap_or_default();
    let defaults = list("workspace_default_members");
    let packages = list("packages");
    let bare = packages.iter().filter(|package| !defaults.contains(&package["id"]));
    bare.filter_map(|package| package["name"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_metal_is_what_is_not_default() {
        let metadata = serde_json::json!({
            "workspace_default_members": ["a"],
            "packages": [{ "id": "a", "name": "abi" }, { "id": "p", "name": "phalanx" }]
        });
        assert_eq!(bare_metal(&metadata), ["phalanx"]);
    }
}
