//! The guests' user space: Debian's statically linked busybox.

use std::fs;
use std::path::{Path, PathBuf};

use super::kernels::guest_apt;
use crate::error::{Result, at_path};
use crate::places::Places;
use crate::store;

/// The cache folder of the program.
pub(crate) fn folder(places: &Places) -> PathBuf {
    places.cache.join("busybox")
}

/// Returns the path of the busybox binary; the first call downloads it.
pub(crate) fn binary(places: &Places) -> Result<PathBuf> {
    let folder = store::once(&folder(places), |scratch| fetch(places, scratch))?;
    Ok(folder.join("busybox"))
}

fn fetch(places: &Places, scratch: &Path) -> Result<()> {
    let apt = guest_apt(places)?;
    let unpacked = tempfile::tempdir_in(&places.cache).map_err(at_path("create a folder in", &places.cache))?;
    apt.unpack("busybox-static", unpacked.path())?;
    let found = ["bin/busybox", "usr/bin/busybox"].map(|path| unpacked.path().join(path));
    let found = found.iter().find(|path| path.is_file()).unwrap_or(&found[0]);
    fs::copy(found, scratch.join("busybox")).map_err(at_path("copy", found))?;
    Ok(())
}
