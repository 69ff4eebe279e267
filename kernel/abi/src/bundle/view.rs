//! What a checked bundle says, as types. Nothing here can fail: [`Bundle::parse`] has looked before.

use core::{fmt, str};

use super::error::DomainError;
use super::layout::{
    ArmEntryRecord, DeviceRecord, DomainRecord, ENTRY_ARM, ENTRY_X86, EntryRef, FLAG_CONSOLE, FLAG_DIRTY_LOG,
    ON_REBOOT_END, Range, RegionRecord, SegmentRecord, X86EntryRecord,
};
use super::terms::{Architecture, Class, Device, Entry, OnReboot, Region, Segment};

/// A bundle that has passed every check. It borrows the bytes; copies are cheap.
#[derive(Clone, Copy)]
pub struct Bundle<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) architecture: Architecture,
    pub(super) domains: &'a [DomainRecord],
    pub(super) regions: &'a [RegionRecord],
    pub(super) segments: &'a [SegmentRecord],
    pub(super) x86_entries: &'a [X86EntryRecord],
    pub(super) devices: &'a [DeviceRecord],
    pub(super) arm_entries: &'a [ArmEntryRecord],
}

/// One domain of a checked bundle.
#[derive(Clone, Copy)]
pub struct Domain<'a> {
    bundle: Bundle<'a>,
    record: &'a DomainRecord,
    entry: Entry<'a>,
}

impl<'a> Bundle<'a> {
    /// The domains, in the order of the manifest.
    pub fn domains(self) -> impl Iterator<Item = Domain<'a>> + Clone {
        self.domains.iter().filter_map(move |record| {
            let entry = self.entry(record).ok()?;
            Some(Domain { bundle: self, record, entry })
        })
    }

    /// Bytes of the bundle itself, without what a loader may have appended.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// What machines it is for.
    #[must_use]
    pub const fn architecture(self) -> Architecture {
        self.architecture
    }

    pub(super) fn entry(self, record: &DomainRecord) -> Result<Entry<'a>, DomainError> {
        let EntryRef { kind, index } = record.entry;
        let (kind, index) = (kind.get(), index.get());
        let found = match (kind, self.architecture) {
            (ENTRY_X86, Architecture::X86_64) => at(self.x86_entries, index).map(Entry::X86),
            (ENTRY_ARM, Architecture::Aarch64) => at(self.arm_entries, index).map(Entry::Arm),
            (ENTRY_X86 | ENTRY_ARM, bundle) => return Err(DomainError::EntryForeign { bundle }),
            _ => return Err(DomainError::EntryKind { kind }),
        };
        found.ok_or(DomainError::EntryIndex { index })
    }

    pub(super) fn contents(self, record: &SegmentRecord) -> Option<&'a [u8]> {
        let start = usize::try_from(record.offset.get()).ok()?;
        let size = usize::try_from(record.size.get()).ok()?;
        self.bytes.get(start..start.checked_add(size)?)
    }
}

impl<'a> Domain<'a> {
    /// The name, unique in the bundle.
    #[must_use]
    pub fn name(self) -> &'a str {
        name(self.record).unwrap_or_default()
    }

    /// Bytes of RAM.
    #[must_use]
    pub const fn memory(self) -> u64 {
        self.record.memory.get()
    }

    /// Number of vCPUs, 1 to [`super::MAX_VCPUS`].
    #[must_use]
    pub const fn vcpus(self) -> u32 {
        self.record.vcpus.get()
    }

    /// Scheduling class.
    #[must_use]
    pub const fn class(self) -> Class {
        Class::Shared
    }

    /// Whether its serial port is attached to the machine's console.
    #[must_use]
    pub const fn console(self) -> bool {
        self.record.flags.get() & FLAG_CONSOLE != 0
    }

    /// Whether the hypervisor keeps a log of the pages that are written.
    #[must_use]
    pub const fn dirty_log(self) -> bool {
        self.record.flags.get() & FLAG_DIRTY_LOG != 0
    }

    /// What a reboot of the guest does.
    #[must_use]
    pub const fn on_reboot(self) -> OnReboot {
        match self.record.on_reboot.get() {
            ON_REBOOT_END => OnReboot::End,
            _ => OnReboot::Restart,
        }
    }

    /// The state in which vCPU 0 starts.
    #[must_use]
    pub const fn entry(self) -> Entry<'a> {
        self.entry
    }

    /// Its RAM, ascending.
    pub fn regions(self) -> impl ExactSizeIterator<Item = Region> + Clone + 'a {
        slice(self.bundle.regions, self.record.regions)
            .unwrap_or_default()
            .iter()
            .map(|record| Region { gpa: record.gpa.get(), size: record.size.get() })
    }

    /// Its initial contents of RAM, ascending; only alternatives to each other overlap. The rest of RAM is zero.
    pub fn segments(self) -> impl ExactSizeIterator<Item = Segment<'a>> + Clone + 'a {
        slice(self.bundle.segments, self.record.segments).unwrap_or_default().iter().map(move |record| Segment {
            gpa: record.gpa.get(),
            bytes: self.bundle.contents(record).unwrap_or_default(),
            only: record.only.get(),
        })
    }

    /// Its devices.
    pub fn devices(self) -> impl Iterator<Item = Device> + Clone + 'a {
        slice(self.bundle.devices, self.record.devices).unwrap_or_default().iter().filter_map(Device::decode)
    }
}

impl fmt::Debug for Bundle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.domains()).finish()
    }
}

impl fmt::Debug for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.name()).finish()
    }
}

/// The record of this index.
fn at<T>(table: &[T], index: u32) -> Option<&T> {
    table.get(usize::try_from(index).ok()?)
}

/// The records of a range, or `None` where it leaves its table.
pub(super) fn slice<T>(table: &[T], range: Range) -> Option<&[T]> {
    let first = usize::try_from(range.first.get()).ok()?;
    let count = usize::try_from(range.count.get()).ok()?;
    table.get(first..first.checked_add(count)?)
}

/// The name of a record, or `None` where it is not a clean one.
pub(super) fn name(record: &DomainRecord) -> Option<&str> {
    let end = record.name.iter().position(|byte| *byte == 0)?;
    let (name, padding) = record.name.split_at_checked(end)?;
    let name = str::from_utf8(name).ok()?;
    let clean = !name.is_empty() && !name.contains(char::is_control) && padding.iter().all(|byte| *byte == 0);
    clean.then_some(name)
}
