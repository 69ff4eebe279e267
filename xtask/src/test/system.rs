//! System scenarios on the emulator: found, built, booted, and their logs kept when they fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::report::{self, Result as Outcome};
use super::scenario::{BootWay, Scenario};
use super::workshop::{NoMachine, Workshop};
use super::{lanes, play};
use crate::arch::Arch;
use crate::emulator::machine::{Board, Machine};
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::process;

/// What the time limits of a scenario are multiplied by where Bochs plays it: they are written for QEMU, which translates
/// code.
const BOCHS_PATIENCE: f64 = 4.0;
/// Lines of a failed console that are printed.
const SHOWN: usize = 20;

/// A scenario in one lane.
pub(crate) struct SystemTest {
    /// `lane/what`.
    pub(crate) name: String,
    pub(super) scenario: Arc<Scenario>,
    /// The folder of its file.
    pub(super) folder: PathBuf,
}

impl SystemTest {
    /// Whether QEMU plays it and boots an ISO.
    pub(crate) fn needs_iso(&self) -> bool {
        !self.on_bochs() && matches!(self.scenario.machine.boot, BootWay::IsoBios | BootWay::IsoUefi)
    }

    /// Whether Bochs plays it.
    pub(crate) fn on_bochs(&self) -> bool {
        lanes::on_bochs(&self.scenario.lane)
    }

    /// How many processors its emulator keeps busy; `usize::MAX` where nothing may disturb it.
    ///
    /// One on x86 (Bochs emulates in one thread, and QEMU's PC [shares a processor](Machine::shares_a_processor)) and where
    /// QEMU counts instructions; else one for each CPU of the machine.
    pub(crate) fn width(&self) -> usize {
        let Scenario { machine, steps, host, .. } = &*self.scenario;
        if steps.iter().any(|step| step.clock.is_some()) {
            return usize::MAX;
        }
        if self.arch() != Some(Arch::Arm) || machine.counting {
            return 1;
        }
        let board = host.as_deref().and_then(lanes::machine).map_or(Board::of(Arch::Arm), |(board, _)| board);
        machine.cpus.unwrap_or(board.usual().cpus) as usize
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

impl SystemTest {
    /// A part of another test: `scenario` in its lane, called after both.
    pub(super) fn of(test: &str, scenario: Scenario, folder: &Path) -> Self {
        let name = format!("{test}/{}-{}", scenario.name, scenario.lane);
        Self { name, scenario: Arc::new(scenario), folder: folder.to_path_buf() }
    }

    /// Its lane.
    pub(super) fn lane(&self) -> &str {
        &self.scenario.lane
    }
}

/// A machine and what it printed.
pub(super) struct Console {
    pub(super) machine: Machine,
    pub(super) text: String,
}

fn test_of(scenario: Scenario, folder: &Path) -> SystemTest {
    let machine = scenario.host.as_ref().map(|host| format!("{host}-")).unwrap_or_default();
    let name = format!("{}/{machine}{}", scenario.lane, scenario.name);
    SystemTest { name, scenario: Arc::new(scenario), folder: folder.to_path_buf() }
}

/// Runs scenarios.
pub(crate) struct Bench<'p> {
    places: &'p Places,
    patience: f64,
    workshop: Mutex<Workshop<'p>>,
}

impl<'p> Bench<'p> {
    /// A bench that multiplies time limits by `patience`.
    pub(crate) fn new(places: &'p Places, patience: f64) -> Self {
        Self { places, patience, workshop: Mutex::new(Workshop::new(places)) }
    }

    /// Builds, boots and follows one scenario.
    pub(crate) fn run(&self, test: &SystemTest) -> Outcome {
        match self.machine(test).map(|machine| self.play(test, &machine)) {
            Ok(Ok(())) => Outcome::Passed(test.scenario.title.clone()),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(no_machine) => no_machine,
        }
    }

