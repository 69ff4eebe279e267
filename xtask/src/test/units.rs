//! Unit tests that need the processor: one binary at EL2, one test a run, its verdict the emulator's exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::lanes;
use super::report::{self, Result as Outcome};
use crate::arch::Arch;
use crate::bare::Bare;
use crate::emulator::child::{Emulator, Heard};
use crate::emulator::machine::{Boot, Direct, Machine};
use crate::emulator::outcome::Ended;
use crate::emulator::transcript::Transcript;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::{flat, process};

/// The folder of the package.
pub(crate) const FOLDER: &str = "tests/units/aarch64";
/// The package and its binary.
const PACKAGE: &str = "unit-aarch64";
/// The machines of a test that does not name its own.
const MACHINES: [&str; 3] = ["a72", "n1", "max"];
/// A test takes a tenth of a second where the machine is not busy.
const LIMIT: Duration = Duration::from_secs(30);

/// One test on one machine.
pub(crate) struct UnitTest {
    /// `unit/MACHINE-what`.
    pub(crate) name: String,
    machine: String,
    entry: Entry,
}

impl UnitTest {
    /// How many processors it keeps busy.
    pub(crate) fn width(&self) -> usize {
        self.entry.cpus.map_or(1, |cpus| cpus as usize)
    }
}

/// A test as `tests.toml` lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    title: String,
    /// All three where it is left out.
    machines: Option<Vec<String>>,
    /// One that counts instructions where it is left out.
    cpus: Option<u32>,
    #[serde(default)]
    exit: Exit,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Exit {
    #[default]
    Passed,
    Failed,
}

