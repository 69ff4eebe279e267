//! Guest kernels: Debian's own, unmodified, taken out of their packages.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt::Apt;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::store;

/// Kernels and user space of the guests come from this release (Linux 6.1).
const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];

/// A build of Debian's kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// For virtual machines: the smallest.
    Cloud,
    /// For any PC.
    Full,
    /// PREEMPT_RT.
    Rt,
}

impl Flavour {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Cloud, Self::Full, Self::Rt];

    /// The name after `debian:` in a manifest.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Full => "full",
            Self::Rt => "rt",
        }
    }

    /// Finds the flavour called `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flavour| flavour.name() == name)
    }

    /// The package that depends on the newest build.
    const fn meta_package(self) -> &'static str {
        match self {
            Self::Cloud => "linux-image-cloud-amd64",
            Self::Full => "linux-image-amd64",
            Self::Rt => "linux-image-rt-amd64",
        }
    }

    /// The cache folder of this kernel.
    pub(crate) fn folder(self, places: &Places) -> PathBuf {
        places.cache.join("kernels").join(format!("debian-{}", self.name()))
    }
}

/// The apt state that guest packages come from.
pub(crate) fn guest_apt(places: &Places) -> Result<Apt> {
    Apt::open(places, "guests", &SUITES)
}

/// Returns the path of the kernel's `vmlinuz`; the first call downloads it.
pub(crate) fn vmlinuz(places: &Places, flavour: Flavour) -> Result<PathBuf> {
    let folder = store::once(&flavour.folder(places), |scratch| fetch(places, flavour, scratch))?;
    Ok(folder.join("vmlinuz"))
}

fn fetch(places: &Places, flavour: Flavour, scratch: &Path) -> Result<()> {
    let apt = guest_apt(places)?;
    let meta = flavour.meta_package();
    let package = apt.look_up(meta, |apt| apt.dependency(meta, "linux-image-"))?;
    store::aside(scratch, |unpacked| {
        apt.unpack(&package, unpacked)?;
        let found = find_vmlinuz(&unpacked.join("boot"), &package)?;
        fs::rename(&found, scratch.join("vmlinuz")).map_err(at_path("move", &found))
    })?;
    fs::write(scratch.join("package"), format!("{package}\n")).map_err(at_path("write in", scratch))
}

fn find_vmlinuz(boot: &Path, package: &str) -> Result<PathBuf> {
    fs::read_dir(boot)
        .map_err(at_path("read", boot))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
        .ok_or_else(|| trouble(format!("{package} holds no vmlinuz"), "cargo xtask clean-cache, then try again"))
}
