//! A machine's description and the emulator's command line for it.

mod board;
pub(crate) mod bochs;
pub(crate) mod loading;

use std::path::PathBuf;

use super::pin;
use crate::arch::Arch;
use crate::error::Result;
use crate::prepare::tools::{QEMU_ARM, QEMU_X86};
use crate::system::System;

pub(crate) use board::{Board, Gic};
use bochs::{Console, OnBochs};

/// How the system gets into the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Boot {
    /// By the emulator.
    Direct(Direct),
    /// From an ISO by the BIOS.
    IsoBios { iso: PathBuf },
    /// From an ISO by UEFI firmware: code (read-only) and a private copy of its variables.
    IsoUefi { iso: PathBuf, code: PathBuf, variables: PathBuf },
    /// From a folder by U-Boot, as from a disk.
    Firmware { code: PathBuf, folder: PathBuf },
    /// By the emulator, with a device tree of our own that it does not look at: a few instructions (`shim`) put its address
    /// where the kernel looks for it.
    OwnTree { shim: PathBuf, kernel: PathBuf, tree: PathBuf, bundle: PathBuf },
}

/// A kernel that the emulator loads: by its PVH note on a PC, as an Image on Arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Direct {
    /// The hypervisor, or a Linux that runs without.
    pub(crate) kernel: PathBuf,
    /// The bundle as the only module, or an initramfs; none for a program that is alone.
    pub(crate) module: Option<PathBuf>,
    /// The command line.
    pub(crate) words: String,
    /// The device tree; none where the emulator makes one, and on a PC.
    pub(crate) tree: Option<PathBuf>,
}

impl From<System> for Boot {
    fn from(system: System) -> Self {
        let words = hypervisor_words(system.arch).to_owned();
        Self::Direct(Direct { kernel: system.kernel, module: Some(system.bundle), words, tree: None })
    }
}

/// What the hypervisor is told about the machine: how to end it when all domains have ended.
pub(crate) const fn hypervisor_words(arch: Arch) -> &'static str {
    match arch {
        Arch::X86 => "exit=isa:0xf4",
        Arch::Arm => "exit=semihosting",
    }
}

/// Semihosting for the exit code. What the hypervisor says through it (it does where it finds no serial port) goes where the
/// serial port's output goes, and not to the emulator's own messages.
const SEMIHOSTING: &str = "-chardev file,id=words,path=/dev/stdout,append=on \
    -semihosting-config enable=on,target=native,chardev=words";

/// One emulated machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// What kind of machine.
    pub(crate) board: Board,
    /// How it boots.
    pub(crate) boot: Boot,
    /// Physical CPUs.
    pub(crate) cpus: u32,
    /// RAM as the emulator spells it: `512M`, `2G`.
    pub(crate) memory: String,
    /// CPU model; none where the board has its own.
    pub(crate) cpu: Option<String>,
    /// One instruction is one nanosecond: runs are the same to the digit, one CPU only.
    pub(crate) counting: bool,
    /// More of the emulator's arguments.
    pub(crate) extra: Vec<String>,
    /// Where Bochs plays it and not QEMU.
    pub(crate) on_bochs: Option<OnBochs>,
}

impl Machine {
    /// A machine with the board's usual settings.
    pub(crate) fn new(board: Board, boot: impl Into<Boot>) -> Self {
        let usual = board.usual();
        Self {
            board,
            boot: boot.into(),
            cpus: usual.cpus,
            memory: usual.memory.into(),
            cpu: usual.cpu.map(str::to_owned),
            counting: false,
            extra: Vec::new(),
            on_bochs: None,
        }
    }

    /// The emulator's program.
    pub(crate) fn program(&self) -> String {
        match (&self.on_bochs, self.board.arch()) {
            (Some(setup), _) => setup.bochs.program().display().to_string(),
            (None, Arch::X86) => QEMU_X86.to_owned(),
            (None, Arch::Arm) => QEMU_ARM.to_owned(),
        }
    }

    /// Writes the files that the command line names, where they are made anew for every run.
    pub(crate) fn write_files(&self) -> Result<()> {
        self.on_bochs.as_ref().map_or(Ok(()), |setup| setup.write(self))
    }

