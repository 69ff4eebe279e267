//! The text of a refusal: the cause first, with the numbers that show it.

use core::fmt;

use super::error::{BundleError, DomainError, Table};
use super::layout::{MAX_DOMAINS, MAX_VCPUS, VERSION};

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Domains => "domain",
            Self::Regions => "region",
            Self::Segments => "segment",
            Self::X86Entries => "x86 entry",
            Self::Devices => "device",
            Self::ArmEntries => "Arm entry",
        })
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { have, need } => {
                write!(f, "the bundle is truncated: {have} bytes are there, {need} are needed")
            }
            Self::Magic { found } => {
                write!(f, "this is not a bundle: it begins with \"{}\"", found.escape_ascii())
            }
            Self::Version { found } => {
                write!(f, "the bundle has format version {found}, this kernel reads {}", VERSION)
            }
            Self::TotalLength { found } => {
                write!(f, "the bundle claims to be only {found} bytes long")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "the bundle is damaged: its checksum is {computed:#010x}, the header says {stored:#010x}")
            }
            Self::UnknownArchitecture { found } => {
                write!(f, "the bundle is for an unknown architecture (number {found})")
            }
            Self::WrongArchitecture { bundle, machine } => {
                write!(f, "the bundle is for {bundle} machines, this is an {machine} machine")
            }
            Self::TableOutside { table } => write!(f, "the {table} table lies outside the bundle"),
            Self::DomainCount { count } => {
                write!(f, "the bundle holds {count} domains, 1 to {} are possible", MAX_DOMAINS)
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
                write!(f, "{count} vCPUs, 1 to {} are possible", MAX_VCPUS)
            }
            Self::Class { class } => write!(f, "unknown scheduling class {class}"),
            Self::Flags { flags } => write!(f, "unknown flags in {flags:#x}"),
            Self::OnReboot { policy } => write!(f, "unknown reboot policy {policy}"),
            Self::Range { table } => write!(f, "its range lies outside the {table} table"),
            Self::RegionShape { region } => write!(f, "region {region} is not made of whole pages"),
            Self::RegionOrder { region } => write!(f, "region {region} overlaps the one before it"),
            Self::Memory { declared, regions } => {
                write!(f, "{declared} bytes of memory, but its regions add up to {regions}")
            }
            Self::SegmentContents { segment } => {
                write!(f, "the contents of segment {segment} are not in the bundle")
            }
            Self::SegmentOutsideRam { segment } => {
                write!(f, "segment {segment} lies outside its RAM")
            }
            Self::SegmentOnly { segment, only } => {
                write!(f, "segment {segment} is for unknown machines (number {only})")
            }
            Self::SegmentOrder { segment } => {
                write!(f, "segment {segment} overlaps one before it")
            }
            Self::EntryKind { kind } => write!(f, "entry state of unknown kind {kind}"),
            Self::EntryForeign { bundle } => {
                write!(f, "entry state for another architecture than {bundle}, which the bundle is for")
            }
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
