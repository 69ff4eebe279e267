//! Programs that the commands start: the emulator, and what makes an ISO.

use std::path::Path;
use std::process::Command;

use crate::arch::Arch;
use crate::process;

/// A program or file from a Debian package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// What a person calls it.
    pub(crate) name: &'static str,
    /// Debian's package that has it.
    pub(crate) package: &'static str,
    /// What it is here for.
    pub(crate) why: &'static str,
    /// What is here: the version or the path; `Err` says what is wrong.
    pub(crate) look: fn() -> Result<String, String>,
}

/// QEMU's oldest major version whose software emulation has what the hypervisor needs of a processor with SVM.
const QEMU_X86_AT_LEAST: u32 = 8;
/// QEMU's oldest major version with all Arm boards that the tests boot (`raspi4b` is the youngest).
const QEMU_ARM_AT_LEAST: u32 = 9;

/// The emulator for `arch`.
pub(crate) const fn emulator(arch: Arch) -> &'static [Tool] {
    match arch {
        Arch::X86 => &[Tool {
            name: QEMU_X86,
            package: "qemu-system-x86",
            why: "the emulated PC that Phalanx runs on",
            look: || qemu(QEMU_X86, QEMU_X86_AT_LEAST),
        }],
        Arch::Arm => &[Tool {
            name: QEMU_ARM,
            package: "qemu-system-arm",
            why: "the emulated Arm machine that Phalanx runs on",
            look: || qemu(QEMU_ARM, QEMU_ARM_AT_LEAST),
        }],
    }
}

/// The emulator's program for PCs.
pub(crate) const QEMU_X86: &str = "qemu-system-x86_64";
/// The emulator's program for Arm machines.
pub(crate) const QEMU_ARM: &str = "qemu-system-aarch64";

/// What an ISO for BIOS machines is made with.
pub(crate) const IMAGE_BIOS: &[Tool] = &[
    Tool {
        name: "grub-mkrescue",
        package: "grub-common",
        why: "makes the bootable ISO",
        look: || program("grub-mkrescue"),
    },
    Tool {
        name: "GRUB for BIOS",
        package: "grub-pc-bin",
        why: "the ISO's loader on a BIOS machine",
        look: || file("/usr/lib/grub/i386-pc/moddep.lst"),
    },
    Tool { name: "xorriso", package: "xorriso", why: "writes the ISO file", look: || program("xorriso") },
];

/// What one needs besides that boots by UEFI too.
const IMAGE_UEFI: [Tool; 2] = [
    Tool {
        name: "GRUB for UEFI",
        package: "grub-efi-amd64-bin",
        why: "the ISO's loader on a UEFI machine",
        look: || file("/usr/lib/grub/x86_64-efi/moddep.lst"),
    },
    Tool { name: "mformat", package: "mtools", why: "makes the ISO's UEFI partition", look: || program("mformat") },
];

/// What `cargo xtask image` starts for a PC.
pub(crate) fn image() -> Vec<Tool> {
    [IMAGE_BIOS, &IMAGE_UEFI].concat()
}

/// What Bochs is built with.
pub(crate) const BUILD: &[Tool] = &[
    Tool { name: "g++", package: "g++", why: "builds Bochs", look: || program("g++") },
    Tool { name: "make", package: "make", why: "builds Bochs", look: || program("make") },
    Tool { name: "patch", package: "patch", why: "mends Bochs' source", look: || program("patch") },
    Tool { name: "xz", package: "xz-utils", why: "unpacks Bochs' source", look: || program("xz") },
];

/// The firmware for UEFI boots in the emulator.
pub(crate) const FIRMWARE: &[Tool] =
    &[Tool { name: "OVMF", package: "ovmf", why: "UEFI firmware for the emulated machine", look: || file(OVMF_CODE) }];

/// UEFI firmware code and the template of its variables (package `ovmf`).
pub(crate) const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// See [`OVMF_CODE`].
pub(crate) const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// Those of `tools` that are not here, each with what is wrong.
pub(crate) fn missing(tools: &[Tool]) -> Vec<(Tool, String)> {
    tools.iter().filter_map(|tool| Some((*tool, (tool.look)().err()?))).collect()
}

fn program(name: &str) -> Result<String, String> {
    process::find(name).map(|path| path.display().to_string()).ok_or_else(|| "not found".to_owned())
}

fn file(path: &str) -> Result<String, String> {
    if Path::new(path).exists() { Ok(path.to_owned()) } else { Err(format!("no {path}")) }
}

fn qemu(name: &str, at_least: u32) -> Result<String, String> {
    program(name)?;
    let text = process::output(Command::new(name).arg("--version"), "ask for the version", "")
        .map_err(|error| error.to_string())?;
    let version = qemu_version(&text).ok_or("its version is not readable")?;
    let major = version.split('.').next().and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    if major >= at_least { Ok(version) } else { Err(format!("version {version} is older than {at_least}")) }
}

/// `QEMU emulator version 10.0.2 (…)` → `10.0.2`.
fn qemu_version(text: &str) -> Option<String> {
    let rest = text.split("version ").nth(1)?;
    Some(rest.split([' ', '\n']).next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_first_line() {
        let text = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright\n";
        assert_eq!(qemu_version(text).as_deref(), Some("10.0.2"));
        assert_eq!(qemu_version("nothing"), None);
    }
}
