//! What a device tree says about the board, for machines that have one.
//!
//! Everything is copied out of the tree; addresses are those that the CPUs see, interrupts are the GIC's numbers
//! (INTIDs: 16-31 are the private ones of each CPU, 32 and up the shared ones).

use core::fmt;

use arrayvec::ArrayVec;
use phalanx_arch_api::Hpa;

use crate::{PhysRange, Text};

/// CPUs that a board can list.
pub const MAX_CPUS: usize = 64;
/// Redistributor regions that a board can list.
pub const MAX_REDISTRIBUTOR_REGIONS: usize = 8;

/// A board, as its device tree describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The board's name: `model`, or the first `compatible`.
    pub model: Text<64>,
    /// Where the loader left the processor.
    pub entered_at: ExceptionLevel,
    /// The CPUs that may be used, in the tree's order; the one that booted is among them.
    pub cpus: ArrayVec<Cpu, MAX_CPUS>,
    /// CPUs behind the last one that fits.
    pub ignored_cpus: u32,
    /// The affinity fields of the CPU that booted: MPIDR_EL1 without its flags.
    pub boot_mpidr: u64,
    /// The firmware's power interface, if there is one.
    pub psci: Option<Psci>,
    /// The interrupt controller.
    pub gic: Gic,
    /// The GIC's maintenance interrupt, if it has one.
    pub maintenance: Option<u32>,
    /// The console's UART, if the tree has one that the kernel can drive.
    pub uart: Option<Uart>,
    /// The INTID of the EL1 virtual timer.
    pub virtual_timer: u32,
    /// The INTID of the EL2 physical timer.
    pub hypervisor_timer: u32,
}

/// The exception level at which the kernel was entered (Arm ARM, section D1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionLevel {
    /// An operating system's.
    El1,
    /// A hypervisor's: the only one at which Phalanx runs.
    El2,
    /// The secure monitor's.
    El3,
}

impl fmt::Display for ExceptionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::El1 => "EL1",
            Self::El2 => "EL2",
            Self::El3 => "EL3",
        })
    }
}

/// One CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its affinity fields, as in MPIDR_EL1 (bits 0-23 and 32-39).
    pub mpidr: u64,
    /// How it is started.
    pub enable: Enable,
}

/// How a CPU is started (Devicetree Specification 0.4, section 3.8.1, `enable-method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enable {
    /// By the firmware's CPU_ON call.
    Psci,
    /// It polls for an entry address.
    SpinTable {
        /// Where the entry address is written: 8 bytes, little-endian, seen without caches.
        release: Hpa,
    },
    /// The tree names no method, or one that is unknown: only the CPU that booted is usable so.
    Unknown,
}

/// The firmware's power interface (PSCI, DEN 0022): 32-bit function numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Psci {
    /// The instruction that reaches the firmware.
    pub conduit: Conduit,
    /// CPU_ON.
    pub cpu_on: Option<u32>,
    /// SYSTEM_OFF; PSCI 0.1 has none.
    pub system_off: Option<u32>,
    /// SYSTEM_RESET; PSCI 0.1 has none.
    pub system_reset: Option<u32>,
}

/// The instruction that reaches the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// `smc #0`.
    Smc,
    /// `hvc #0`.
    Hvc,
}

/// The interrupt controller's register frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gic {
    /// GICv2 (IHI 0048).
    V2 {
        /// The distributor.
        gicd: PhysRange,
        /// The CPU interface: GICC_DIR lies at 0x1000 from its start.
        gicc: PhysRange,
        /// The virtual interface control, if the GIC virtualizes.
        gich: Option<PhysRange>,
        /// The virtual CPU interface for guests, if the GIC virtualizes; GICV_DIR lies at 0x1000 from its start.
        gicv: Option<PhysRange>,
    },
    /// GICv3 or GICv4 (IHI 0069); the CPU interfaces are system registers.
    V3 {
        /// The distributor.
        gicd: PhysRange,
        /// The redistributors, region by region.
        redistributors: ArrayVec<PhysRange, MAX_REDISTRIBUTOR_REGIONS>,
        /// Bytes from one redistributor to the next where it is not what GICR_TYPER implies.
        stride: Option<u64>,
    },
}

/// A UART.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uart {
    /// Which one.
    pub kind: UartKind,
    /// Its registers.
    pub registers: PhysRange,
    /// Its interrupt, if it is the GIC's.
    pub intid: Option<u32>,
}

/// A UART that the kernel can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UartKind {
    /// Arm PrimeCell PL011 (DDI 0183).
    Pl011,
    /// Cadence, as in Zynq (UG1085, chapter 21).
    Cadence,
    /// 16550 and compatible ones.
    Ns16550 {
        /// Registers lie `1 << shift` bytes apart.
        shift: u8,
        /// Bytes that one access must have: 1 or 4.
        width: u8,
    },
}

impl fmt::Display for UartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pl011 => "PL011",
            Self::Cadence => "Cadence UART",
            Self::Ns16550 { .. } => "16550",
        })
    }
}
