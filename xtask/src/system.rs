//! From a manifest to what a machine boots: the hypervisor and the bundle.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::arch::Arch;
use crate::bare::{Bare, KERNEL};
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::prepare::boards;
use crate::prepare::kernels::{self, Flavour};
use crate::{flat, initramfs, store};

/// The system that runs when none is named.
pub(crate) const DEMO: &str = "systems/demo.toml";

/// Files to boot.
#[derive(Clone, Debug)]
pub(crate) struct System {
    /// What they are for.
    pub(crate) arch: Arch,
    /// The hypervisor as a loader takes it: an ELF on x86, an Image on Arm.
    pub(crate) kernel: PathBuf,
    /// The bundle.
    pub(crate) bundle: PathBuf,
}

/// Builds systems for one architecture; the hypervisor, when the first is wanted, and each test guest once.
pub(crate) struct Builder<'p> {
    places: &'p Places,
    arch: Arch,
    bare: Bare<'p>,
    kernel: OnceCell<std::result::Result<PathBuf, String>>,
    guests: RefCell<BTreeSet<String>>,
}

impl<'p> Builder<'p> {
    /// Prepares the target.
    pub(crate) fn new(places: &'p Places, arch: Arch) -> Result<Self> {
        let bare = Bare::new(places, arch)?;
        Ok(Self { places, arch, bare, kernel: OnceCell::new(), guests: RefCell::default() })
    }

    /// Builds the hypervisor and the bundle of `manifest`; whatever the manifest names is prepared.
    pub(crate) fn system(&self, manifest: &Path) -> Result<System> {
        let kernel = self.kernel.get_or_init(|| self.build_kernel().map_err(|error| one_clause(&error)));
        let kernel = kernel.clone().map_err(|error| trouble(error, "mend the hypervisor, then try again"))?;
        Ok(System { arch: self.arch, kernel, bundle: self.bundle(manifest)? })
    }

    /// Builds the bundle alone.
    pub(crate) fn bundle(&self, manifest: &Path) -> Result<PathBuf> {
        let bytes = self.assemble(manifest)?;
        let name = manifest.file_stem().unwrap_or_default();
        let bundle = self.places.target.join(self.arch.place("bundles")).join(name).with_extension("bin");
        store::write_atomically(&bundle, &bytes)?;
        Ok(bundle)
    }

    /// The hypervisor as a loader takes it.
    fn build_kernel(&self) -> Result<PathBuf> {
        self.bare.build(&[KERNEL])?;
        let elf = self.bare.binary(KERNEL);
        match self.arch {
            Arch::X86 => Ok(elf),
            Arch::Arm => {
                let image = elf.with_extension("image");
                flat::write_image(&elf, &image).map(|()| image)
            }
        }
    }

    fn assemble(&self, manifest: &Path) -> Result<Vec<u8>> {
        let text = std::fs::read_to_string(manifest).map_err(at_path("read", manifest))?;
        let resolver = |name: &str| self.resolve(name).map_err(|error| one_clause(&error));
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let name = manifest.display().to_string();
        let architecture = self.arch.of_bundle();
        Ok(phalanx_bundle::build_from_str(&name, &self.arch.fill(&text), folder, &resolver, architecture)?)
    }

    /// Turns a name into a file (docs/quick-start.md lists them).
    pub(crate) fn resolve(&self, name: &str) -> Result<PathBuf> {
        match name.split_once(':') {
            None if name == "busybox" => initramfs::build(self.places, self.arch),
            Some(("debian", "u-boot")) if self.arch == Arch::Arm => boards::u_boot(self.places),
            Some(("debian", flavour)) => self.debian(flavour),
            Some(("guest", guest)) => self.test_guest(guest),
            Some(("flat", guest)) => {
                let elf = self.test_guest(guest)?;
                let flat = elf.with_file_name(format!("{guest}.flat"));
                flat::write(&elf, &flat).map(|()| flat)
            }
            Some(("init", guest)) => initramfs::alone(self.places, &self.arch.place(guest), &self.test_guest(guest)?),
            _ => Err(trouble(
                format!("nothing is called {name}"),
                "names are busybox, debian:…, guest:…, flat:… and init:…",
            )),
        }
    }

    fn debian(&self, name: &str) -> Result<PathBuf> {
        let (flavour, packed) = name.strip_suffix("-gz").map_or((name, false), |flavour| (flavour, true));
        let flavour = Flavour::named(flavour).ok_or_else(|| {
            trouble(format!("there is no Debian kernel called {name}"), "write debian:cloud, debian:full or debian:rt")
        })?;
        match (packed, self.arch) {
            (false, _) => kernels::vmlinuz(self.places, self.arch, flavour),
            (true, Arch::Arm) => kernels::packed(self.places, self.arch, flavour),
            (true, Arch::X86) => Err(trouble(
                format!("Debian's {name} is packed by itself on x86"),
                format!("write debian:{}", flavour.name()),
            )),
        }
    }

    fn test_guest(&self, name: &str) -> Result<PathBuf> {
        let (guest, feature) = name.split_once('+').map_or((name, None), |(guest, feature)| (guest, Some(feature)));
        let package = package(&self.places.root.join(self.arch.guests()).join(guest)).ok_or_else(|| {
            trouble(
                format!("there is no test guest called {guest} for {}", self.arch.name()),
                format!("the folders of {} are the names", self.arch.guests()),
            )
        })?;
        let kept = self.places.target.join(self.arch.place("guests")).join(name);
        if !self.guests.borrow().contains(name) {
            self.bare.build_with(&[&package], feature)?;
            let binary = self.bare.binary(&package);
            let bytes = std::fs::read(&binary).map_err(at_path("read", &binary))?;
            store::write_atomically(&kept, &bytes)?;
            self.guests.borrow_mut().insert(name.to_owned());
        }
        Ok(kept)
    }
}

/// The name of the package in `folder`; none where there is no package.
fn package(folder: &Path) -> Option<String> {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(folder.join("Cargo.toml")).ok()?).ok()?;
    manifest.get("package")?.get("name")?.as_str().map(str::to_owned)
}

/// An error as the bundle builder wants it: what is wrong, and what to do.
pub(crate) fn one_clause(error: &miette::Report) -> String {
    match error.help() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    }
}

/// The manifest that the user means: a path, or the name of a file in `systems/` without its ending.
pub(crate) fn find_manifest(places: &Places, named: Option<&Path>) -> Result<PathBuf> {
    let Some(named) = named else {
        return Ok(places.root.join(DEMO));
    };
    let by_name = places.root.join("systems").join(named).with_extension("toml");
    if named.is_file() {
        return Ok(named.to_path_buf());
    }
    if by_name.is_file() {
        return Ok(by_name);
    }
    Err(trouble(
        format!("there is no manifest {}", named.display()),
        format!("name a file, or one of these systems: {}", list(places)),
    ))
}

/// The architecture that a manifest is for, where it is not for any. Mistakes are the builder's to tell.
pub(crate) fn wanted_by(manifest: &Path) -> Option<Arch> {
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(manifest).ok()?).ok()?;
    let name = table.get("architecture")?.as_str()?;
    Arch::ALL.into_iter().find(|arch| arch.name() == name)
}

/// The names of the systems that come with the checkout.
fn list(places: &Places) -> String {
    let entries = std::fs::read_dir(places.root.join("systems")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_a_folder_with_a_package() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(package(&root.join("tests/guests/bench")).as_deref(), Some("guest-bench"));
        assert_eq!(package(&root.join("tests/guests/nobody")), None);
    }
}
