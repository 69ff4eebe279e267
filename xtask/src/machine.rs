//! The machine that a person describes on the command line.

use std::ops::RangeInclusive;

use clap::{Args, ValueEnum};

use crate::arch::Arch;
use crate::emulator::machine::bochs::{self, RYZEN, SKYLAKE};
use crate::emulator::machine::{Board, Boot, Direct, Gic, Machine};
use crate::error::{Result, trouble};
use crate::places::Places;
use crate::prepare::boards;

/// The most CPUs that a machine on Bochs starts with: each takes some of its timers.
const BOCHS_CPUS: u32 = 15;
/// The memory that a machine on Bochs can have, as its configuration takes it.
const BOCHS_MEGABYTES: RangeInclusive<u32> = 1..=2048;

/// The emulated machine.
#[derive(Debug, Default, Args)]
pub(crate) struct MachineOptions {
    /// The machine's architecture [default: the board's or the manifest's, else x86_64]
    #[arg(long, value_name = "ARCH")]
    pub(crate) arch: Option<Arch>,
    /// The Arm board [default: virt]
    #[arg(long, value_name = "BOARD")]
    pub(crate) board: Option<BoardName>,
    /// Version of the interrupt controller of the Arm board virt [default: 3]
    #[arg(long, value_name = "2|3", value_parser = clap::value_parser!(u8).range(2..=3))]
    pub(crate) gic: Option<u8>,
    /// CPUs of the machine [default: 2, on boards all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pub(crate) cpus: Option<u32>,
    /// Memory of the machine: 512M, 2G [default: 1G, on boards theirs]
    #[arg(long, value_name = "M")]
    pub(crate) memory: Option<String>,
    /// What plays the machine [default: qemu; bochs with --backend vtx]
    #[arg(long, value_name = "EMULATOR")]
    pub(crate) emulator: Option<EmulatorName>,
    /// The processor's virtualization on a PC [default: svm]
    #[arg(long, value_name = "BACKEND")]
    pub(crate) backend: Option<Backend>,
    /// The emulator's CPU model [default: max on x86_64, neoverse-n1 on aarch64; on Bochs ryzen or corei7_skylake_x]
    #[arg(long, value_name = "MODEL")]
    pub(crate) cpu: Option<String>,
}

/// Emulators by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EmulatorName {
    /// PCs with AMD SVM, and Arm boards
    Qemu,
    /// PCs with AMD SVM or Intel VT-x; slower, built on first use
    Bochs,
}

/// What the hypervisor uses of a PC's processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// AMD SVM
    Svm,
    /// Intel VT-x
    Vtx,
}

/// Arm boards by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BoardName {
    /// The emulator's own board
    Virt,
    /// Xilinx ZCU102
    Zcu102,
    /// Raspberry Pi 4 B
    Raspi4b,
    /// Arm's reference for servers
    Sbsa,
}

impl MachineOptions {
    /// The board that is meant, for a manifest that may want an architecture.
    pub(crate) fn board(&self, wanted: Option<Arch>) -> Result<Board> {
        let board = board(self.arch, self.board, wanted)?;
        match (board, self.gic) {
            (_, None) => Ok(board),
            (Board::Virt { el2, .. }, Some(version)) => {
                Ok(Board::Virt { gic: if version == 2 { Gic::V2 } else { Gic::V3 }, el2 })
            }
            _ => Err(trouble("only the Arm board virt has a choice of interrupt controllers", "leave out --gic")),
        }
    }

    /// What plays `board`.
    pub(crate) fn emulator(&self, board: Board) -> Result<EmulatorName> {
        match (board, self.emulator, self.backend) {
            (Board::Pc, None | Some(EmulatorName::Bochs), Some(Backend::Vtx)) => Ok(EmulatorName::Bochs),
            (Board::Pc, Some(EmulatorName::Qemu), Some(Backend::Vtx)) => Err(trouble(
                "QEMU's software emulation has no Intel VT-x",
                "leave out --emulator, or write --emulator bochs",
            )),
            (Board::Pc, emulator, _) => Ok(emulator.unwrap_or(EmulatorName::Qemu)),
            (_, Some(EmulatorName::Bochs), _) => Err(trouble("Bochs emulates PCs only", "leave out --emulator")),
            (_, _, Some(_)) => {
                Err(trouble("an Arm processor has neither AMD SVM nor Intel VT-x", "leave out --backend"))
            }
            (_, _, None) => Ok(EmulatorName::Qemu),
        }
    }

