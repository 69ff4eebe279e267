//! System scenarios on the emulator: found, built, booted, and their logs kept when they fail.

use std::cell::OnceCell;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::corruption::Corruption;
use super::report::{self, Result as Outcome};
use super::scenario::{BootWay, Scenario, SystemSource};
use super::{device_tree, lanes, play};
use crate::arch::Arch;
use crate::emulator::machine::{Board, Boot, Machine, hypervisor_words};
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::prepare::boards;
use crate::prepare::tools::{OVMF_CODE, OVMF_VARS};
use crate::system::{Builder, System};
use crate::{image, machine, process, store};

/// Why a scenario failed.
struct Failure {
    why: String,
    console: String,
    kept: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n    {}", self.why, self.console, self.kept)
    }
}

/// Whether a run stood still or its machine reset by itself, in the lane where both happen now and then. QEMU's emulation of
/// SVM is suspected, and not proven guilty: docs/testing.md, "Further tries". The report shows every failure.
fn emulator_may_be_at_fault(test: &SystemTest, why: &str) -> bool {
    test.scenario.lane == "svm" && (why.contains("within") || why.contains("the machine was reset"))
}

/// How often a scenario is played at most.
const TRIES: usize = 3;
/// Lines of a failed console that are printed.
const SHOWN: usize = 20;

/// A scenario in one lane.
pub(crate) struct SystemTest {
    /// `lane/what`.
    pub(crate) name: String,
    scenario: Rc<Scenario>,
    folder: PathBuf,
}

impl SystemTest {
    /// Whether it boots from an ISO.
    pub(crate) fn needs_iso(&self) -> bool {
        matches!(self.scenario.machine.boot, BootWay::IsoBios | BootWay::IsoUefi)
    }

    /// The architecture of its machine; none where no lane of that name boots anything.
    pub(crate) fn arch(&self) -> Option<Arch> {
        Arch::of_lane(&self.scenario.lane)
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
        tests.extend(scenarios.into_iter().map(|scenario| test_of(scenario, &folder)));
    }
    Ok(tests)
}

fn test_of(scenario: Scenario, folder: &Path) -> SystemTest {
    let machine = scenario.host.as_ref().map(|host| format!("{host}-")).unwrap_or_default();
    let name = format!("{}/{machine}{}", scenario.lane, scenario.name);
    SystemTest { name, scenario: Rc::new(scenario), folder: folder.to_path_buf() }
}

/// Builders by architecture; each is made when the first scenario needs it.
type Builders<'p> = [OnceCell<std::result::Result<Builder<'p>, String>>; Arch::ALL.len()];

/// Runs scenarios.
pub(crate) struct Bench<'p> {
    places: &'p Places,
    patience: f64,
    builders: Builders<'p>,
}

impl<'p> Bench<'p> {
    /// A bench that multiplies time limits by `patience`.
    pub(crate) fn new(places: &'p Places, patience: f64) -> Self {
        Self { places, patience, builders: Builders::default() }
    }

    /// Builds, boots and follows one scenario.
    pub(crate) fn run(&self, test: &SystemTest) -> Outcome {
        let Some(arch) = test.arch() else {
            let lanes = Arch::ALL.map(Arch::lane).join(", ");
            return Outcome::Skipped(format!("the lanes that boot something are: {lanes}"));
        };
        let machine = match self.machine(test, arch) {
            Ok(machine) => machine,
            Err(error) => return Outcome::Failed(format!("cannot be built: {error}")),
        };
        let mut earlier = String::new();
        for attempt in 1..=TRIES {
            let log = if attempt == 1 { test.name.clone() } else { format!("{}-try-{attempt}", test.name) };
            match self.play(test, &machine, &log) {
                Ok(()) if attempt == 1 => return Outcome::Passed(test.scenario.title.clone()),
                Ok(()) => return Outcome::Passed(format!("{} (TRY {attempt}){earlier}", test.scenario.title)),
                Err(failure) if attempt < TRIES && emulator_may_be_at_fault(test, &failure.why) => {
                    earlier += &format!("\n    try {attempt}: {failure}");
                }
                Err(failure) => return Outcome::Failed(format!("{failure}{earlier}")),
            }
        }
        Outcome::Failed(earlier)
    }

