//! System scenarios on the emulator: found, built, booted, and their logs kept when they fail.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use super::name::LANES;
use super::play;
use super::report::Result as Outcome;
use super::scenario::{BootWay, Scenario, SystemSource};
use crate::emulator::machine::{Boot, Machine};
use crate::error::{Result, at_path, trouble};
use crate::image;
use crate::places::Places;
use crate::prepare::tools::{OVMF_CODE, OVMF_VARS};
use crate::process;
use crate::store;
use crate::system::{Builder, System};

/// Lines of a failed console that are printed.
const SHOWN: usize = 20;

/// A scenario in one lane.
pub(crate) struct SystemTest {
    /// `lane/what`.
    pub(crate) name: String,
    lane: String,
    scenario: std::rc::Rc<Scenario>,
    folder: PathBuf,
}

impl SystemTest {
    /// Whether it boots from an ISO.
    pub(crate) fn needs_iso(&self) -> bool {
        self.scenario.machine.boot != BootWay::Direct
    }
}

/// All scenarios of `tests/system/scenarios`, in the order of their files' names.
pub(crate) fn find(places: &Places) -> Result<Vec<SystemTest>> {
    let folder = places.root.join("tests/system/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(at_path("read", &folder))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    let mut tests = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(at_path("read", &file))?;
        let scenarios =
            Scenario::parse(&text, &file).map_err(|error| trouble(error, "tests/system/README.md is the manual"))?;
        tests.extend(scenarios.into_iter().flat_map(|scenario| in_lanes(scenario, &folder)));
    }
    Ok(tests)
}

fn in_lanes(scenario: Scenario, folder: &Path) -> Vec<SystemTest> {
    let scenario = std::rc::Rc::new(scenario);
    let test = |lane: &String| SystemTest {
        name: format!("{lane}/{}", scenario.name),
        lane: lane.clone(),
        scenario: std::rc::Rc::clone(&scenario),
        folder: folder.to_path_buf(),
    };
    scenario.lanes.iter().map(test).collect()
}

/// Runs scenarios; the hypervisor is built when the first one needs it.
pub(crate) struct Bench<'p> {
    places: &'p Places,
    patience: f64,
    builder: OnceCell<std::result::Result<Builder<'p>, String>>,
}

impl<'p> Bench<'p> {
    /// A bench that multiplies time limits by `patience`.
    pub(crate) fn new(places: &'p Places, patience: f64) -> Self {
        Self { places, patience, builder: OnceCell::new() }
    }

    /// Builds, boots and follows one scenario.
    pub(crate) fn run(&self, test: &SystemTest) -> Outcome {
        if test.lane != "svm" {
            return Outcome::Skipped(format!("the lanes that boot something are: {}", LANES[2]));
        }
        let machine = match self.machine(test) {
            Ok(machine) => machine,
            Err(error) => return Outcome::Failed(format!("cannot be built: {error}")),
        };
        let played = play::play(&test.scenario, &machine, self.patience);
        let result = played.result.and_then(|()| self.same_again(test, &machine, &played.console));
        match result {
            Ok(()) => Outcome::Passed(test.scenario.title.clone()),
            Err(why) => {
                let kept = self.keep(test, &machine, &played.console);
                Outcome::Failed(format!("{why}\n{}\n    {kept}", process::tail(&played.console, SHOWN)))
            }
        }
    }

    /// Plays a scenario with `same_lines` once more and compares.
    fn same_again(&self, test: &SystemTest, machine: &Machine, first: &str) -> std::result::Result<(), String> {
        let Some(pattern) = &test.scenario.same_lines else {
            return Ok(());
        };
        let again = play::play(&test.scenario, machine, self.patience);
        again.result.map_err(|why| format!("the second time: {why}"))?;
        let mut pairs = pattern.lines(first).zip(pattern.lines(&again.console));
        match pairs.find(|(one, two)| one != two) {
            Some((one, two)) => Err(format!("the second run differs: {one} became {two}")),
            None if pattern.lines(first).count() == 0 => Err("no line matches same_lines".into()),
            None => Ok(()),
        }
    }

    fn machine(&self, test: &SystemTest) -> Result<Machine> {
        let builder = self.builder.get_or_init(|| Builder::new(self.places).map_err(|error| error.to_string()));
        let builder = builder.as_ref().map_err(|error| trouble(error, "cargo xtask run shows it alone"))?;
        let manifest = self.manifest(test)?;
        let mut system = builder.system(&manifest)?;
        if let Some(corruption) = &test.scenario.corrupt {
            let mut bytes = fs::read(&system.bundle).map_err(at_path("read", &system.bundle))?;
            corruption.apply(&mut bytes).map_err(|error| trouble(error, "mend the scenario"))?;
            system.bundle = self.folder("bundles").join(file_name(test, "corrupt.bin"));
            store::write_atomically(&system.bundle, &bytes)?;
        }
        let spec = &test.scenario.machine;
        let (cpus, memory, cpu) = (spec.cpus, spec.memory.clone(), spec.cpu.clone());
        let boot = self.boot(test, system)?;
        Ok(Machine { boot, cpus, memory, cpu, counting: spec.counting, extra: spec.args.clone() })
    }

    /// The manifest's file; one written in the scenario gets a file of its own.
    fn manifest(&self, test: &SystemTest) -> Result<PathBuf> {
        match &test.scenario.system {
            SystemSource::File(path) => Ok(test.folder.join(path)),
            SystemSource::Inline(table) => {
                let path = self.folder("test-systems").join(file_name(test, "toml"));
                store::write_atomically(&path, table.to_string().as_bytes())?;
                Ok(path)
            }
        }
    }

    fn boot(&self, test: &SystemTest, system: System) -> Result<Boot> {
        let iso = self.folder("test-images").join(file_name(test, "iso"));
        match test.scenario.machine.boot {
            BootWay::Direct => return Ok(system.into()),
            BootWay::IsoBios | BootWay::IsoUefi => image::write(&system, &iso)?,
        }
        if test.scenario.machine.boot == BootWay::IsoBios {
            return Ok(Boot::IsoBios { iso });
        }
        let variables = iso.with_extension("vars");
        fs::copy(OVMF_VARS, &variables).map_err(at_path("copy", Path::new(OVMF_VARS)))?;
        Ok(Boot::IsoUefi { iso, code: OVMF_CODE.into(), variables })
    }

    /// Writes the failed console to a log and says where.
    fn keep(&self, test: &SystemTest, machine: &Machine, console: &str) -> String {
        let path = self.folder("test-logs").join(file_name(test, "log"));
        let text = format!("{}\n\n{console}", machine.typed());
        match store::write_atomically(&path, text.as_bytes()) {
            Ok(()) => format!("whole console: {}", self.places.short(&path)),
            Err(error) => error.to_string(),
        }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.places.target.join(name)
    }
}

fn file_name(test: &SystemTest, ending: &str) -> String {
    format!("{}.{ending}", test.name.replace('/', "-"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_reads_and_has_a_name_of_its_own() {
        let places = Places::find().unwrap();
        let tests = find(&places).unwrap();
        let names: BTreeSet<&str> = tests.iter().map(|test| test.name.as_str()).collect();
        assert!(tests.len() > 20);
        assert_eq!(names.len(), tests.len());
        assert!(names.iter().all(|name| !name.contains("${")), "{names:?}");
    }
}
