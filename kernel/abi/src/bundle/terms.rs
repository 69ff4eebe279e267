//! The terms in which a checked bundle speaks.

use super::layout::{DEVICE_NS16550, DeviceRecord, X86EntryRecord};

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
}

/// The state in which vCPU 0 starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// An x86 vCPU.
    X86(&'a X86EntryRecord),
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
}

impl Device {
    /// Ports that a 16550 occupies.
    const NS16550_PORTS: u16 = 8;

    /// The device of a record, or `None` where kind or address are impossible.
    pub(super) fn decode(record: &DeviceRecord) -> Option<Self> {
        if record.kind != DEVICE_NS16550 {
            return None;
        }
        let base_port = u16::try_from(record.address.get()).ok()?;
        base_port.checked_add(Self::NS16550_PORTS - 1)?;
        Some(Self::Ns16550 { base_port, irq: record.irq.get() })
    }
}