    /// Whether Bochs, as xtask builds it, can play what is asked for.
    pub(crate) fn check_bochs(&self) -> Result<()> {
        if let Some(cpus) = self.cpus.filter(|cpus| *cpus > BOCHS_CPUS) {
            let help = format!("leave out --cpus, or write a number up to {BOCHS_CPUS}");
            return Err(trouble(format!("Bochs has no machine with {cpus} CPUs"), help));
        }
        if let Some(memory) = &self.memory
            && !bochs::megabytes(memory).is_ok_and(|megabytes| BOCHS_MEGABYTES.contains(&megabytes))
        {
            let (least, most) = (BOCHS_MEGABYTES.start(), BOCHS_MEGABYTES.end());
            let help = format!("write whole megabytes or gigabytes, from {least}M to {most}M");
            return Err(trouble(format!("Bochs has no machine with memory of {memory}"), help));
        }
        match &self.cpu {
            Some(cpu) if !bochs::WITH_VIRTUALIZATION.contains(&cpu.as_str()) => Err(trouble(
                format!("Bochs has no processor called {cpu} with AMD SVM or Intel VT-x"),
                format!("its models are: {}", bochs::WITH_VIRTUALIZATION.join(", ")),
            )),
            _ => Ok(()),
        }
    }

    /// `machine`, which Bochs plays, with what is asked for.
    pub(crate) fn adjust_bochs(&self, machine: Machine) -> Machine {
        Machine { cpu: Some(self.bochs_cpu().to_owned()), ..self.size(machine) }
    }

    fn size(&self, mut machine: Machine) -> Machine {
        if let Some(cpus) = self.cpus {
            machine.cpus = cpus;
        }
        if let Some(memory) = &self.memory {
            machine.memory.clone_from(memory);
        }
        machine
    }

    /// The CPU model where Bochs plays the machine and no other is asked for.
    fn bochs_cpu(&self) -> &str {
        let usual = if self.backend == Some(Backend::Vtx) { SKYLAKE } else { RYZEN };
        self.cpu.as_deref().unwrap_or(usual)
    }

    /// The machine that boots `boot`.
    pub(crate) fn describe(&self, places: &Places, board: Board, boot: impl Into<Boot>) -> Result<Machine> {
        let mut machine = self.size(Machine::new(board, boot));
        match (&self.cpu, &machine.cpu) {
            (Some(_), None) => {
                return Err(trouble(format!("{} has processors of its own", board.title()), "leave out --cpu"));
            }
            (Some(cpu), _) => machine.cpu = Some(cpu.clone()),
            (None, _) => {}
        }
        give_tree(places, &mut machine)?;
        Ok(machine)
    }
}

/// The board called `name`, or the usual one of `arch`, or of the one that the manifest wants.
pub(crate) fn board(arch: Option<Arch>, name: Option<BoardName>, wanted: Option<Arch>) -> Result<Board> {
    let Some(name) = name else { return Ok(Board::of(arch.or(wanted).unwrap_or_default())) };
    if arch == Some(Arch::X86) {
        return Err(trouble("boards are Arm's", "leave out --board, or write --arch aarch64"));
    }
    match name {
        BoardName::Virt => Ok(Board::VIRT),
        BoardName::Zcu102 => Ok(Board::Zcu102),
        BoardName::Raspi4b => Ok(Board::Raspi4b),
        BoardName::Sbsa => Err(trouble(
            "sbsa-ref starts only from its own firmware (Trusted Firmware-A and EDK2 in flash), which Debian does not have, and it \
             describes itself by ACPI, which Phalanx does not read on Arm",
            "use --board virt",
        )),
    }
}