    /// All arguments of the emulator, with the serial port on stdout.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.arguments_with(Console::Stdout)
    }

    /// The same with the serial port elsewhere, on Bochs.
    pub(crate) fn arguments_with(&self, console: Console) -> Vec<String> {
        let mut line = match &self.on_bochs {
            Some(setup) => setup.arguments(console),
            None => [self.hardware(), self.boot.arguments()].concat(),
        };
        line.extend(self.extra.iter().cloned());
        line
    }

    /// QEMU's arguments that describe the machine and not what it boots.
    pub(crate) fn hardware(&self) -> Vec<String> {
        let mut line = words("-nodefaults -no-user-config -no-reboot -display none");
        line.extend(["-machine".into(), self.board.machine()]);
        line.extend(self.cpu.iter().flat_map(|cpu| ["-cpu".into(), cpu.clone()]));
        line.extend(["-m".into(), self.memory.clone(), "-smp".into(), self.cpus.to_string()]);
        line.extend(self.clock());
        line.extend(match self.board.arch() {
            Arch::X86 => words("-device isa-debug-exit,iobase=0xf4,iosize=0x04"),
            Arch::Arm => words(SEMIHOSTING),
        });
        line.extend(words(self.board.silenced()));
        line.extend(words("-chardev stdio,id=console,signal=off -serial chardev:console"));
        line
    }

    fn clock(&self) -> Vec<String> {
        if self.counting {
            words("-accel tcg -icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -seed 1")
        } else {
            words("-accel tcg,thread=multi")
        }
    }

    /// The command line as a person would type it.
    pub(crate) fn typed(&self) -> String {
        let quote = |word: &String| {
            if word.contains([' ', '\'', '$']) { format!("'{word}'") } else { word.clone() }
        };
        let words: Vec<String> = self.arguments().iter().map(quote).collect();
        let processor = if self.shares_a_processor() { pin::allowed().first().copied() } else { None };
        let pinned = processor.map(|processor| format!("taskset --cpu-list {processor} ")).unwrap_or_default();
        format!("{pinned}{} {}", self.program(), words.join(" "))
    }

    /// Whether all CPUs are to be emulated on one processor of ours (see `pin`).
    pub(crate) fn shares_a_processor(&self) -> bool {
        self.on_bochs.is_none() && self.board.arch() == Arch::X86 && self.cpus > 1
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(board: Board) -> Machine {
        let system = System { arch: board.arch(), kernel: "k".into(), bundle: "b".into() };
        Machine::new(board, system)
    }

    #[test]
    fn a_direct_boot_has_exactly_one_module() {
        let line = direct(Board::Pc).typed();
        assert!(line.starts_with("taskset --cpu-list "), "{line}");
        assert!(line.contains(" qemu-system-x86_64 -nodefaults "), "{line}");
        assert!(line.contains("-machine q35 -cpu max -m 1G -smp 2 "), "{line}");
        assert!(line.contains("-kernel k -initrd b -append exit=isa:0xf4"), "{line}");
        assert!(line.contains("-accel tcg,thread=multi"), "{line}");
    }

    #[test]
    fn an_arm_machine_ends_by_semihosting() {
        let line = direct(Board::VIRT).typed();
        assert!(line.starts_with("qemu-system-aarch64 "), "{line}");
        assert!(line.contains("-machine virt,virtualization=on,gic-version=3,dtb-randomness=off -cpu neoverse-n1 "));
        assert!(line.contains("-semihosting-config enable=on,target=native,chardev=words"), "{line}");
        assert!(line.contains("-kernel k -initrd b -append exit=semihosting"), "{line}");
        assert!(!line.contains("isa-debug-exit"), "{line}");
    }

    #[test]
    fn a_board_has_its_own_processors() {
        let line = direct(Board::Zcu102).typed();
        assert!(line.contains("-machine xlnx-zcu102,virtualization=on -m 2G -smp 4 "), "{line}");
    }

    #[test]
    fn counting_fixes_clock_and_seed() {
        let line = Machine { counting: true, cpus: 1, ..direct(Board::Pc) }.typed();
        assert!(line.contains("-icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -seed 1"), "{line}");
        assert!(!line.contains("thread=multi"), "{line}");
    }

    #[test]
    fn more_arguments_come_last() {
        let line = Machine { extra: vec!["-s".into(), "-S".into()], ..direct(Board::Pc) }.typed();
        assert!(line.ends_with("-s -S"), "{line}");
    }
}
