//! From a manifest to what a machine boots: the hypervisor and the bundle.

use std::cell::RefCell;
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

/// Builds the hypervisor and the bundle of `manifest`; whatever the manifest names is prepared.
pub(crate) fn build(places: &Places, manifest: &Path) -> Result<System> {
    let bare = Bare::x86(places)?;
    bare.build(&[KERNEL])?;
    let bundle = bundle(places, &bare, manifest)?;
    Ok(System { kernel: bare.binary(KERNEL), bundle })
}

/// The manifest that the user means: a path, or the name of a file in `systems/` without its ending.
pub(crate) fn find_manifest(places: &Places, named: Option<&Path>) -> Result<PathBuf> {
    let Some(named) = named else { return Ok(places.root.join(DEMO)) };
    let by_name = places.root.join("systems").join(named).with_extension("toml");
    if named.is_file() {
        return Ok(named.to_path_buf());
    }
    if by_name.is_file() {
        return Ok(by_name);
    }
    Err(trouble(format!("there is no manifest {}", named.display()), format!("name a file, or one of these systems: {}", list(places))))
}

/// The names of the systems that come with the checkout.
fn list(places: &Places) -> String {
    let entries = std::fs::read_dir(places.root.join("systems")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    names.join(", ")
}

/// Builds the bundle of `manifest` under the output folder and returns its path.
pub(crate) fn bundle(places: &Places, bare: &Bare<'_>, manifest: &Path) -> Result<PathBuf> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let failed = RefCell::new(None);
    let resolver = |name: &str| {
        resolve(places, bare, folder, name).map_err(|error| {
            let text = error.to_string();
            failed.borrow_mut().get_or_insert(error);
            text
        })
    };
    let bytes = match phalanx_bundle::build(manifest, &resolver) {
        Ok(bytes) => bytes,
        Err(error) => return Err(failed.take().map_or_else(|| error.into(), |cause| cause.wrap_err(format!("in {}", places.short(manifest))))),
    };
    let name = manifest.file_stem().unwrap_or_default();
    let path = places.target.join("bundles").join(name).with_extension("bin");
    store::write_atomically(&path, &bytes)?;
    Ok(path)
}

/// Turns what a manifest names into a file:
/// `debian:cloud|full|rt`, `busybox`, `guest:NAME` (a package of `tests/guests`), or a path relative to the manifest.
fn resolve(places: &Places, bare: &Bare<'_>, folder: &Path, name: &str) -> Result<PathBuf> {
    if name == "busybox" {
        return initramfs::build(places);
    }
    match name.split_once(':') {
        Some(("debian", flavour)) => debian(places, flavour),
        Some(("guest", guest)) => test_guest(places, bare, guest),
        _ => {
            let path = folder.join(name);
            std::fs::metadata(&path).map_err(at_path("read", &path))?;
            Ok(path)
        }
    }
}

fn debian(places: &Places, name: &str) -> Result<PathBuf> {
    let flavour = Flavour::named(name).ok_or_else(|| {
        trouble(format!("there is no Debian kernel called {name}"), "write debian:cloud, debian:full or debian:rt")
    })?;
    kernels::vmlinuz(places, flavour)
}

fn test_guest(places: &Places, bare: &Bare<'_>, guest: &str) -> Result<PathBuf> {
    if !places.root.join("tests/guests").join(guest).join("Cargo.toml").is_file() {
        return Err(trouble(format!("there is no test guest called {guest}"), "the folders of tests/guests are the names"));
    }
    let package = format!("guest-{guest}");
    bare.build(&[&package])?;
    Ok(bare.binary(&package))
}