/// Gives a board that has a description of its own that description.
pub(crate) fn give_tree(places: &Places, machine: &mut Machine) -> Result<()> {
    if let (Some(name), Boot::Direct(direct @ Direct { tree: None, .. })) =
        (machine.board.device_tree(), &mut machine.boot)
    {
        direct.tree = Some(boards::device_tree(places, name)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;

    fn places() -> Places {
        Places { root: "/r".into(), target: "/t".into(), cache: "/c".into() }
    }

    fn describe(options: &MachineOptions) -> Result<Machine> {
        let board = options.board(None)?;
        let system = System { arch: board.arch(), kernel: "k".into(), bundle: "b".into() };
        options.describe(&places(), board, system)
    }

    #[test]
    fn a_board_is_an_architecture_too() {
        let options = MachineOptions { board: Some(BoardName::Raspi4b), ..Default::default() };
        assert_eq!(options.board(None).unwrap().arch(), Arch::Arm);
        assert_eq!(MachineOptions::default().board(None).unwrap(), Board::Pc);
        let wrong = MachineOptions { arch: Some(Arch::X86), ..options };
        assert!(wrong.board(None).is_err());
        assert_eq!(MachineOptions::default().board(Some(Arch::Arm)).unwrap(), Board::VIRT, "as the manifest wants it");
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let options = MachineOptions {
            arch: Some(Arch::Arm),
            gic: Some(2),
            cpu: Some("cortex-a72".into()),
            cpus: Some(4),
            memory: Some("512M".into()),
            ..Default::default()
        };
        let line = describe(&options).unwrap().typed();
        assert!(line.contains("gic-version=2,dtb-randomness=off -cpu cortex-a72 -m 512M -smp 4 "), "{line}");
    }

    #[test]
    fn the_backend_chooses_the_emulator() {
        let of = |emulator, backend, board| {
            let options = MachineOptions { emulator, backend, ..Default::default() };
            options.emulator(board).map(|name| (name, options.bochs_cpu().to_owned()))
        };
        let (qemu, bochs) = (EmulatorName::Qemu, EmulatorName::Bochs);
        assert_eq!(of(None, None, Board::Pc).unwrap().0, qemu);
        assert_eq!(of(None, Some(Backend::Svm), Board::Pc).unwrap().0, qemu);
        assert_eq!(of(Some(bochs), None, Board::Pc).unwrap(), (bochs, RYZEN.into()));
        assert_eq!(of(None, Some(Backend::Vtx), Board::Pc).unwrap(), (bochs, SKYLAKE.into()));
        assert!(of(Some(qemu), Some(Backend::Vtx), Board::Pc).unwrap_err().to_string().contains("no Intel VT-x"));
        assert!(of(Some(bochs), None, Board::VIRT).is_err() && of(None, Some(Backend::Svm), Board::VIRT).is_err());
    }

    #[test]
    fn what_bochs_cannot_play_is_refused() {
        let check = |cpus, memory: Option<&str>, cpu: Option<&str>| {
            let (memory, cpu) = (memory.map(str::to_owned), cpu.map(str::to_owned));
            MachineOptions { cpus, memory, cpu, ..Default::default() }.check_bochs().map_err(|error| error.to_string())
        };
        assert_eq!(check(None, None, None), Ok(()));
        assert_eq!(check(Some(15), Some("2G"), Some("core2_penryn_t9600")), Ok(()));
        assert!(check(Some(16), None, None).unwrap_err().contains("16 CPUs"));
        for memory in ["7", "0M", "64G", "3G", "x"] {
            assert!(check(None, Some(memory), None).unwrap_err().contains(memory));
        }
        assert!(check(None, None, Some("nosuchcpu")).unwrap_err().contains("nosuchcpu"));
    }

    #[test]
    fn what_a_board_does_not_have_is_refused() {
        let gic = MachineOptions { gic: Some(3), ..Default::default() };
        assert!(describe(&gic).unwrap_err().to_string().contains("interrupt controllers"));
        let cpu = MachineOptions { board: Some(BoardName::Zcu102), cpu: Some("max".into()), ..Default::default() };
        assert!(describe(&cpu).unwrap_err().to_string().contains("processors of its own"));
        let sbsa = MachineOptions { board: Some(BoardName::Sbsa), ..Default::default() };
        assert!(describe(&sbsa).unwrap_err().to_string().contains("firmware"));
    }
}
