//! From a manifest to what a machine boots: the hypervisor and the bundle.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bare::{Bare, KERNEL};
use crate::error::{Result, at_path, trouble};
use crate::initramfs;
use crate::places::Places;
use crate::prepare::kernels::{self, Flavour};
use crate::store;

/// The system that runs when none is named.
pub(crate) const DEMO: &str = "systems/demo.toml";

/// Files to boot.
#[derive(Clone, Debug)]
pub(crate) struct System {
    /// The hypervisor's ELF.
    pub(crate) kernel: PathBuf,
    /// The bundle.
    pub(crate) bundle: PathBuf,
}

/// Builds systems; the hypervisor and each test guest once.
pub(crate) struct Builder<'p> {
    places: &'p Places,
    bare: Bare<'p>,
    guests: RefCell<BTreeSet<String>>,
}

impl<'p> Builder<'p> {
    /// Prepares the target and builds the hypervisor.
    pub(crate) fn new(places: &'p Places) -> Result<Self> {
        let bare = Bare::x86(places)?;
        bare.build(&[KERNEL])?;
        Ok(Self { places, bare, guests: RefCell::default() })
    }

    /// Builds the bundle of `manifest`; whatever the manifest names is prepared.
    pub(crate) fn system(&self, manifest: &Path) -> Result<System> {
        let resolver = |name: &str| self.resolve(name).map_err(|error| one_clause(&error));
        let bytes = phalanx_bundle::build(manifest, &resolver)?;
        let name = manifest.file_stem().unwrap_or_default();
        let bundle = self.places.target.join("bundles").join(name).with_extension("bin");
        store::write_atomically(&bundle, &bytes)?;
        Ok(System { kernel: self.bare.binary(KERNEL), bundle })
    }

    /// Turns a name into a file: `busybox`, `debian:cloud|full|rt`, or `guest:NAME`, a package of `tests/guests`, perhaps
    /// with a feature (`guest:NAME+FEATURE`).
    fn resolve(&self, name: &str) -> Result<PathBuf> {
        match name.split_once(':') {
            None if name == "busybox" => initramfs::build(self.places),
            Some(("debian", flavour)) => debian(self.places, flavour),
            Some(("guest", guest)) => self.test_guest(guest),
            _ => Err(trouble(format!("nothing is called {name}"), "names are busybox, debian:… and guest:…")),
        }
    }

    fn test_guest(&self, name: &str) -> Result<PathBuf> {
        let (guest, feature) = name.split_once('+').map_or((name, None), |(guest, feature)| (guest, Some(feature)));
        if !self.places.root.join("tests/guests").join(guest).join("Cargo.toml").is_file() {
            return Err(trouble(
                format!("there is no test guest called {guest}"),
                "the folders of tests/guests are the names",
            ));
        }
        let package = format!("guest-{guest}");
        let kept = self.places.target.join("guests").join(name);
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

/// An error as the bundle builder wants it: what is wrong, and what to do.
fn one_clause(error: &miette::Report) -> String {
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

/// The names of the systems that come with the checkout.
fn list(places: &Places) -> String {
    let entries = std::fs::read_dir(places.root.join("systems")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    names.join(", ")
}

fn debian(places: &Places, name: &str) -> Result<PathBuf> {
    let flavour = Flavour::named(name).ok_or_else(|| {
        trouble(format!("there is no Debian kernel called {name}"), "write debian:cloud, debian:full or debian:rt")
    })?;
    kernels::vmlinuz(places, flavour)
}
