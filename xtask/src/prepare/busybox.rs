//! The guests' user space: Debian's statically linked busybox.

use std::fs;
use std::path::{Path, PathBuf};

use super::kernels::guest_apt;
use crate::arch::Arch;
use crate::error::{Result, at_path};
use crate::places::Places;
use crate::store;

/// The cache folder of the program for `arch`.
pub(crate) fn folder(places: &Places, arch: Arch) -> PathBuf {
    places.cache.join(arch.place("busybox"))
}

/// Returns the path of the busybox binary for `arch`; the first call downloads it.
pub(crate) fn binary(places: &Places, arch: Arch) -> Result<PathBuf> {
    let folder = store::once(&folder(places, arch), |scratch| fetch(places, arch, scratch))?;
    Ok(folder.join("busybox"))
}

fn fetch(places: &Places, arch: Arch, scratch: &Path) -> Result<()> {
    let apt = guest_apt(places, arch)?;
    store::aside(scratch, |unpacked| {
        apt.unpack("busybox-static", unpacked)?;
        let paths = ["bin/busybox", "usr/bin/busybox"].map(|path| unpacked.join(path));
        let found = paths.iter().find(|path| path.is_file()).unwrap_or(&paths[0]);
        fs::rename(found, scratch.join("busybox")).map_err(at_path("move", found))
    })
}
