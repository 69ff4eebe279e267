//! From a scenario to the machine that plays it: built, written, configured.

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use super::corruption::Corruption;
use super::scenario::{BootWay, MachineSpec, SystemSource};
use super::system::SystemTest;
use super::{device_tree, lanes};
use crate::arch::Arch;
use crate::emulator::machine::{Board, Boot, Machine, hypervisor_words};
use crate::error::{Result, at_path, trouble};
use crate::image::{self, For};
use crate::on_bochs::Prepared;
use crate::places::Places;
use crate::prepare::boards;
use crate::prepare::bochs::Missing;
use crate::prepare::tools::{OVMF_CODE, OVMF_VARS};
use crate::system::{Builder, System};
use crate::{machine, store};

/// Why there is no machine.
pub(super) enum NoMachine {
    /// What the emulator is made with is not to be had here: nobody's mistake.
    Skip(String),
    /// Something is wrong.
    Wrong(miette::Report),
}

impl From<miette::Report> for NoMachine {
    fn from(report: miette::Report) -> Self {
        Self::Wrong(report)
    }
}

/// Bochs, prepared when the first scenario needs it, or the line that says why not and whether that is nobody's mistake.
type Prepare = OnceCell<std::result::Result<Prepared, (String, bool)>>;

/// Builders by architecture; each is made when the first scenario needs it.
type Builders<'p> = [OnceCell<std::result::Result<Builder<'p>, String>>; Arch::ALL.len()];

/// Makes machines.
pub(super) struct Workshop<'p> {
    places: &'p Places,
    builders: Builders<'p>,
    bochs: Prepare,
}

impl<'p> Workshop<'p> {
    /// A workshop in which nothing is prepared yet.
    pub(super) fn new(places: &'p Places) -> Self {
        Self { places, builders: Builders::default(), bochs: Prepare::default() }
    }

    /// The machine of a scenario, with everything that it boots.
    pub(super) fn machine(&self, test: &SystemTest, arch: Arch) -> std::result::Result<Machine, NoMachine> {
        if test.on_bochs() { self.machine_on_bochs(test, arch) } else { Ok(self.machine_on_qemu(test, arch)?) }
    }

    fn machine_on_bochs(&self, test: &SystemTest, arch: Arch) -> std::result::Result<Machine, NoMachine> {
        let prepared = self.bochs.get_or_init(|| {
            let ci = std::env::var("CI").is_ok_and(|value| value == "true");
            let excused = |missing: &Missing| matches!(missing, Missing::Means(_)) && !ci;
            Prepared::ensure(self.places).map_err(|missing| (missing.line(), excused(&missing)))
        });
        let prepared = prepared.as_ref().map_err(|(line, excused)| match excused {
            true => NoMachine::Skip(line.clone()),
            false => NoMachine::Wrong(trouble(line, "cargo xtask run --emulator bochs shows it alone")),
        })?;
        let (scenario, spec) = (&test.scenario, &test.scenario.machine);
        let mut start = spec.firmware.clone().unwrap_or_default();
        start.words = format!("{} {}", start.words, spec.words).trim().to_owned();
        let system = self.system(test, arch)?;
        let mut machine = prepared.boot(self.places, &test.name.replace('/', "-"), &system, &start)?;
        if let (Some(setup), Some(speed)) = (&mut machine.on_bochs, spec.speed) {
            setup.speed = speed;
        }
        machine.cpu = lanes::bochs_cpu(&scenario.lane, scenario.host.as_deref()).map(str::to_owned);
        Ok(adjusted(machine, spec))
    }

    fn machine_on_qemu(&self, test: &SystemTest, arch: Arch) -> Result<Machine> {
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
        machine.cpu = cpu.map(str::to_owned).or(machine.cpu);
        let mut machine = adjusted(machine, spec);
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
            BootWay::Direct => Ok(told(system.into(), &test.scenario.machine.words)),
            BootWay::IsoBios => image::write_iso(&system, &For::AnyPc, &iso).map(|()| Boot::IsoBios { iso }),
            BootWay::IsoUefi => {
                image::write_iso(&system, &For::AnyPc, &iso)?;
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

/// `boot` with more words for the hypervisor.
fn told(mut boot: Boot, words: &str) -> Boot {
    if let (Boot::Direct(direct), false) = (&mut boot, words.is_empty()) {
        direct.words = format!("{} {words}", direct.words);
    }
    boot
}

/// `machine` with what the scenario wants otherwise.
fn adjusted(mut machine: Machine, spec: &MachineSpec) -> Machine {
    machine.cpu = spec.cpu.clone().or(machine.cpu);
    machine.cpus = spec.cpus.unwrap_or(machine.cpus);
    machine.memory = spec.memory.clone().unwrap_or(machine.memory);
    machine.counting = spec.counting;
    machine.extra.clone_from(&spec.args);
    machine
}

fn file_name(test: &SystemTest, ending: &str) -> String {
    format!("{}.{ending}", test.name.replace('/', "-"))
}
