//! Why the kernel cannot start from what the loader gave it.

use core::fmt;

use phalanx_handoff::TooManyRegions;

use crate::memory::Unreadable;

/// What is wrong with the loader's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The entry was jumped to by something that speaks neither protocol; this was in EAX.
    UnknownLoader(u32),
    /// The start information does not begin with its magic number; this was there.
    BadMagic(u32),
    /// A structure lies beyond 4 GiB or past its own end.
    Unreadable,
    /// A structure contradicts itself.
    Malformed,
    /// The loader gave no memory map.
    NoMemoryMap,
    /// The memory map is too long.
    TooManyRegions,
    /// The bundle lies beyond 4 GiB.
    BundleTooHigh,
    /// The bundle lies over the kernel.
    BundleOverlapsKernel,
}

impl BootError {
    /// What the operator can do about it.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::UnknownLoader(_) => {
                "load the kernel with GRUB's `multiboot2` command or with QEMU's `-kernel` option"
            }
            Self::NoMemoryMap => "use a loader that speaks PVH version 1 or multiboot2 with a memory map",
            Self::BundleTooHigh => "load the bundle below 4 GiB",
            Self::BundleOverlapsKernel => "load the bundle behind the kernel",
            Self::BadMagic(_) | Self::Unreadable | Self::Malformed | Self::TooManyRegions => {
                "the loader or the firmware is at fault; try another version of it"
            }
        }
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLoader(eax) => {
                write!(f, "started by an unknown loader (EAX is {eax:#010x})")
            }
            Self::BadMagic(magic) => {
                write!(f, "the loader's start information has the wrong magic number {magic:#010x}")
            }
            Self::Unreadable => f.write_str("the loader's information lies beyond 4 GiB or ends too early"),
            Self::Malformed => f.write_str("the loader's information contradicts itself"),
            Self::NoMemoryMap => f.write_str("the loader gave no memory map"),
            Self::TooManyRegions => TooManyRegions.fmt(f),
            Self::BundleTooHigh => f.write_str("the loader put the bundle beyond 4 GiB"),
            Self::BundleOverlapsKernel => f.write_str("the loader put the bundle over the kernel"),
        }
    }
}

impl From<Unreadable> for BootError {
    fn from(Unreadable: Unreadable) -> Self {
        Self::Unreadable
    }
}

impl From<TooManyRegions> for BootError {
    fn from(TooManyRegions: TooManyRegions) -> Self {
        Self::TooManyRegions
    }
}
