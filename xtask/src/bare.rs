//! Building for bare metal: the hypervisor and the test guests.
//!
//! The nested cargo has flags and an output folder of its own, so host builds stay valid.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::arch::Arch;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::prepare::rust::{self, Sysroot};
use crate::process;
use crate::progress::Task;

/// The hypervisor's package and binary.
pub(crate) const KERNEL: &str = "phalanx";

/// Frame pointers for the backtrace of a crash card. On x86 static and at a fixed address; on Arm the build scripts say how
/// a binary is linked.
const fn flags(arch: Arch) -> &'static str {
    match arch {
        Arch::X86 => "-C relocation-model=static -C force-frame-pointers=yes",
        Arch::Arm => "-C force-frame-pointers=yes",
    }
}

/// A cargo for one bare-metal target.
pub(crate) struct Bare<'p> {
    places: &'p Places,
    arch: Arch,
    flags: String,
}

impl<'p> Bare<'p> {
    /// Prepares the target of `arch`.
    pub(crate) fn new(places: &'p Places, arch: Arch) -> Result<Self> {
        let flags = match rust::sysroot(places, arch.target())? {
            Sysroot::Toolchain => flags(arch).to_owned(),
            Sysroot::Private(dir) => format!("--sysroot {} {}", dir.display(), flags(arch)),
        };
        Ok(Self { places, arch, flags })
    }

    /// `cargo SUBCOMMAND` for `packages`, release profile.
    pub(crate) fn cargo(&self, subcommand: &str, packages: &[&str]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&self.places.root)
            .args([subcommand, "--release", "--target", self.arch.target()])
            .env("CARGO_TARGET_DIR", self.output())
            .env("RUSTFLAGS", &self.flags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        for package in packages {
            cargo.args(["--package", package]);
        }
        cargo
    }

    /// Builds `packages`; compiler messages go to stderr as they come.
    pub(crate) fn build(&self, packages: &[&str]) -> Result<()> {
        self.build_with(packages, None)
    }

    /// The same with a cargo feature.
    pub(crate) fn build_with(&self, packages: &[&str], feature: Option<&str>) -> Result<()> {
        let task = Task::start(format!("Building {}", packages.join(", ")));
        let mut cargo = self.cargo("build", packages);
        cargo.args(feature.map(|feature| format!("--features={feature}")));
        cargo.args(["--quiet", "--message-format=json-render-diagnostics"]);
        let mut child = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| trouble(format!("cannot start cargo: {error}"), "install Rust with rustup"))?;
        process::each_line(&mut child, |line| {
            if let Some(name) = artifact(line) {
                task.say(name);
            }
        });
        let status = child.wait().map_err(|error| trouble(error, "try again"))?;
        if status.success() {
            return Ok(());
        }
        drop(task);
        Err(trouble(
            format!("{} does not build", packages.join(", ")),
            "mend what the compiler says above, then run the command again",
        ))
    }

    /// The binary that [`Self::build`] leaves for `package`.
    pub(crate) fn binary(&self, package: &str) -> PathBuf {
        self.output().join(self.arch.target()).join("release").join(package)
    }

    fn output(&self) -> PathBuf {
        self.places.target.join("bare")
    }
}

/// The crate's name in a message about a finished crate.
fn artifact(line: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    Some(message.get("target")?.get("name")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_crates_are_named() {
        assert_eq!(artifact(r#"{"reason":"compiler-artifact","target":{"name":"core"}}"#).as_deref(), Some("core"));
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(artifact("not json"), None);
    }
}
