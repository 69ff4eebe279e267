//! The boards that the emulator plays, and what it calls them.

use crate::arch::Arch;

/// A board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Board {
    /// A PC with an IO-APIC and a serial port (`q35`).
    Pc,
    /// The emulator's own Arm board.
    Virt {
        /// Version of the interrupt controller.
        gic: Gic,
        /// Whether its processors have EL2.
        el2: bool,
    },
    /// Xilinx ZCU102: four Cortex-A53, GICv2, Cadence serial ports.
    Zcu102,
    /// Raspberry Pi 4 B: four Cortex-A72, GICv2, processors that wait at a spin table.
    Raspi4b,
}

/// Arm's interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gic {
    /// Version 2, with registers in memory.
    V2,
    /// Version 3, with system registers and redistributors.
    V3,
}

/// What a board has when nobody asks for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    /// CPUs.
    pub(crate) cpus: u32,
    /// RAM.
    pub(crate) memory: &'static str,
    /// The emulator's CPU model; none where the board has its own.
    pub(crate) cpu: Option<&'static str>,
}

impl Board {
    /// The emulator's Arm board as it is when nobody asks for something else.
    pub(crate) const VIRT: Self = Self::Virt { gic: Gic::V3, el2: true };

    /// The board that stands for an architecture.
    pub(crate) const fn of(arch: Arch) -> Self {
        match arch {
            Arch::X86 => Self::Pc,
            Arch::Arm => Self::VIRT,
        }
    }

    /// What its processors are.
    pub(crate) const fn arch(self) -> Arch {
        match self {
            Self::Pc => Arch::X86,
            Self::Virt { .. } | Self::Zcu102 | Self::Raspi4b => Arch::Arm,
        }
    }

    /// What it has when nobody asks for something else.
    pub(crate) const fn usual(self) -> Usual {
        match self {
            // Everything that software emulation offers, SVM with nested paging included.
            Self::Pc => Usual { cpus: 2, memory: "1G", cpu: Some("max") },
            Self::Virt { .. } => Usual { cpus: 2, memory: "1G", cpu: Some("neoverse-n1") },
            Self::Zcu102 | Self::Raspi4b => Usual { cpus: 4, memory: "2G", cpu: None },
        }
    }

    /// For a person.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Pc => "an emulated PC",
            Self::Virt { gic: Gic::V2, .. } => "an emulated Arm board with GICv2",
            Self::Virt { gic: Gic::V3, .. } => "an emulated Arm board with GICv3",
            Self::Zcu102 => "an emulated ZCU102",
            Self::Raspi4b => "an emulated Raspberry Pi 4 B",
        }
    }

    /// The file of Debian's kernel package that describes it; none where the emulator makes the description.
    pub(crate) const fn device_tree(self) -> Option<&'static str> {
        match self {
            Self::Pc | Self::Virt { .. } => None,
            Self::Zcu102 => Some("zynqmp-zcu102-rev1.0.dtb"),
            Self::Raspi4b => Some("bcm2711-rpi-4-b.dtb"),
        }
    }

    /// The arguments without which the board wants something of the host: the ZCU102's display port makes sound.
    pub(super) const fn silenced(self) -> &'static str {
        match self {
            Self::Zcu102 => "-audio none",
            Self::Pc | Self::Virt { .. } | Self::Raspi4b => "",
        }
    }

    /// The value of `-machine`.
    pub(super) fn machine(self) -> String {
        match self {
            Self::Pc => "q35".into(),
            Self::Virt { gic, el2 } => {
                let version = match gic {
                    Gic::V2 => 2,
                    Gic::V3 => 3,
                };
                let virtualization = if el2 { "on" } else { "off" };
                format!("virt,virtualization={virtualization},gic-version={version},dtb-randomness=off")
            }
            Self::Zcu102 => "xlnx-zcu102,virtualization=on".into(),
            Self::Raspi4b => "raspi4b".into(),
        }
    }
}
