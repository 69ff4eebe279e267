//! A folder for Arm boards: U-Boot starts what is in it by itself, or by the lines in `boot.txt`.

use std::fs;
use std::path::Path;

use crate::error::{Result, at_path};
use crate::system::System;

/// The file that U-Boot looks for on its own (its documentation: "Standard boot, extlinux").
const MENU: &str = "extlinux/extlinux.conf";

/// Writes `system` with its device tree to `folder`; `words` are the hypervisor's command line.
pub(crate) fn write(system: &System, tree: Option<&Path>, words: &str, folder: &Path) -> Result<()> {
    let menu = folder.join(MENU);
    let menus = menu.parent().unwrap_or(folder);
    fs::create_dir_all(menus).map_err(at_path("create", menus))?;
    let put = |from: &Path, name: &str| fs::copy(from, folder.join(name)).map(drop).map_err(at_path("copy", from));
    put(&system.kernel, "Image")?;
    put(&system.bundle, "bundle.bin")?;
    if let Some(tree) = tree {
        put(tree, "board.dtb")?;
    }
    fs::write(&menu, extlinux(tree.is_some(), words)).map_err(at_path("write", &menu))?;
    let by_hand = folder.join("boot.txt");
    fs::write(&by_hand, typed(tree.is_some(), words)).map_err(at_path("write", &by_hand))
}

fn extlinux(tree: bool, words: &str) -> String {
    let tree = if tree { "  fdt /board.dtb\n" } else { "" };
    format!(
        "default phalanx\ntimeout 1\n\nlabel phalanx\n  kernel /Image\n  initrd /bundle.bin\n{tree}  append {words}\n"
    )
}

/// What a person types at U-Boot's prompt.
fn typed(tree: bool, words: &str) -> String {
    let (load, from) =
        if tree { ("load mmc 0:1 ${fdt_addr_r} board.dtb\n", "fdt_addr_r") } else { ("", "fdtcontroladdr") };
    format!(
        "Phalanx for U-Boot. Copy this folder's content to the first partition (FAT or ext4) of a card or disk.\n\
         U-Boot finds {MENU} there and starts by itself. By hand, at its prompt (mmc 0:1 is the\n\
         first partition of the first card; a disk is virtio, usb, nvme or scsi):\n\
         \n\
         load mmc 0:1 ${{kernel_addr_r}} Image\n\
         {load}\
         load mmc 0:1 ${{ramdisk_addr_r}} bundle.bin\n\
         setenv bootargs {words}\n\
         booti ${{kernel_addr_r}} ${{ramdisk_addr_r}}:${{filesize}} ${{{from}}}\n\
         \n\
         U-Boot must run at EL2: boards whose firmware leaves it at EL1 cannot start a hypervisor.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Arch;

    #[test]
    fn the_folder_has_what_u_boot_looks_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = dir.path().join(name);
            fs::write(&path, name).unwrap();
            path
        };
        let system = System { arch: Arch::Arm, kernel: file("k"), bundle: file("b") };
        let folder = dir.path().join("card");
        write(&system, Some(&file("t")), "exit=psci", &folder).unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!((read("Image"), read("bundle.bin"), read("board.dtb")), ("k".into(), "b".into(), "t".into()));
        assert!(read(MENU).contains("  fdt /board.dtb\n  append exit=psci\n"));
        let text = read("boot.txt");
        assert!(text.contains("booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr_r}\n"), "{text}");
    }

    #[test]
    fn without_a_tree_u_boots_own_is_used() {
        assert!(!extlinux(false, "w").contains("fdt"));
        assert!(typed(false, "w").contains("${fdtcontroladdr}\n"));
    }
}
