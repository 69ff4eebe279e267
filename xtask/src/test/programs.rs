//! The host tests' programs, built by one cargo for all: the same choice of packages gives the same features, so nothing is
//! built twice.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::places::Places;
use crate::progress::Task;

/// What cargo builds a test program from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Cargo's id of the package.
    package: String,
    /// `lib`, `bin` or `test`.
    pub(crate) kind: String,
    /// The library's, binary's or file's name.
    pub(crate) name: String,
}

impl Target {
    /// From cargo's description; none for what is no test program.
    pub(crate) fn read(package: &serde_json::Value, target: &serde_json::Value) -> Option<Self> {
        let kind = array(&target["kind"]).next()?.as_str().filter(|kind| ["lib", "bin", "test"].contains(kind))?;
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        Some(Self { package: text(package)?, kind: kind.to_owned(), name: text(&target["name"])? })
    }
}

/// The programs that were built.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    built: Vec<Program>,
    /// What the compiler said.
    pub(crate) messages: String,
}

#[derive(Debug)]
struct Program {
    target: Target,
    file: PathBuf,
    /// The package's folder, where cargo starts tests.
    folder: PathBuf,
}

impl Programs {
    /// Builds the tests of the workspace's default members; one that does not build keeps no other from it.
    pub(crate) fn build(places: &Places) -> Self {
        let task = Task::start("Building the host tests");
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--tests", "--quiet", "--keep-going", "--message-format=json-render-diagnostics"]);
        cargo.current_dir(&places.root).env("CARGO_TARGET_DIR", &places.target).stdin(Stdio::null());
        let output = match cargo.output() {
            Ok(output) => output,
            Err(error) => return Self { built: Vec::new(), messages: format!("cannot start cargo: {error}") },
        };
        task.done("done");
        let built = String::from_utf8_lossy(&output.stdout).lines().filter_map(program).collect();
        Self { built, messages: String::from_utf8_lossy(&output.stderr).into_owned() }
    }

    /// The command that starts `target`'s tests; none where it was not built.
    pub(crate) fn command(&self, target: &Target) -> Option<Command> {
        let program = self.built.iter().find(|program| program.target == *target)?;
        let mut command = Command::new(&program.file);
        command.current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        Some(command)
    }
}

/// Reads one of cargo's messages: a test program that is ready.
fn program(line: &str) -> Option<Program> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let path = |key: &str| message[key].as_str().map(PathBuf::from);
    Some(Program {
        target: Target::read(&message["package_id"], &message["target"])?,
        file: path("executable")?,
        folder: path("manifest_path")?.parent()?.to_path_buf(),
    })
}

/// The items of a JSON array; none of anything else.
pub(crate) fn array(value: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_programs_are_taken() {
        let message = |test: bool, kind: &str| {
            serde_json::json!({
                "reason": "compiler-artifact", "package_id": "p", "manifest_path": "/r/abi/Cargo.toml",
                "target": { "name": "abi", "kind": [kind] }, "profile": { "test": test }, "executable": "/t/abi-1"
            })
            .to_string()
        };
        let found = program(&message(true, "lib")).unwrap();
        assert_eq!(found.folder, PathBuf::from("/r/abi"));
        assert!(program(&message(false, "lib")).is_none(), "a plain build");
        assert!(program(&message(true, "bench")).is_none());
        let programs = Programs { built: vec![found], messages: String::new() };
        let target = Target { package: "p".into(), kind: "lib".into(), name: "abi".into() };
        assert!(programs.command(&target).is_some());
        assert!(programs.command(&Target { kind: "test".into(), ..target }).is_none());
    }
}
