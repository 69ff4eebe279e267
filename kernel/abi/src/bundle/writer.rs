//! The writing side: puts domains together into bytes that [`super::Bundle::parse`] accepts.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::size_of;

use zerocopy::{Immutable, IntoBytes};

use super::layout::{
    ArmEntryRecord, CLASS_SHARED, DEVICE_NS16550, DEVICE_PL011, DeviceRecord, DomainRecord, ENTRY_ARM, ENTRY_X86,
    EntryRef, FLAG_CONSOLE, FLAG_DIRTY_LOG, Header, MAGIC, MAX_NAME, ON_REBOOT_END, ON_REBOOT_RESTART, PAGE_SIZE,
    Range, RegionRecord, SegmentRecord, TableRef, VERSION, X86EntryRecord,
};
use super::parse::checksum;
use super::{Architecture, Device, OnReboot, Region};

/// One domain to write.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainSpec {
    /// At most [`MAX_NAME`] bytes; more are cut off.
    pub name: String,
    /// Number of vCPUs.
    pub vcpus: u32,
    /// Whether its serial port is attached to the machine's console.
    pub console: bool,
    /// Whether the hypervisor keeps a log of the pages that are written.
    pub dirty_log: bool,
    /// What a reboot does.
    pub on_reboot: OnReboot,
    /// RAM, ascending; its sum is the memory size.
    pub regions: Vec<Region>,
    /// Contents of RAM, ascending.
    pub segments: Vec<SegmentSpec>,
    /// The state in which vCPU 0 starts.
    pub entry: EntrySpec,
    /// Devices.
    pub devices: Vec<Device>,
}

/// The state of vCPU 0 to write.
#[expect(clippy::large_enum_variant, reason = "there is one a domain, on the developer's machine")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntrySpec {
    /// An x86 vCPU.
    X86(X86EntryRecord),
    /// An Arm vCPU.
    Arm(ArmEntryRecord),
}

/// Contents of RAM to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSpec {
    /// First guest-physical address.
    pub gpa: u64,
    /// The contents.
    pub bytes: Vec<u8>,
    /// On which machines: [`super::ALWAYS`], or only on those with this alternative.
    pub only: u32,
}

/// Collects domains and lays them out. It does not judge them: the reader does.
#[derive(Debug)]
pub struct BundleWriter {
    architecture: Architecture,
    domains: Vec<DomainRecord>,
    regions: Vec<RegionRecord>,
    segments: Vec<SegmentRecord>,
    x86_entries: Vec<X86EntryRecord>,
    devices: Vec<DeviceRecord>,
    arm_entries: Vec<ArmEntryRecord>,
    /// Contents, each at a page of its own; the same contents are stored once.
    payload: Vec<u8>,
    stored: BTreeMap<Vec<u8>, u64>,
}

impl BundleWriter {
    /// A bundle without domains, for machines of this architecture.
    #[must_use]
    pub const fn new(architecture: Architecture) -> Self {
        Self {
            architecture,
            domains: Vec::new(),
            regions: Vec::new(),
            segments: Vec::new(),
            x86_entries: Vec::new(),
            devices: Vec::new(),
            arm_entries: Vec::new(),
            payload: Vec::new(),
            stored: BTreeMap::new(),
        }
    }

    /// Adds a domain after those that are there.
    pub fn push(&mut self, domain: DomainSpec) {
        let regions =
            domain.regions.iter().map(|region| RegionRecord { gpa: region.gpa.into(), size: region.size.into() });
        let regions = append(&mut self.regions, regions);
        let devices = append(&mut self.devices, domain.devices.iter().map(device));
        let entry = self.entry(domain.entry);
        let segments: Vec<_> = domain.segments.into_iter().map(|segment| self.segment(segment)).collect();
        let segments = append(&mut self.segments, segments);
        self.domains.push(DomainRecord {
            name: padded(&domain.name),
            memory: domain.regions.iter().fold(0, |sum: u64, region| sum.saturating_add(region.size)).into(),
            vcpus: domain.vcpus.into(),
            class: CLASS_SHARED.into(),
            flags: (flag(domain.console, FLAG_CONSOLE) | flag(domain.dirty_log, FLAG_DIRTY_LOG)).into(),
            on_reboot: match domain.on_reboot {
                OnReboot::Restart => ON_REBOOT_RESTART,
                OnReboot::End => ON_REBOOT_END,
            }
            .into(),
            regions,
            segments,
            devices,
            entry,
        });
    }

