//! What Arm boards need: their device trees out of Debian's kernel package, and U-Boot.

use std::fs;
use std::path::{Path, PathBuf};

use super::kernels::{self, Flavour, guest_apt};
use crate::arch::Arch;
use crate::error::{Result, at_path, trouble};
use crate::places::Places;
use crate::store;

/// Debian's device trees of the boards that are emulated, below `usr/lib/linux-image-*/`.
const DEVICE_TREES: [&str; 2] = ["xilinx/zynqmp-zcu102-rev1.0.dtb", "broadcom/bcm2711-rpi-4-b.dtb"];

/// U-Boot for the emulator's `virt` board, in the package `u-boot-qemu`.
const U_BOOT: (&str, &str) = ("u-boot-qemu", "usr/lib/u-boot/qemu_arm64/u-boot.bin");

/// Copies the boards' device trees from an unpacked kernel package to `into`. A package without them is none for boards.
pub(super) fn keep_device_trees(unpacked: &Path, into: &Path) -> Result<()> {
    let libraries = fs::read_dir(unpacked.join("usr/lib")).into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = libraries.map(|entry| entry.path()).collect();
    for tree in DEVICE_TREES {
        let Some(from) = folders.iter().map(|folder| folder.join(tree)).find(|path| path.is_file()) else { continue };
        fs::copy(&from, into.join(file_name(tree))).map_err(at_path("copy", &from))?;
    }
    Ok(())
}

/// Returns the path of a board's device tree; the first call downloads Debian's kernel with it.
pub(crate) fn device_tree(places: &Places, name: &str) -> Result<PathBuf> {
    kernels::vmlinuz(places, Arch::Arm, Flavour::Full)?;
    let path = Flavour::Full.folder(places, Arch::Arm).join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(trouble(format!("Debian's arm64 kernel package has no {name}"), "cargo xtask clean-cache, then try again"))
}

/// The cache folder of U-Boot.
pub(crate) fn u_boot_folder(places: &Places) -> PathBuf {
    places.cache.join(Arch::Arm.place("u-boot"))
}

/// Returns the path of `u-boot.bin`; the first call downloads it.
pub(crate) fn u_boot(places: &Places) -> Result<PathBuf> {
    let folder = store::once(&u_boot_folder(places), |scratch| {
        let apt = guest_apt(places, Arch::Arm)?;
        store::aside(scratch, |unpacked| {
            apt.unpack(U_BOOT.0, unpacked)?;
            let found = unpacked.join(U_BOOT.1);
            fs::rename(&found, scratch.join("u-boot.bin")).map_err(at_path("move", &found))
        })
    })?;
    Ok(folder.join("u-boot.bin"))
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_trees_are_kept_where_the_package_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let (unpacked, kept) = (dir.path().join("u"), dir.path().join("k"));
        fs::create_dir_all(unpacked.join("usr/lib/linux-image-6/xilinx")).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(unpacked.join("usr/lib/linux-image-6").join(DEVICE_TREES[0]), "tree").unwrap();
        keep_device_trees(&unpacked, &kept).unwrap();
        assert_eq!(fs::read_to_string(kept.join("zynqmp-zcu102-rev1.0.dtb")).unwrap(), "tree");
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
    }
}
