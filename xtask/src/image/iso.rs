//! A GRUB ISO that boots on BIOS and UEFI machines, or on Bochs.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Result, at_path, trouble};
use crate::process;
use crate::progress::Task;
use crate::system::System;

/// Writes of model-specific registers: number and value.
pub(crate) type RegisterWrites = Vec<(u32, u64)>;

/// What the ISO is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Any PC: GRUB on the serial line as well as on the screen, by BIOS and by UEFI.
    AnyPc,
    /// Bochs: by its BIOS alone, and silently.
    Bochs {
        /// Registers of the first processor that are written before the system starts.
        writes: RegisterWrites,
        /// More words of the hypervisor's command line.
        words: String,
    },
}

/// GRUB's modules for BIOS machines.
const BIOS_MODULES: &str = "/usr/lib/grub/i386-pc";

impl For {
    /// GRUB's script.
    fn script(&self) -> String {
        match self {
            Self::AnyPc => "serial --unit=0 --speed=115200\n\
                terminal_input console serial\n\
                terminal_output console serial\n\
                set timeout=0\n\
                menuentry 'Phalanx' {\n\
                \x20   multiboot2 /boot/phalanx exit=isa:0xf4\n\
                \x20   module2 /boot/bundle.bin bundle\n\
                }\n"
            .into(),
            Self::Bochs { writes, words } => {
                let write = |(register, value): &(u32, u64)| format!("wrmsr {register:#x} {value:#x}\n");
                let writes: String = writes.iter().map(write).collect();
                let line = format!("exit=bochs {words}");
                format!("{writes}multiboot2 /boot/phalanx {}\nmodule2 /boot/bundle.bin bundle\nboot\n", line.trim_end())
            }
        }
    }

    /// What grub-mkrescue is told besides.
    fn arguments(&self) -> &'static [&'static str] {
        match self {
            Self::AnyPc => &[],
            Self::Bochs { .. } => &["--directory", BIOS_MODULES, "--locales=", "--themes=", "--fonts="],
        }
    }
}

/// Writes the ISO of `system` to `iso`.
pub(crate) fn write(system: &System, machine: &For, iso: &Path) -> Result<()> {
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
    fs::write(grub.join("grub.cfg"), machine.script()).map_err(at_path("write in", &grub))?;
    if let Some(folder) = iso.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(at_path("create", folder))?;
    }
    let mut rescue = Command::new("grub-mkrescue");
    rescue.args(machine.arguments()).arg("-o").arg(iso).arg(tree.path());
    process::output(&mut rescue, "make the ISO", "run: cargo xtask doctor")?;
    task.done("done");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_has_its_way_to_end() {
        assert!(For::AnyPc.script().contains("    multiboot2 /boot/phalanx exit=isa:0xf4\n"));
        let script = |words: &str| For::Bochs { writes: vec![(0x3a, 1)], words: words.into() }.script();
        let plain = script("");
        assert!(plain.starts_with("wrmsr 0x3a 0x1\nmultiboot2 /boot/phalanx exit=bochs\n"), "{plain}");
        assert!(script("apicv=off").contains("/boot/phalanx exit=bochs apicv=off\n"));
    }
}
