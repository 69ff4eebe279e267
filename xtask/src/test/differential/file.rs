//! The format of a differential test (`tests/system/README.md` is its manual): a scenario for each of its lanes.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::super::scenario::Scenario;
use super::super::system::SystemTest;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;

/// Seconds for a lane.
const WITHIN: i64 = 120;
/// Instructions in a second of a machine on Bochs: the fewer, the less it waits for the serial line.
const SPEED: i64 = 10_000_000;

/// One guest on several lanes.
pub(crate) struct Differential {
    /// `differential/what`.
    pub(crate) name: String,
    /// What passing it shows.
    pub(super) title: String,
    /// A scenario for each lane; the others are compared with the first.
    pub(crate) tests: Vec<SystemTest>,
    /// The error that has to be found.
    pub(super) plant: Option<Plant>,
}

/// An error that the hypervisor makes in one lane.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Plant {
    /// Where.
    pub(super) lane: String,
    /// In the answer to which step.
    pub(super) step: usize,
    /// In which register it shows.
    pub(super) register: String,
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in step {} of {}", self.register, self.step, self.lane)
    }
}

/// All of `tests/system/differential`, in the order of their files' names.
pub(crate) fn find(places: &Places) -> Result<Vec<Differential>> {
    let folder = places.root.join("tests/system/differential");
    let entries = fs::read_dir(&folder).map_err(at_path("read", &folder))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).map_err(at_path("read", file))?;
        Differential::parse(&text, file).map_err(|error| trouble(error, "tests/system/README.md is the manual"))
    };
    files.iter().map(read).collect()
}

impl Differential {
    /// Reads a file.
    pub(super) fn parse(text: &str, file: &Path) -> std::result::Result<Self, String> {
        let fail = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        let mut table: Table = toml::from_str(text).map_err(|error| fail(&error))?;
        let taken = table.remove("domain");
        let domain = taken.as_ref().and_then(Value::as_str).ok_or_else(|| fail(&"domain names no domain"))?;
        let plant = table.remove("plant").map(Value::try_into).transpose().map_err(|error| fail(&error))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let scenarios = Scenario::parse(&for_lanes(table, domain, plant.as_ref()).to_string(), file)?;
        let title = scenarios.first().map(|scenario| scenario.title.clone()).unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        let tests: Vec<SystemTest> =
            scenarios.into_iter().map(|scenario| SystemTest::of("differential", scenario, folder)).collect();
        let differential = Self { name: format!("differential/{stem}"), title, tests, plant };
        differential.check().map_err(|error| fail(&error)).map(|()| differential)
    }

    fn check(&self) -> std::result::Result<(), &'static str> {
        let lanes: Vec<&str> = self.tests.iter().map(SystemTest::lane).collect();
        match &self.plant {
            _ if lanes.len() < 2 => Err("there is nothing to compare: name two lanes"),
            Some(plant) if !lanes.iter().skip(1).any(|lane| *lane == plant.lane) => {
                Err("the error is planted in a lane behind the first")
            }
            _ => Ok(()),
        }
    }
}

/// The scenario that plays the same on all lanes: one CPU, recorded, to the end.
fn for_lanes(mut table: Table, domain: &str, plant: Option<&Plant>) -> Table {
    let words = format!("effects={domain}");
    table.entry("exit").or_insert_with(|| Value::from("clean"));
    table.entry("exit_within").or_insert_with(|| Value::from(WITHIN));
    for lane in ["svm-bochs", "vtx"] {
        machine(section(&mut table, lane)).insert("speed".into(), Value::from(SPEED));
    }
    machine(&mut table).insert("cpus".into(), Value::from(1));
    machine(&mut table).insert("words".into(), Value::from(words.clone()));
    if let Some(plant) = plant {
        let words = format!("{words} effects-plant={}", plant.step);
        machine(section(&mut table, &plant.lane)).insert("words".into(), Value::from(words));
    }
    table
}

fn machine(table: &mut Table) -> &mut Table {
    section(table, "machine")
}

/// The table called `name`; what is no table becomes one.
fn section<'t>(table: &'t mut Table, name: &str) -> &'t mut Table {
    let value = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    match value {
        Value::Table(section) => section,
        _ => unreachable!("it was made a table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<Differential, String> {
        Differential::parse(text, Path::new("dir/exits.toml"))
    }

    const SMALL: &str = "title = 't'\nlanes = ['svm', 'vtx']\ndomain = 'differ'\n[[system.domain]]\nname = 'differ'\n";

    #[test]
    fn each_lane_gets_a_scenario_with_one_cpu() {
        let test = parse(SMALL).unwrap();
        assert_eq!(test.name, "differential/exits");
        let names: Vec<&str> = test.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["differential/exits-svm", "differential/exits-vtx"]);
        for scenario in test.tests.iter().map(|test| &test.scenario) {
            assert_eq!((scenario.machine.cpus, scenario.machine.words.as_str()), (Some(1), "effects=differ"));
            assert_eq!(scenario.machine.speed.is_some(), scenario.lane == "vtx");
        }
    }

    #[test]
    fn an_error_is_planted_in_one_lane() {
        let test = parse(&format!("plant = {{ lane = 'vtx', step = 7, register = 'rax' }}\n{SMALL}")).unwrap();
        let words: Vec<&str> = test.tests.iter().map(|test| test.scenario.machine.words.as_str()).collect();
        assert_eq!(words, ["effects=differ", "effects=differ effects-plant=7"]);
    }

    #[test]
    fn mistakes_are_told() {
        for (from, to, word) in [
            ("domain = 'differ'", "", "names no domain"),
            ("'svm', ", "", "nothing to compare"),
            ("title", "plant = { lane = 'svm', step = 1, register = 'rax' }\ntitle", "behind the first"),
            ("title", "plant = { lane = 'vtx' }\ntitle", "step"),
        ] {
            let error = parse(&SMALL.replace(from, to)).err().unwrap();
            assert!(error.contains(word) && error.starts_with("dir/exits.toml"), "{error}");
        }
    }
}
