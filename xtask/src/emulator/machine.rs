//! A machine's description and the emulator's command line for it.

use std::path::PathBuf;

use crate::system::System;

/// The emulator's program.
pub(crate) const PROGRAM: &str = "qemu-system-x86_64";

/// What the hypervisor is told about the machine: where to write when all domains have ended.
const HYPERVISOR_WORDS: &str = "exit=isa:0xf4";

/// The processor model with everything that software emulation offers, SVM with nested paging included.
pub(crate) const DEFAULT_CPU: &str = "max";

/// How the system gets into the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Boot {
    /// The emulator loads the hypervisor by its PVH note, the bundle as the only module.
    Direct { kernel: PathBuf, bundle: PathBuf },
    /// From an ISO by the BIOS.
    IsoBios { iso: PathBuf },
    /// From an ISO by UEFI firmware: code (read-only) and a private copy of its variables.
    IsoUefi { iso: PathBuf, code: PathBuf, variables: PathBuf },
}

impl From<System> for Boot {
    fn from(system: System) -> Self {
        Self::Direct { kernel: system.kernel, bundle: system.bundle }
    }
}

/// One emulated PC.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// How it boots.
    pub(crate) boot: Boot,
    /// Physical CPUs.
    pub(crate) cpus: u32,
    /// RAM as the emulator spells it: `512M`, `2G`.
    pub(crate) memory: String,
    /// CPU model.
    pub(crate) cpu: String,
    /// One instruction is one nanosecond: runs are the same to the digit, one CPU only.
    pub(crate) counting: bool,
    /// More of the emulator's arguments.
    pub(crate) extra: Vec<String>,
}

impl Machine {
    /// A machine with the usual settings.
    pub(crate) fn new(boot: impl Into<Boot>) -> Self {
        Self {
            boot: boot.into(),
            cpus: 2,
            memory: "1G".into(),
            cpu: DEFAULT_CPU.into(),
            counting: false,
            extra: Vec::new(),
        }
    }

    /// All arguments of the emulator.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut line = words("-nodefaults -no-user-config -no-reboot -display none -machine q35");
        line.extend(["-cpu".into(), self.cpu.clone(), "-m".into(), self.memory.clone()]);
        line.extend(["-smp".into(), self.cpus.to_string()]);
        line.extend(self.clock());
        line.extend(words("-device isa-debug-exit,iobase=0xf4,iosize=0x04"));
        line.extend(words("-chardev stdio,id=console,signal=off -serial chardev:console"));
        line.extend(self.loading());
        line.extend(self.extra.iter().cloned());
        line
    }

    fn clock(&self) -> Vec<String> {
        if self.counting {
            words("-accel tcg -icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -seed 1")
        } else {
            words("-accel tcg,thread=multi")
        }
    }

    fn loading(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.display().to_string();
        match &self.boot {
            Boot::Direct { kernel, bundle } => {
                let mut line = vec!["-kernel".into(), path(kernel), "-initrd".into(), path(bundle)];
                line.extend(["-append".into(), HYPERVISOR_WORDS.into()]);
                line
            }
            Boot::IsoBios { iso } => vec!["-cdrom".into(), path(iso)],
            Boot::IsoUefi { iso, code, variables } => {
                let flash = |unit, file: &PathBuf, more| {
                    format!("if=pflash,format=raw,unit={unit},file={}{more}", file.display())
                };
                let mut line = vec!["-drive".into(), flash(0, code, ",readonly=on")];
                line.extend(["-drive".into(), flash(1, variables, "")]);
                line.extend(["-cdrom".into(), path(iso)]);
                line
            }
        }
    }

    /// The command line as a person would type it.
    pub(crate) fn typed(&self) -> String {
        let quote = |word: &String| {
            if word.contains([' ', '\'', '$']) { format!("'{word}'") } else { word.clone() }
        };
        let words: Vec<String> = self.arguments().iter().map(quote).collect();
        format!("{PROGRAM} {}", words.join(" "))
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct() -> Machine {
        Machine::new(Boot::Direct { kernel: "k".into(), bundle: "b".into() })
    }

    #[test]
    fn a_direct_boot_has_exactly_one_module() {
        let line = direct().typed();
        assert!(line.contains("-kernel k -initrd b -append exit=isa:0xf4"), "{line}");
        assert!(line.contains("-accel tcg,thread=multi"), "{line}");
    }

    #[test]
    fn counting_fixes_clock_and_seed() {
        let line = Machine { counting: true, cpus: 1, ..direct() }.typed();
        assert!(line.contains("-icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -seed 1"), "{line}");
        assert!(!line.contains("thread=multi"), "{line}");
    }

    #[test]
    fn more_arguments_come_last() {
        let line = Machine { extra: vec!["-s".into(), "-S".into()], ..direct() }.typed();
        assert!(line.ends_with("-s -S"), "{line}");
    }
}