    fn entry(&mut self, entry: EntrySpec) -> EntryRef {
        let (kind, range) = match entry {
            EntrySpec::X86(record) => (ENTRY_X86, append(&mut self.x86_entries, [record])),
            EntrySpec::Arm(record) => (ENTRY_ARM, append(&mut self.arm_entries, [record])),
        };
        EntryRef { kind: kind.into(), index: range.first }
    }

    /// Stores contents; the offset counts from the start of the payload until [`Self::finish`].
    fn segment(&mut self, segment: SegmentSpec) -> SegmentRecord {
        let size = (segment.bytes.len() as u64).into();
        let payload = &mut self.payload;
        let offset = *self.stored.entry(segment.bytes).or_insert_with_key(|bytes| {
            payload.resize(payload.len().next_multiple_of(PAGE_SIZE as usize), 0);
            let offset = payload.len() as u64;
            payload.extend_from_slice(bytes);
            offset
        });
        SegmentRecord { gpa: segment.gpa.into(), offset: offset.into(), size, only: segment.only.into() }
    }

    /// The bytes of the bundle.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut file = vec![0; size_of::<Header>()];
        let domains = table(&mut file, &self.domains);
        let regions = table(&mut file, &self.regions);
        let x86_entries = table(&mut file, &self.x86_entries);
        let devices = table(&mut file, &self.devices);
        let arm_entries = table(&mut file, &self.arm_entries);
        let tables_end = file.len() + size_of_val(self.segments.as_slice());
        let payload_start = tables_end.next_multiple_of(PAGE_SIZE as usize);
        for segment in &mut self.segments {
            segment.offset += payload_start as u64;
        }
        let segments = table(&mut file, &self.segments);
        if !self.payload.is_empty() {
            file.resize(payload_start, 0);
            file.append(&mut self.payload);
        }
        let total_len = (file.len() as u64).into();
        let header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            checksum: 0.into(),
            total_len,
            domains,
            regions,
            segments,
            x86_entries,
            devices,
            arm_entries,
            architecture: self.architecture.number().into(),
        };
        seal(file, header)
    }
}

/// Puts the header in place, with its checksum.
fn seal(mut file: Vec<u8>, mut header: Header) -> Vec<u8> {
    file[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    header.checksum = checksum(&file).into();
    file[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    file
}

/// A flag, or nothing.
const fn flag(wanted: bool, flag: u32) -> u32 {
    if wanted { flag } else { 0 }
}

/// Appends records and tells where they are.
fn append<T>(table: &mut Vec<T>, records: impl IntoIterator<Item = T>) -> Range {
    let first = table.len();
    table.extend(records);
    Range { first: count(first), count: count(table.len() - first) }
}

/// Appends a table to the file and tells where it is.
fn table<T: IntoBytes + Immutable>(file: &mut Vec<u8>, records: &[T]) -> TableRef {
    let offset = count(file.len());
    file.extend_from_slice(records.as_bytes());
    TableRef { offset, count: count(records.len()) }
}

/// Tables are far below 4 GiB; a larger number would saturate and be refused by the reader.
fn count(number: usize) -> zerocopy::little_endian::U32 {
    u32::try_from(number).unwrap_or(u32::MAX).into()
}

fn device(device: &Device) -> DeviceRecord {
    match *device {
        Device::Ns16550 { base_port, irq } => {
            DeviceRecord { kind: DEVICE_NS16550.into(), irq: irq.into(), address: u64::from(base_port).into() }
        }
        Device::Pl011 { base, irq } => {
            DeviceRecord { kind: DEVICE_PL011.into(), irq: irq.into(), address: base.into() }
        }
    }
}

fn padded(name: &str) -> [u8; MAX_NAME + 1] {
    let mut padded = [0; MAX_NAME + 1];
    for (to, from) in padded.iter_mut().take(MAX_NAME).zip(name.bytes()) {
        *to = from;
    }
    padded
}
