//! The format of a system scenario (`tests/system/README.md` is its manual).

use std::path::{Path, PathBuf};

use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::clock::ClockCheck;
use super::corruption::Corruption;
use crate::emulator::machine::DEFAULT_CPU;

/// One scenario as written in its file, placeholders filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The part of the test's name after the lane.
    pub(crate) name: String,
    /// What passing it shows.
    pub(crate) title: String,
    /// The lanes that it runs in.
    #[serde(default = "svm")]
    pub(crate) lanes: Vec<String>,
    /// The manifest: a table here, or the path of a file relative to the scenario's.
    pub(crate) system: SystemSource,
    /// The machine.
    #[serde(default)]
    pub(crate) machine: MachineSpec,
    /// Damage done to the bundle before it is booted.
    pub(crate) corrupt: Option<Corruption>,
    /// What should happen, in this order.
    #[serde(default, rename = "step")]
    pub(crate) steps: Vec<Step>,
    /// Patterns that no line may match, besides the usual ones.
    #[serde(default)]
    pub(crate) forbid: Vec<Pattern>,
    /// Play it twice; the lines that match must be the same.
    pub(crate) same_lines: Option<Pattern>,
    /// How the machine ends after the last step.
    #[serde(default)]
    pub(crate) exit: Exit,
    /// Seconds for that end.
    #[serde(default = "default_within")]
    pub(crate) exit_within: f64,
}

/// Where the manifest is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum SystemSource {
    /// A file.
    File(PathBuf),
    /// Written in the scenario.
    Inline(toml::Table),
}

/// The emulated machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MachineSpec {
    /// Number of CPUs.
    pub(crate) cpus: u32,
    /// RAM, e.g. `1G`.
    pub(crate) memory: String,
    /// The emulator's CPU model.
    pub(crate) cpu: String,
    /// How the system is loaded.
    pub(crate) boot: BootWay,
    /// Count instructions (one CPU).
    pub(crate) counting: bool,
    /// More arguments of the emulator.
    pub(crate) args: Vec<String>,
}

impl Default for MachineSpec {
    fn default() -> Self {
        let (memory, cpu) = ("1G".to_owned(), DEFAULT_CPU.to_owned());
        Self { cpus: 2, memory, cpu, boot: BootWay::Direct, counting: false, args: Vec::new() }
    }
}

/// How the system is loaded.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BootWay {
    /// By the emulator (PVH).
    Direct,
    /// ISO and BIOS.
    IsoBios,
    /// ISO and UEFI.
    IsoUefi,
}

/// One step: something is typed, then a line is awaited.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Typed first, with Enter.
    #[serde(rename = "type")]
    pub(crate) text: Option<String>,
    /// Typed first, as it is.
    pub(crate) keys: Option<String>,
    /// The line to wait for.
    pub(crate) expect: Option<Pattern>,
    /// Seconds to wait at most.
    #[serde(default = "default_within")]
    pub(crate) within: f64,
    /// Instead: lines with the guest's time to compare with ours.
    pub(crate) clock: Option<ClockCheck>,
}

/// How a machine ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Exit {
    /// It need not: it is switched off after the last step.
    #[default]
    Any,
    /// All domains end.
    Clean,
    /// The hypervisor stops with an error.
    Refused,
}

/// A regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl Pattern {
    /// The lines of `text` that match.
    pub(crate) fn lines<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        text.lines().filter(|line| self.0.is_match(line))
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

fn svm() -> Vec<String> {
    vec!["svm".to_owned()]
}

const fn default_within() -> f64 {
    60.0
}

impl Scenario {
    /// Reads a file's scenarios; `[matrix]` makes several of one.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Vec<Self>, String> {
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let table: toml::Table = toml::from_str(text).map_err(|error| fail(&error))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        super::matrix::expand(table, &stem)
            .into_iter()
            .map(|table| {
                let scenario: Self =
                    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| fail(&error))?;
                scenario.check().map_err(|error| fail(&error)).map(|()| scenario)
            })
            .collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.title.is_empty() {
            return Err("title says nothing".into());
        }
        if let Some(lane) = self.lanes.iter().find(|lane| !super::name::LANES.contains(&lane.as_str())) {
            return Err(format!("there is no lane {lane}; lanes are {}", super::name::LANES.join(", ")));
        }
        if self.steps.is_empty() && self.exit == Exit::Any {
            return Err("nothing is checked: write a [[step]] or an exit".into());
        }
        if self.steps.iter().any(|step| step.clock.as_ref().is_some_and(|clock| clock.line.0.captures_len() < 2)) {
            return Err("the clock's line needs a group (\\d+) around the guest's time".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Scenario>, String> {
        Scenario::parse(text, Path::new("dir/shell.toml"))
    }

    const SMALL: &str = "title = 't'\nsystem = '../demo.toml'\n[[step]]\nexpect = 'ready'\n";

    #[test]
    fn what_is_left_out_has_a_usual_value() {
        let scenario = parse(SMALL).unwrap().remove(0);
        assert_eq!((scenario.name.as_str(), scenario.lanes.as_slice()), ("shell", &["svm".to_owned()][..]));
        assert_eq!((scenario.machine.cpus, scenario.machine.cpu.as_str()), (2, "max"));
        assert_eq!(scenario.exit, Exit::Any);
        assert!(matches!(scenario.system, SystemSource::File(_)));
    }

    #[test]
    fn a_system_may_be_written_in_place() {
        let text = "title = 't'\nexit = 'clean'\n[system]\n[[system.domain]]\nname = 'a'\n";
        let scenario = parse(text).unwrap().remove(0);
        let SystemSource::Inline(table) = scenario.system else { panic!("not inline") };
        assert!(table.contains_key("domain"));
    }

    #[test]
    fn mistakes_are_told() {
        for (text, word) in [
            ("title = 't'\nsystem = 'x'\n", "nothing is checked"),
            ("title = 't'\nsystem = 'x'\nexit = 'clean'\nlanes = ['svn']\n", "no lane svn"),
            ("title = 't'\nsystem = 'x'\n[[step]]\nexpect = '('\n", "regex"),
            ("title = 't'\nsystem = 'x'\n[[step]]\nexpected = 'a'\n", "expected"),
            (
                "title = 't'\nsystem = 'x'\n[[step]]\nclock = { line = 'a', hertz = 1, seconds = 1, tolerance = 0.1 }\n",
                "group",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word), "{error}");
            assert!(error.starts_with("dir/shell.toml"), "{error}");
        }
    }
}
