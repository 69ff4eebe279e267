//! Tests that need no emulator: one line for each test program of the workspace.

use std::process::{Command, Stdio};

use super::programs::{Programs, Target, array};
use super::report::Result as Outcome;
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::process;

/// Seconds that each fuzz target runs: in CI as long as the issue of a change asks for, else short.
const FUZZ_SECONDS: (&str, &str) = ("30", "5");

/// One test program, or the documentation's examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostTest {
    /// `host/PACKAGE` or `host/PACKAGE-FILE`; `sim/…` for packages of tests/sim.
    pub(crate) name: String,
    /// The program's target; none for the documentation's examples.
    target: Option<Target>,
}

/// All test programs of the workspace's default members, from cargo's metadata.
pub(crate) fn find(places: &Places) -> Result<Vec<HostTest>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&places.root).args(["metadata", "--no-deps", "--format-version=1", "--offline"]);
    let text = process::output(&mut cargo, "list the workspace's packages", "mend the Cargo.toml that cargo names")?;
    let metadata =
        serde_json::from_str(&text).map_err(|error| trouble(error, "cargo metadata --no-deps shows what is wrong"))?;
    let mut tests = list(&metadata, &format!("{}/tests/sim/", places.root.display()));
    tests.push(HostTest { name: "host/doc".into(), target: None });
    Ok(tests)
}

fn list(metadata: &serde_json::Value, sim: &str) -> Vec<HostTest> {
    let defaults = &metadata["workspace_default_members"];
    let is_default = |package: &&serde_json::Value| array(defaults).any(|id| *id == package["id"]);
    let mut tests: Vec<HostTest> =
        array(&metadata["packages"]).filter(is_default).flat_map(|package| of_package(package, sim)).collect();
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    tests
}

fn of_package(package: &serde_json::Value, sim: &str) -> Vec<HostTest> {
    let name = package["name"].as_str().unwrap_or_default();
    let in_sim = package["manifest_path"].as_str().is_some_and(|path| path.starts_with(sim));
    let lane = if in_sim { "sim" } else { "host" };
    let test = |target: &serde_json::Value| {
        let own = Target::read(&package["id"], target).filter(|_| target["test"] == true)?;
        let name = if own.kind == "test" { format!("{lane}/{name}-{}", own.name) } else { format!("{lane}/{name}") };
        Some(HostTest { name, target: Some(own) })
    };
    array(&package["targets"]).filter_map(test).collect()
}

/// Runs one test program.
pub(crate) fn run(places: &Places, programs: &Programs, test: &HostTest) -> Outcome {
    let mut command = match &test.target {
        None => doc_tests(places),
        Some(target) => match programs.command(target) {
            Some(command) => command,
            None => return Outcome::Failed(format!("does not build\n{}", process::tail(&programs.messages, 25))),
        },
    };
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let seconds = if in_ci { FUZZ_SECONDS.0 } else { FUZZ_SECONDS.1 };
    command.env("PHALANX_FUZZ_SECONDS", seconds).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return Outcome::Failed(format!("cannot be started: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let (passed, ignored) = counts(&text);
    match (output.status.success(), passed + ignored) {
        (true, 0) => Outcome::Skipped("no tests in it".into()),
        (true, 1) => Outcome::Passed("1 test".into()),
        (true, _) if ignored > 0 => Outcome::Passed(format!("{passed} tests, {ignored} ignored")),
        (true, _) => Outcome::Passed(format!("{passed} tests")),
        (false, _) => Outcome::Failed(why(&text, &String::from_utf8_lossy(&output.stderr))),
    }
}

fn doc_tests(places: &Places) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--doc"]).current_dir(&places.root).env("CARGO_TARGET_DIR", &places.target);
    cargo
}

/// Sums up the `test result:` lines: passed, ignored.
fn counts(text: &str) -> (u32, u32) {
    let number = |line: &str, word: &str| -> u32 {
        let before = line.split(word).next().unwrap_or_default();
        before.split_whitespace().next_back().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    text.lines()
        .filter(|line| line.starts_with("test result:"))
        .fold((0, 0), |(passed, ignored), line| (passed + number(line, " passed"), ignored + number(line, " ignored")))
}

/// The names of the failed tests and the last lines of what was printed.
fn why(stdout: &str, stderr: &str) -> String {
    let failed: Vec<&str> =
        stdout.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED")).collect();
    if failed.is_empty() {
        return format!("stopped\n{}", process::tail(stderr, 25));
    }
    format!("{}\n{}", failed.join(", "), process::tail(stdout, 25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_come_from_the_metadata() {
        let metadata = serde_json::json!({
            "workspace_default_members": ["a", "s"],
            "packages": [
                { "id": "a", "name": "abi", "manifest_path": "/r/kernel/abi/Cargo.toml", "targets": [
                    { "name": "abi", "kind": ["lib"], "test": true },
                    { "name": "golden", "kind": ["test"], "test": true },
                    { "name": "build-script-build", "kind": ["custom-build"], "test": false } ] },
                { "id": "s", "name": "plays", "manifest_path": "/r/tests/sim/Cargo.toml", "targets": [
                    { "name": "plays", "kind": ["lib"], "test": true } ] },
                { "id": "bare", "name": "phalanx", "manifest_path": "/r/kernel/phalanx/Cargo.toml", "targets": [
                    { "name": "phalanx", "kind": ["bin"], "test": true } ] },
            ]
        });
        let names: Vec<String> = list(&metadata, "/r/tests/sim/").into_iter().map(|test| test.name).collect();
        assert_eq!(
            names,
            ["host/abi", "host/abi-golden"]
                .map(str::to_owned)
                .into_iter()
                .collect::<Vec<_>>()
                .into_iter()
                .chain(["sim/plays".to_owned()])
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn counts_are_summed() {
        let text = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\nx\ntest result: ok. 3 passed; 0 failed; 0 ignored\n";
        assert_eq!(counts(text), (15, 1));
        assert_eq!(counts(""), (0, 0));
    }

    #[test]
    fn a_failure_names_its_tests() {
        let text = "test a::b ... FAILED\ntest c ... ok\n";
        assert!(why(text, "").starts_with("a::b\n"));
        assert!(why("", "error: x").contains("error: x"));
    }
}
