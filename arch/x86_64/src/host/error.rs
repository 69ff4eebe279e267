//! Why the host could not be set up, in words for the person at the console.

use core::fmt;

use super::acpi::AcpiError;
use super::paging::{Flaw, FlawKind, MapError, OutOfFrames};

/// The machine cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The loader reported no RSDP.
    NoAcpi,
    /// The ACPI tables are damaged.
    Acpi(AcpiError),
    /// The memory map has too many pieces.
    TooManyRanges,
    /// Not enough free RAM below 4 GiB for tables and stacks.
    OutOfFrames,
    /// Two things claim the same address, or one is not aligned.
    Map(MapError),
    /// The final page tables break the rule that nothing is writable and executable.
    Flaw(Flaw),
    /// No clock with a known rate.
    NoClock,
    /// No usable RAM below 1 MiB for the start-up code of the other CPUs.
    NoLowMemory,
}

impl HostError {
    /// What can be done about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NoAcpi | Self::Acpi(_) => {
                "boot by PVH or multiboot2, which hand over ACPI; update the firmware if it is at fault"
            }
            Self::TooManyRanges => {
                "the firmware's memory map has more than 128 usable pieces; switch off memory holes in its setup"
            }
            Self::OutOfFrames => "give the machine more memory",
            Self::Map(_) | Self::Flaw(_) => "this is a bug in Phalanx: report it together with this line",
            Self::NoClock => "the machine needs an ACPI PM timer, a PIT, or CPUID leaf 0x15",
            Self::NoLowMemory => "run with one CPU, or free memory below 1 MiB in the firmware's setup",
        }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAcpi => f.write_str("the loader did not say where the ACPI tables are"),
            Self::Acpi(error) => error.fmt(f),
            Self::TooManyRanges => f.write_str("the memory map is too fragmented"),
            Self::OutOfFrames | Self::Map(MapError::OutOfFrames) => {
                f.write_str("there is not enough memory below 4 GiB for the hypervisor itself")
            }
            Self::Map(MapError::Conflict(address)) => {
                write!(f, "two things are to be mapped at {address}")
            }
            Self::Map(MapError::Unaligned(address)) => {
                write!(f, "the mapping at {address} is not aligned to 4 KiB")
            }
            Self::Flaw(Flaw { address, kind: FlawKind::WritableAndExecutable }) => {
                write!(f, "the page at {address} is both writable and executable")
            }
            Self::Flaw(Flaw { address, kind: FlawKind::UserAccessible }) => {
                write!(f, "the page at {address} is accessible to user mode")
            }
            Self::NoClock => f.write_str("no clock with a known rate was found"),
            Self::NoLowMemory => f.write_str("there is no free memory below 1 MiB to start other CPUs from"),
        }
    }
}

impl From<AcpiError> for HostError {
    fn from(error: AcpiError) -> Self {
        Self::Acpi(error)
    }
}

impl From<MapError> for HostError {
    fn from(error: MapError) -> Self {
        match error {
            MapError::OutOfFrames => Self::OutOfFrames,
            other => Self::Map(other),
        }
    }
}

impl From<OutOfFrames> for HostError {
    fn from(_: OutOfFrames) -> Self {
        Self::OutOfFrames
    }
}

impl From<super::early_frames::TooManyRanges> for HostError {
    fn from(_: super::early_frames::TooManyRanges) -> Self {
        Self::TooManyRanges
    }
}

impl From<super::clocks::NoClock> for HostError {
    fn from(_: super::clocks::NoClock) -> Self {
        Self::NoClock
    }
}