    /// Plays a scenario for what it prints; anything but a run to its end is the outcome.
    pub(super) fn console(&self, test: &SystemTest) -> std::result::Result<Console, Outcome> {
        let machine = self.machine(test)?;
        let played = play::play(&test.scenario, &machine, self.patience(test));
        match played.result {
            Ok(()) => Ok(Console { machine, text: played.console }),
            Err(why) => Err(Outcome::Failed(self.failure(test, &machine, &why, &played.console))),
        }
    }

    /// Builds what a test needs: one at a time, as they share what they build. Without a machine, the outcome.
    fn machine(&self, test: &SystemTest) -> std::result::Result<Machine, Outcome> {
        let arch = test.arch().ok_or_else(|| {
            let lanes = Arch::ALL.map(|arch| arch.lanes().join(", ")).join(", ");
            Outcome::Skipped(format!("the lanes that boot something are: {lanes}"))
        })?;
        let machine = self.workshop.lock().unwrap_or_else(PoisonError::into_inner).machine(test, arch);
        machine.map_err(|error| match error {
            NoMachine::Skip(why) => Outcome::Skipped(why),
            NoMachine::Wrong(error) => Outcome::Failed(format!("cannot be built: {error}")),
        })
    }

    /// Where things are.
    pub(super) const fn places(&self) -> &Places {
        self.places
    }

    fn patience(&self, test: &SystemTest) -> f64 {
        self.patience * if test.on_bochs() { BOCHS_PATIENCE } else { 1.0 }
    }

    /// Plays a scenario; a failed one's console is kept in a log of its name.
    fn play(&self, test: &SystemTest, machine: &Machine) -> std::result::Result<(), String> {
        let played = play::play(&test.scenario, machine, self.patience(test));
        let result = played.result.and_then(|()| self.same_again(test, machine, &played.console));
        result.map_err(|why| self.failure(test, machine, &why, &played.console))
    }

    /// Why, the last lines of the console, and where the rest is kept.
    fn failure(&self, test: &SystemTest, machine: &Machine, why: &str, console: &str) -> String {
        let kept = report::keep(self.places, &test.name, machine, console);
        format!("{why}\n{}\n    {kept}", process::tail(console, SHOWN))
    }

    /// Plays a scenario with `same_lines` once more and compares.
    fn same_again(&self, test: &SystemTest, machine: &Machine, first: &str) -> std::result::Result<(), String> {
        let Some(pattern) = &test.scenario.same_lines else {
            return Ok(());
        };
        let again = play::play(&test.scenario, machine, self.patience(test));
        again.result.map_err(|why| format!("the second time: {why}"))?;
        let mut pairs = pattern.lines(first).zip(pattern.lines(&again.console));
        match pairs.find(|(one, two)| one != two) {
            Some((one, two)) => Err(format!("the second run differs: {one} became {two}")),
            None if pattern.lines(first).count() == 0 => Err("no line matches same_lines".into()),
            None => Ok(()),
        }
    }
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

    #[test]
    fn a_test_is_as_wide_as_its_emulator() {
        let width = |text: &str| {
            let scenario = Scenario::parse(&format!("title = 't'\nsystem = 'x'\n{text}"), Path::new("x.toml")).unwrap();
            test_of(scenario.into_iter().next().unwrap(), Path::new("")).width()
        };
        let step = "[[step]]\nexpect = 'x'\n";
        assert_eq!(width(step), 1);
        assert_eq!(width(&format!("lanes = ['el2']\n[machine]\ncpus = 8\n{step}")), 8);
        assert_eq!(width(&format!("lanes = ['el2']\nmachines = ['zcu102']\n{step}")), 4);
        assert_eq!(width(&format!("lanes = ['el2']\n[el2]\nmachines = ['zcu102']\n{step}")), 4);
        assert_eq!(width(&format!("lanes = ['vtx']\n[machine]\ncpus = 4\n{step}")), 1);
        assert_eq!(width(&format!("lanes = ['el2']\n[machine]\ncounting = true\n{step}")), 1);
        let clock =
            "[machine]\ncpus = 1\n[[step]]\nclock = { line = '(.*)', hertz = 1, seconds = 1, tolerance = 0.01 }\n";
        assert_eq!(width(clock), usize::MAX);
    }
}
