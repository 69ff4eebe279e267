//! The bundle: one binary that holds everything a machine's domains need, made by the builder, checked once by the
//! kernel.
//!
//! [`Bundle::parse`] looks at every field before anything is used; after it, the typed views ([`Domain`] and its
//! iterators) cannot fail. `docs/bundle.md` describes the format byte by byte.

mod check;
mod display;
mod error;
mod layout;
mod parse;
mod terms;
mod view;
#[cfg(any(test, feature = "alloc"))]
mod writer;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
mod sample;

pub use error::{BundleError, DomainError, Table};
pub use layout::{
    ALWAYS, ARCH_AARCH64, ARCH_X86_64, ArmEntryRecord, CLASS_SHARED, DEVICE_NS16550, DEVICE_PL011, DeviceRecord,
    DomainRecord, ENTRY_ARM, ENTRY_X86, EntryRef, FLAG_CONSOLE, FLAG_DIRTY_LOG, Header, MAGIC, MAX_DOMAINS, MAX_NAME,
    MAX_VCPUS, ON_REBOOT_END, ON_REBOOT_RESTART, ONLY_GICV2, ONLY_GICV3, PAGE_SIZE, Range, RegionRecord, SegmentRecord,
    TableRef, VERSION, X86DescriptorTable, X86EntryRecord, X86Segment,
};
pub use terms::{Architecture, Class, Device, Entry, OnReboot, Region, Segment};
pub use view::{Bundle, Domain};
#[cfg(any(test, feature = "alloc"))]
pub use writer::{BundleWriter, DomainSpec, EntrySpec, SegmentSpec};