impl Exit {
    /// How the emulator ends, and the word on the last line.
    const fn wanted(self) -> (Ended, &'static str) {
        match self {
            Self::Passed => (Ended::Clean, "ok"),
            Self::Failed => (Ended::Refused, "FAIL"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    test: Vec<Entry>,
}

/// All tests, in the order of the list, machine by machine.
pub(crate) fn find(places: &Places) -> Result<Vec<UnitTest>> {
    let path = places.root.join(FOLDER).join("tests.toml");
    let text = fs::read_to_string(&path).map_err(at_path("read", &path))?;
    read(&text).map_err(|error| trouble(format!("{}: {error}", path.display()), "its first lines are its manual"))
}

fn read(text: &str) -> std::result::Result<Vec<UnitTest>, String> {
    let list: List = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut tests = Vec::new();
    for entry in list.test {
        let machines = entry.machines.clone().unwrap_or_else(|| MACHINES.map(str::to_owned).to_vec());
        for machine in machines {
            lanes::machine(&machine).ok_or_else(|| format!("there is no machine {machine}"))?;
            let name = format!("unit/{machine}-{}", entry.name);
            tests.push(UnitTest { name, machine, entry: entry.clone() });
        }
    }
    Ok(tests)
}

/// Runs unit tests; the binary is built when the first one needs it.
pub(crate) struct Units<'p> {
    places: &'p Places,
    limit: Duration,
    image: OnceLock<std::result::Result<PathBuf, String>>,
}

impl<'p> Units<'p> {
    /// Time limits are multiplied by `patience`.
    pub(crate) fn new(places: &'p Places, patience: f64) -> Self {
        Self { places, limit: LIMIT.mul_f64(patience), image: OnceLock::new() }
    }

    /// Runs one test.
    pub(crate) fn run(&self, test: &UnitTest) -> Outcome {
        let image = self.image.get_or_init(|| build(self.places).map_err(|error| error.to_string()));
        let machine = match image.as_ref().map(|image| machine(test, image)) {
            Ok(Some(machine)) => machine,
            Ok(None) => return Outcome::Failed(format!("there is no machine {}", test.machine)),
            Err(error) => return Outcome::Failed(format!("cannot be built: {error}")),
        };
        let (result, console) = follow(&machine, &test.entry, self.limit);
        match result {
            Ok(()) => Outcome::Passed(test.entry.title.clone()),
            Err(why) => {
                let kept = report::keep(self.places, &test.name, &machine, &console);
                Outcome::Failed(format!("{why}\n{}\n    {kept}", process::tail(&console, 20)))
            }
        }
    }
}

fn build(places: &Places) -> Result<PathBuf> {
    let bare = Bare::new(places, Arch::Arm)?;
    bare.build(&[PACKAGE])?;
    let elf = bare.binary(PACKAGE);
    let image = elf.with_extension("image");
    flat::write_image(&elf, &image).map(|()| image)
}

fn machine(test: &UnitTest, image: &Path) -> Option<Machine> {
    let (board, cpu) = lanes::machine(&test.machine)?;
    let words = format!("test={}", test.entry.name);
    let boot = Boot::Direct(Direct { kernel: image.to_path_buf(), module: None, words, tree: None });
    let (cpus, counting) = test.entry.cpus.map_or((1, true), |cpus| (cpus, false));
    Some(Machine { cpus, counting, cpu: cpu.map(str::to_owned), ..Machine::new(board, boot) })
}

/// The verdict, and everything the machine printed.
fn follow(machine: &Machine, entry: &Entry, limit: Duration) -> (std::result::Result<(), String>, String) {
    match Emulator::start(machine) {
        Ok(mut emulator) => {
            let mut transcript = Transcript::default();
            let result =
                listen(&mut emulator, &mut transcript, limit).and_then(|ended| judge(&ended, transcript.text(), entry));
            (result, transcript.text().to_owned())
        }
        Err(error) => (Err(error.to_string()), String::new()),
    }
}

fn listen(emulator: &mut Emulator, transcript: &mut Transcript, limit: Duration) -> std::result::Result<Ended, String> {
    let deadline = Instant::now() + limit;
    loop {
        match emulator.hear(deadline) {
            Heard::Bytes(bytes) => transcript.push(&bytes),
            Heard::End(ended) => return Ok(ended),
            Heard::Nothing => return Err(format!("no end within {} s", limit.as_secs())),
        }
    }
}

/// The exit code counts, and the last line must agree with it.
fn judge(ended: &Ended, console: &str, entry: &Entry) -> std::result::Result<(), String> {
    let (wanted, word) = entry.exit.wanted();
    let line = format!("unit {} {word}", entry.name);
    if *ended != wanted {
        return Err(format!("it should have ended otherwise ({wanted}): {ended}"));
    }
    if console.lines().next_back().is_some_and(|last| last.starts_with(&line)) {
        return Ok(());
    }
    Err(format!("its last line is not: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[[test]]\nname = 'a'\ntitle = 't'\n[[test]]\nname = 'b'\ntitle = 't'\nmachines = ['max']\n\
                        cpus = 4\nexit = 'failed'\n";

    #[test]
    fn a_test_runs_on_all_machines_or_on_its_own() {
        let tests = read(LIST).unwrap();
        let names: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["unit/a72-a", "unit/n1-a", "unit/max-a", "unit/max-b"]);
        assert!(read(&LIST.replace("max", "m1")).is_err());
    }

    #[test]
    fn one_cpu_counts_and_several_do_not() {
        let tests = read(LIST).unwrap();
        let one = machine(&tests[0], Path::new("k")).unwrap().typed();
        assert!(one.contains("gic-version=2") && one.contains("-smp 1") && one.contains("-icount"), "{one}");
        assert!(one.ends_with("-kernel k -append test=a"), "{one}");
        let four = machine(&tests[3], Path::new("k")).unwrap().typed();
        assert!(four.contains("-smp 4") && !four.contains("-icount"), "{four}");
    }

    #[test]
    fn exit_code_and_last_line_must_agree() {
        let tests = read(LIST).unwrap();
        let (a, b) = (&tests[0].entry, &tests[3].entry);
        assert_eq!(judge(&Ended::Clean, "x\nunit a ok\n", a), Ok(()));
        assert_eq!(judge(&Ended::Refused, "unit b FAIL: on purpose\n", b), Ok(()));
        assert!(judge(&Ended::Clean, "unit a ok\nmore\n", a).is_err());
        assert!(judge(&Ended::Silent, "unit a ok\n", a).is_err());
        assert!(judge(&Ended::Clean, "unit b ok\n", b).is_err());
    }
}
