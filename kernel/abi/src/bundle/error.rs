//! Why a bundle is refused. Fields instead of strings: `display.rs` makes the text when somebody prints it.

use super::terms::Architecture;

/// The tables of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// [`super::DomainRecord`]s.
    Domains,
    /// [`super::RegionRecord`]s.
    Regions,
    /// [`super::SegmentRecord`]s.
    Segments,
    /// [`super::X86EntryRecord`]s.
    X86Entries,
    /// [`super::DeviceRecord`]s.
    Devices,
    /// [`super::ArmEntryRecord`]s.
    ArmEntries,
}

/// Why [`super::Bundle::parse`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// The bytes end before the bundle does.
    Truncated {
        /// Bytes that are there.
        have: u64,
        /// Bytes that the bundle (or its header) needs.
        need: u64,
    },
    /// The first eight bytes are not [`super::MAGIC`].
    Magic {
        /// What stands there.
        found: [u8; 8],
    },
    /// Another version of the format.
    Version {
        /// The version in the header.
        found: u32,
    },
    /// The total length is shorter than the header that holds it.
    TotalLength {
        /// The length in the header, in bytes.
        found: u64,
    },
    /// The contents changed since the bundle was written.
    Checksum {
        /// The sum in the header.
        stored: u32,
        /// The sum of the bytes.
        computed: u32,
    },
    /// No architecture that this version knows.
    UnknownArchitecture {
        /// The number in the header.
        found: u32,
    },
    /// The bundle is for other machines ([`super::Bundle::require`]).
    WrongArchitecture {
        /// What it is for.
        bundle: Architecture,
        /// What this machine is.
        machine: Architecture,
    },
    /// A table lies outside the file.
    TableOutside {
        /// Which table.
        table: Table,
    },
    /// The number of domains is 0 or above [`super::MAX_DOMAINS`].
    DomainCount {
        /// The number.
        count: u32,
    },
    /// A domain is wrong.
    Domain {
        /// Its place in the bundle, from 0.
        index: usize,
        /// What is wrong.
        error: DomainError,
    },
}

/// What is wrong with a domain of a bundle. Record indices count from 0 within the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainError {
    /// The name is empty, not UTF-8, not NUL-padded, or holds control characters.
    Name,
    /// An earlier domain has the same name.
    NameTaken {
        /// The earlier domain.
        by: usize,
    },
    /// The number of vCPUs is 0 or above [`super::MAX_VCPUS`].
    Vcpus {
        /// The number.
        count: u32,
    },
    /// Unknown scheduling class.
    Class {
        /// The number in the record.
        class: u32,
    },
    /// Unknown flags.
    Flags {
        /// All flags of the record.
        flags: u32,
    },
    /// Unknown policy for reboots.
    OnReboot {
        /// The number in the record.
        policy: u32,
    },
    /// A range does not lie in its table.
    Range {
        /// Which table.
        table: Table,
    },
    /// A region is empty, not page-aligned, or runs past the end of the address space.
    RegionShape {
        /// Which region.
        region: usize,
    },
    /// A region starts before the one before it ends.
    RegionOrder {
        /// Which region.
        region: usize,
    },
    /// The regions do not add up to the memory size.
    Memory {
        /// Bytes in the record.
        declared: u64,
        /// Bytes in the regions.
        regions: u64,
    },
    /// A segment's contents are empty, not page-aligned in the file, or outside the file.
    SegmentContents {
        /// Which segment.
        segment: usize,
    },
    /// A segment does not lie in one region.
    SegmentOutsideRam {
        /// Which segment.
        segment: usize,
    },
    /// A segment is for machines that this version does not know.
    SegmentOnly {
        /// Which segment.
        segment: usize,
        /// The number in the record.
        only: u32,
    },
    /// A segment starts before one before it ends that may be there at the same time.
    SegmentOrder {
        /// Which segment.
        segment: usize,
    },
    /// Unknown kind of entry state.
    EntryKind {
        /// The number in the record.
        kind: u32,
    },
    /// The entry state is for another architecture than the bundle.
    EntryForeign {
        /// What the bundle is for.
        bundle: Architecture,
    },
    /// The entry record does not exist.
    EntryIndex {
        /// The index in the record.
        index: u32,
    },
    /// Unknown kind of device.
    DeviceKind {
        /// Which device.
        device: usize,
        /// The number in the record.
        kind: u32,
    },
    /// A device's registers do not fit in the address space that they belong to.
    DeviceAddress {
        /// Which device.
        device: usize,
    },
}

impl core::error::Error for BundleError {}
impl core::error::Error for DomainError {}
