//! The format of a system scenario (`tests/system/README.md` is its manual).

use std::path::{Path, PathBuf};

use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::clock::ClockCheck;
use super::corruption::Corruption;
use super::device_tree::TreeChange;
use super::{lanes, matrix};
use crate::arch::Arch;
use crate::on_bochs::Start;

/// One scenario as written in its file, placeholders filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The part of the test's name after the lane.
    pub(crate) name: String,
    /// What passing it shows.
    pub(crate) title: String,
    /// The lane that it runs in.
    pub(crate) lane: String,
    /// The machine, in a lane that has a choice.
    pub(crate) host: Option<String>,
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

/// The emulated machine, where it is not as the board usually is.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MachineSpec {
    /// Number of CPUs.
    pub(crate) cpus: Option<u32>,
    /// RAM, e.g. `1G`.
    pub(crate) memory: Option<String>,
    /// The emulator's CPU model.
    pub(crate) cpu: Option<String>,
    /// Whether the processors of the Arm board virt have EL2.
    pub(crate) el2: Option<bool>,
    /// What is wrong with the device tree.
    pub(crate) tree: Option<TreeChange>,
    /// How the system is loaded.
    pub(crate) boot: BootWay,
    /// What happens before the system starts, on Bochs.
    pub(crate) firmware: Option<Start>,
    /// Instructions in a second of the machine, on Bochs.
    pub(crate) speed: Option<u32>,
    /// More words for the hypervisor.
    pub(crate) words: String,
    /// Count instructions (one CPU).
    pub(crate) counting: bool,
    /// More arguments of the emulator.
    pub(crate) args: Vec<String>,
}

/// How the system is loaded.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BootWay {
    /// By the emulator.
    #[default]
    Direct,
    /// ISO and BIOS.
    IsoBios,
    /// ISO and UEFI.
    IsoUefi,
    /// The folder for Arm boards and U-Boot.
    UBoot,
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

const fn default_within() -> f64 {
    60.0
}

impl Scenario {
    /// Reads a file's scenarios; lanes, machines and `[matrix]` make several of one.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Vec<Self>, String> {
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let table: toml::Table = toml::from_str(text).map_err(|error| fail(&error))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let tables = lanes::split(&table).map_err(|error| fail(&error))?;
        tables
            .into_iter()
            .flat_map(|table| {
                let given = given(&table);
                matrix::expand(table, &stem, &given)
            })
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
        if let Some(host) = self.host.as_deref().filter(|host| !lanes::has(&self.lane, host)) {
            return Err(format!("there is no machine {host}; machines are {}", lanes::machines(&self.lane)));
        }
        if self.machine.firmware.is_some() && !lanes::on_bochs(&self.lane) {
            return Err("only the machines on Bochs have a choice of firmware".into());
        }
        if !self.machine.words.is_empty() && self.machine.boot != BootWay::Direct && !lanes::on_bochs(&self.lane) {
            return Err("the hypervisor is told more words where the emulator loads it, and on Bochs".into());
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

/// What stands for itself in every scenario: the lane's console.
fn given(table: &toml::Table) -> toml::Table {
    let lane = table.get("lane").and_then(toml::Value::as_str).unwrap_or_default();
    let console =
        Arch::of_lane(lane).map(|arch| ("console".to_owned(), toml::Value::String(arch.console().to_owned())));
    console.into_iter().collect()
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
        assert_eq!((scenario.name.as_str(), scenario.lane.as_str()), ("shell", "svm"));
        assert_eq!((scenario.machine.cpus, scenario.machine.cpu.as_deref()), (None, None));
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
            (
                "title = 't'\nsystem = 'x'\nexit = 'clean'\nlanes = ['el2']\n[el2]\nmachines = ['a73']\n",
                "no machine a73",
            ),
            ("title = 't'\nsystem = 'x'\nexit = 'clean'\n[machine]\nfirmware = { wrmsr = [[0x3a, 1]] }\n", "firmware"),
            ("title = 't'\nsystem = 'x'\nexit = 'clean'\n[machine]\nfirmware = { wrmsr = [[0x3a]] }\n", "wrmsr"),
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
