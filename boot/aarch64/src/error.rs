//! Why the kernel cannot start from what the loader gave it.

use core::fmt;

use phalanx_handoff::TooManyRegions;

use crate::fdt::BadTree;

/// What is wrong with the loader's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// There is no device tree at the address that the loader gave.
    NoDeviceTree(u64),
    /// The device tree cannot be read.
    BadTree(BadTree),
    /// The device tree lacks a part.
    Missing(Part),
    /// A part of the device tree contradicts itself.
    Garbled(Part),
    /// The CPU that booted, with these affinity fields, is not among the device tree's.
    BootCpuNotListed(u64),
    /// The memory map is too long.
    TooManyRegions,
    /// Memory lies in too many pieces for the early page tables, or out of their reach.
    MemoryTooScattered,
    /// The bundle lies over the kernel.
    BundleOverlapsKernel,
    /// The bundle does not lie in memory that may be used.
    BundleOutsideMemory,
}

/// A part of a device tree that the kernel cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The nodes of type `memory`.
    Memory,
    /// The memory reservations, of the header and in `/reserved-memory`.
    Reservations,
    /// `/cpus`.
    Cpus,
    /// The node of the firmware's power interface.
    Psci,
    /// The interrupt controller's node.
    Gic,
    /// The generic timer's node.
    Timer,
    /// `linux,initrd-start` and `linux,initrd-end` in `/chosen`.
    Bundle,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Reservations => "list of reserved memory",
            Self::Cpus => "list of CPUs",
            Self::Psci => "power interface (PSCI)",
            Self::Gic => "interrupt controller (GICv2 or GICv3)",
            Self::Timer => "Arm generic timer with its virtual and its hypervisor interrupt",
            Self::Bundle => "initrd range",
        })
    }
}

impl BootError {
    /// What the operator can do about it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::NoDeviceTree(_) => {
                "load the kernel with QEMU's `-kernel` option or U-Boot's `booti` command, with the board's device tree"
            }
            Self::BadTree(_) => "check how the device tree was built and copied to this machine",
            Self::Missing(_) | Self::Garbled(_) | Self::BootCpuNotListed(_) => {
                "check that the device tree is this board's, and whole"
            }
            Self::TooManyRegions | Self::MemoryTooScattered => "merge the reservations in the device tree",
            Self::BundleOverlapsKernel => "load the bundle behind the kernel",
            Self::BundleOutsideMemory => "load the bundle into memory that the device tree does not reserve",
        }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDeviceTree(address) => write!(f, "the loader gave no device tree (x0 is {address:#x})"),
            Self::BadTree(bad) => write!(f, "the device tree cannot be read: {bad}"),
            Self::Missing(part) => write!(f, "the device tree has no {part}"),
            Self::Garbled(part) => write!(f, "the device tree's {part} contradicts itself"),
            Self::BootCpuNotListed(mpidr) => {
                write!(f, "the device tree does not list the CPU that booted (MPIDR {mpidr:#x})")
            }
            Self::TooManyRegions => TooManyRegions.fmt(f),
            Self::MemoryTooScattered => f.write_str("the machine's memory lies in too many pieces, or beyond 256 TiB"),
            Self::BundleOverlapsKernel => f.write_str("the loader put the bundle over the kernel"),
            Self::BundleOutsideMemory => f.write_str("the loader put the bundle where no usable memory is"),
        }
    }
}

impl From<BadTree> for BootError {
    fn from(bad: BadTree) -> Self {
        Self::BadTree(bad)
    }
}

impl From<TooManyRegions> for BootError {
    fn from(TooManyRegions: TooManyRegions) -> Self {
        Self::TooManyRegions
    }
}
