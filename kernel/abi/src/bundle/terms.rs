//! The terms in which a checked bundle speaks.

use core::fmt;

use super::layout::{
    ARCH_AARCH64, ARCH_X86_64, ArmEntryRecord, DEVICE_NS16550, DEVICE_PL011, DeviceRecord, PAGE_SIZE, X86EntryRecord,
};

/// What machines a bundle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// x86-64.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

impl Architecture {
    /// The name by which tools know it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The number in [`super::Header::architecture`].
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::X86_64 => ARCH_X86_64,
            Self::Aarch64 => ARCH_AARCH64,
        }
    }

    pub(super) const fn decode(number: u32) -> Option<Self> {
        match number {
            ARCH_X86_64 => Some(Self::X86_64),
            ARCH_AARCH64 => Some(Self::Aarch64),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a domain competes for CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// By weight, with all other shared domains.
    Shared,
}

/// What a reboot of the guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReboot {
    /// The domain starts again from the bundle, its memory scrubbed.
    Restart,
    /// The domain ends, as on power-off.
    End,
}

/// A piece of guest-physical memory that is RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First guest-physical address, page-aligned.
    pub gpa: u64,
    /// Bytes, whole pages.
    pub size: u64,
}

/// Contents of RAM when the domain starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// First guest-physical address.
    pub gpa: u64,
    /// The contents, not empty; they start on a page of the file.
    pub bytes: &'a [u8],
    /// On which machines: [`super::ALWAYS`], or only on those with this alternative.
    pub only: u32,
}

impl Segment<'_> {
    /// Whether it belongs into the RAM of a machine whose alternative is `machine`.
    #[must_use]
    pub const fn fits(self, machine: u32) -> bool {
        self.only == super::ALWAYS || self.only == machine
    }
}

/// The state in which vCPU 0 starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// An x86 vCPU.
    X86(&'a X86EntryRecord),
    /// An Arm vCPU.
    Arm(&'a ArmEntryRecord),
}

/// A virtual device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// A 16550 serial port with eight registers in the I/O port space.
    Ns16550 {
        /// First port.
        base_port: u16,
        /// Global system interrupt.
        irq: u32,
    },
    /// A PL011 serial port with a page of registers in guest-physical memory.
    Pl011 {
        /// First address, page-aligned.
        base: u64,
        /// Shared peripheral interrupt, as INTID.
        irq: u32,
    },
}

impl Device {
    /// Ports that a 16550 occupies.
    const NS16550_PORTS: u16 = 8;

    /// The device of a record, or `None` where kind or address are impossible.
    pub(super) fn decode(record: &DeviceRecord) -> Option<Self> {
        let (address, irq) = (record.address.get(), record.irq.get());
        match record.kind.get() {
            DEVICE_NS16550 => {
                let base_port = u16::try_from(address).ok()?;
                base_port.checked_add(Self::NS16550_PORTS - 1)?;
                Some(Self::Ns16550 { base_port, irq })
            }
            DEVICE_PL011 => {
                address.checked_add(PAGE_SIZE - 1)?;
                address.is_multiple_of(PAGE_SIZE).then_some(Self::Pl011 { base: address, irq })
            }
            _ => None,
        }
    }
}
