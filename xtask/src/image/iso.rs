//! A GRUB ISO that boots on BIOS and UEFI machines.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Result, at_path, trouble};
use crate::process;
use crate::progress::Task;
use crate::system::System;

/// GRUB on the serial line as well as on the screen, and the system at once.
const MENU: &str = "\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
menuentry 'Phalanx' {
    multiboot2 /boot/phalanx exit=isa:0xf4
    module2 /boot/bundle.bin bundle
}
";

/// Writes the ISO of `system` to `iso`.
pub(crate) fn write(system: &System, iso: &Path) -> Result<()> {
    let task = Task::start("Making the ISO");
    let tree = tempfile::tempdir()
        .map_err(|error| trouble(format!("no temporary folder: {error}"), "free some space in /tmp"))?;
    let put = |from: &Path, name: &str| {
        let into = tree.path().join("boot").join(name);
        fs::copy(from, &into).map(drop).map_err(at_path("copy", from))
    };
    let grub = tree.path().join("boot/grub");
    fs::create_dir_all(&grub).map_err(at_path("create", &grub))?;
    put(&system.kernel, "phalanx")?;
    put(&system.bundle, "bundle.bin")?;
    fs::write(grub.join("grub.cfg"), MENU).map_err(at_path("write in", &grub))?;
    if let Some(folder) = iso.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(at_path("create", folder))?;
    }
    let mut rescue = Command::new("grub-mkrescue");
    rescue.arg("-o").arg(iso).arg(tree.path());
    process::output(&mut rescue, "make the ISO", "run: cargo xtask doctor")?;
    task.done("done");
    Ok(())
}