    /// Plays a scenario; a failed one's console is kept in a log of this name.
    fn play(&self, test: &SystemTest, machine: &Machine, log: &str) -> std::result::Result<(), Failure> {
        let played = play::play(&test.scenario, machine, self.patience);
        let result = played.result.and_then(|()| self.same_again(test, machine, &played.console));
        result.map_err(|why| {
            let kept = report::keep(self.places, log, machine, &played.console);
            Failure { why, console: process::tail(&played.console, SHOWN), kept }
        })
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

    fn machine(&self, test: &SystemTest, arch: Arch) -> Result<Machine> {
        let system = self.system(test, arch)?;
        let spec = &test.scenario.machine;
        let (mut board, cpu) = match &test.scenario.host {
            Some(host) => lanes::machine(host).ok_or_else(|| trouble(format!("there is no machine {host}"), ""))?,
            None => (Board::of(arch), None),
        };
        if let (Board::Virt { el2, .. }, Some(wanted)) = (&mut board, spec.el2) {
            *el2 = wanted;
        }
        let mut machine = Machine::new(board, self.boot(test, system)?);
        machine.cpu = spec.cpu.clone().or(cpu.map(str::to_owned)).or(machine.cpu);
        machine.cpus = spec.cpus.unwrap_or(machine.cpus);
        machine.memory = spec.memory.clone().unwrap_or(machine.memory);
        machine.counting = spec.counting;
        machine.extra.clone_from(&spec.args);
        machine::give_tree(self.places, &mut machine)?;
        if let Some(change) = &spec.tree {
            device_tree::apply(change, &mut machine, &self.folder("bundles").join(file_name(test, "bin")))?;
        }
        Ok(machine)
    }

    /// The hypervisor and the bundle, damaged where the scenario says so.
    fn system(&self, test: &SystemTest, arch: Arch) -> Result<System> {
        let manifest = self.manifest(test)?;
        let mut system = self.builder(arch)?.system(&manifest)?;
        let Some(corruption) = &test.scenario.corrupt else { return Ok(system) };
        if *corruption == Corruption::OtherArchitecture {
            system.bundle = self.builder(arch.other())?.bundle(&manifest)?;
            return Ok(system);
        }
        let mut bytes = fs::read(&system.bundle).map_err(at_path("read", &system.bundle))?;
        corruption.apply(&mut bytes).map_err(|error| trouble(error, "mend the scenario"))?;
        system.bundle = self.folder("bundles").join(file_name(test, "corrupt.bin"));
        store::write_atomically(&system.bundle, &bytes)?;
        Ok(system)
    }

    fn builder(&self, arch: Arch) -> Result<&Builder<'p>> {
        let builder = self.builders[arch as usize]
            .get_or_init(|| Builder::new(self.places, arch).map_err(|error| error.to_string()));
        let help = format!("cargo xtask run --arch {} shows it alone", arch.name());
        builder.as_ref().map_err(|error| trouble(error, help))
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
        let images = self.folder("test-images");
        let iso = images.join(file_name(test, "iso"));
        match test.scenario.machine.boot {
            BootWay::Direct => Ok(system.into()),
            BootWay::IsoBios => image::write_iso(&system, &iso).map(|()| Boot::IsoBios { iso }),
            BootWay::IsoUefi => {
                image::write_iso(&system, &iso)?;
                let variables = iso.with_extension("vars");
                fs::copy(OVMF_VARS, &variables).map_err(at_path("copy", Path::new(OVMF_VARS)))?;
                Ok(Boot::IsoUefi { iso, code: OVMF_CODE.into(), variables })
            }
            BootWay::UBoot => {
                let folder = images.join(file_name(test, "folder"));
                image::write_folder(&system, None, hypervisor_words(system.arch), &folder)?;
                Ok(Boot::Firmware { code: boards::u_boot(self.places)?, folder })
            }
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
