//! Why a bundle is refused. Fields instead of strings; the text is made when somebody prints it.

use core::fmt;

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
    /// A segment starts before the one before it ends.
    SegmentOrder {
        /// Which segment.
        segment: usize,
    },
    /// Unknown kind of entry state.
    EntryKind {
        /// The number in the record.
        kind: u32,
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

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domains => "domain",
            Self::Regions => "region",
            Self::Segments => "segment",
            Self::X86Entries => "x86 entry",
            Self::Devices => "device",
        })
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { have, need } => {
                write!(
                    f,
                    "the bundle is truncated: {have} bytes are there, {need} are needed"
                )
            }
            Self::Magic { found } => {
                write!(
                    f,
                    "this is not a bundle: it begins with \"{}\"",
                    found.escape_ascii()
                )
            }
            Self::Version { found } => {
                write!(
                    f,
                    "the bundle has format version {found}, this kernel reads {}",
                    super::VERSION
                )
            }
            Self::TotalLength { found } => {
                write!(f, "the bundle claims to be only {found} bytes long")
            }
            Self::Checksum { stored, computed } => write!(
                f,
                "the bundle is damaged: its checksum is {computed:#010x}, the header says {stored:#010x}"
            ),
            Self::TableOutside { table } => write!(f, "the {table} table lies outside the bundle"),
            Self::DomainCount { count } => {
                write!(
                    f,
                    "the bundle holds {count} domains, 1 to {} are possible",
                    super::MAX_DOMAINS
                )
            }
            Self::Domain { index, error } => write!(f, "domain {index} of the bundle: {error}"),
        }
    }
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Name => f.write_str("the name is empty or not clean UTF-8"),
            Self::NameTaken { by } => write!(f, "domain {by} has the same name"),
            Self::Vcpus { count } => {
                write!(f, "{count} vCPUs, 1 to {} are possible", super::MAX_VCPUS)
            }
            Self::Class { class } => write!(f, "unknown scheduling class {class}"),
            Self::Flags { flags } => write!(f, "unknown flags in {flags:#x}"),
            Self::OnReboot { policy } => write!(f, "unknown reboot policy {policy}"),
            Self::Range { table } => write!(f, "its range lies outside the {table} table"),
            Self::RegionShape { region } => write!(f, "region {region} is not made of whole pages"),
            Self::RegionOrder { region } => write!(f, "region {region} overlaps the one before it"),
            Self::Memory { declared, regions } => {
                write!(
                    f,
                    "{declared} bytes of memory, but its regions add up to {regions}"
                )
            }
            Self::SegmentContents { segment } => {
                write!(f, "the contents of segment {segment} are not in the bundle")
            }
            Self::SegmentOutsideRam { segment } => {
                write!(f, "segment {segment} lies outside its RAM")
            }
            Self::SegmentOrder { segment } => {
                write!(f, "segment {segment} overlaps the one before it")
            }
            Self::EntryKind { kind } => write!(f, "entry state of unknown kind {kind}"),
            Self::EntryIndex { index } => write!(f, "entry state {index} does not exist"),
            Self::DeviceKind { device, kind } => {
                write!(f, "device {device} is of unknown kind {kind}")
            }
            Self::DeviceAddress { device } => {
                write!(f, "device {device} has an impossible address")
            }
        }
    }
}

impl core::error::Error for BundleError {}
impl core::error::Error for DomainError {}
