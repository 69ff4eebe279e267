//! Guest kernels: Debian's own, unmodified, taken out of their packages.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::apt::Apt;
use super::boards;
use crate::arch::Arch;
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
    /// For any machine.
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
    fn meta_package(self, arch: Arch) -> String {
        let kind = match self {
            Self::Cloud => "cloud-",
            Self::Full => "",
            Self::Rt => "rt-",
        };
        format!("linux-image-{kind}{}", arch.debian())
    }

    /// The cache folder of this kernel for `arch`.
    pub(crate) fn folder(self, places: &Places, arch: Arch) -> PathBuf {
        places.cache.join("kernels").join(arch.place(&format!("debian-{}", self.name())))
    }
}

/// The apt state that guest packages for `arch` come from.
pub(crate) fn guest_apt(places: &Places, arch: Arch) -> Result<Apt> {
    Apt::open(places, &arch.place("guests"), &SUITES, arch)
}

/// Returns the path of the kernel's `vmlinuz` for `arch`; the first call downloads it.
pub(crate) fn vmlinuz(places: &Places, arch: Arch, flavour: Flavour) -> Result<PathBuf> {
    let folder = store::once(&flavour.folder(places, arch), |scratch| fetch(places, arch, flavour, scratch))?;
    Ok(folder.join("vmlinuz"))
}

/// The same kernel packed by gzip, as boot loaders for Arm take it: Debian's is not.
pub(crate) fn packed(places: &Places, arch: Arch, flavour: Flavour) -> Result<PathBuf> {
    let plain = vmlinuz(places, arch, flavour)?;
    let mut place = flavour.folder(places, arch).into_os_string();
    place.push("-gz");
    let folder = store::once(Path::new(&place), |scratch| {
        let bytes = fs::read(&plain).map_err(at_path("read", &plain))?;
        let path = scratch.join("vmlinuz.gz");
        let file = fs::File::create(&path).map_err(at_path("create", &path))?;
        let mut gzip = GzBuilder::new().mtime(0).write(file, Compression::fast());
        gzip.write_all(&bytes).and_then(|()| gzip.finish().map(drop)).map_err(at_path("write", &path))
    })?;
    Ok(folder.join("vmlinuz.gz"))
}

fn fetch(places: &Places, arch: Arch, flavour: Flavour, scratch: &Path) -> Result<()> {
    let apt = guest_apt(places, arch)?;
    let meta = flavour.meta_package(arch);
    let package = apt.look_up(&meta, |apt| apt.dependency(&meta, "linux-image-"))?;
    store::aside(scratch, |unpacked| {
        apt.unpack(&package, unpacked)?;
        let found = find_vmlinuz(&unpacked.join("boot"), &package)?;
        fs::rename(&found, scratch.join("vmlinuz")).map_err(at_path("move", &found))?;
        boards::keep_device_trees(unpacked, scratch)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_places_differ_by_architecture() {
        assert_eq!(Flavour::Full.meta_package(Arch::X86), "linux-image-amd64");
        assert_eq!(Flavour::Rt.meta_package(Arch::Arm), "linux-image-rt-arm64");
        let places = Places { root: "/r".into(), target: "/t".into(), cache: "/c".into() };
        assert_eq!(Flavour::Cloud.folder(&places, Arch::X86), Path::new("/c/kernels/debian-cloud"));
        assert_eq!(Flavour::Cloud.folder(&places, Arch::Arm), Path::new("/c/kernels/debian-cloud-arm64"));
    }
}
