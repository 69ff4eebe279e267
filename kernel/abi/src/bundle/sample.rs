//! Small valid bundles, and ways to bend them, for the tests.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use super::layout::{ALWAYS, ArmEntryRecord, Header, ONLY_GICV2, ONLY_GICV3, TableRef, X86EntryRecord};
use super::parse::checksum;
use super::{Architecture, BundleWriter, Device, DomainSpec, EntrySpec, OnReboot, Region, SegmentSpec};

pub(super) fn domain(name: &str) -> DomainSpec {
    DomainSpec {
        name: name.to_string(),
        vcpus: 2,
        console: true,
        dirty_log: false,
        on_reboot: OnReboot::Restart,
        regions: vec![Region { gpa: 0, size: 0x20_0000 }, Region { gpa: 1 << 32, size: 0x1000 }],
        segments: vec![
            SegmentSpec { gpa: 0x7001, bytes: b"first".to_vec(), only: ALWAYS },
            SegmentSpec { gpa: 0x10_0000, bytes: b"second".to_vec(), only: ALWAYS },
        ],
        entry: EntrySpec::X86(X86EntryRecord { rip: 0x10_0000.into(), ..X86EntryRecord::new_zeroed() }),
        devices: vec![Device::Ns16550 { base_port: 0x3f8, irq: 4 }],
    }
}

/// An Arm domain whose first page has three versions, two of them alternatives.
pub(super) fn arm_domain(name: &str) -> DomainSpec {
    let segment = |gpa, text: &[u8], only| SegmentSpec { gpa, bytes: text.to_vec(), only };
    DomainSpec {
        regions: vec![Region { gpa: 0x4000_0000, size: 0x20_0000 }],
        segments: vec![
            segment(0x4000_0000, b"for both", ALWAYS),
            segment(0x4000_1000, b"with a second version", ONLY_GICV2),
            segment(0x4000_1004, b"with a third one", ONLY_GICV3),
            segment(0x4000_2000, b"for both", ALWAYS),
        ],
        entry: EntrySpec::Arm(ArmEntryRecord { pc: 0x4000_2000.into(), ..ArmEntryRecord::new_zeroed() }),
        devices: vec![Device::Pl011 { base: 0x900_0000, irq: 33 }],
        ..domain(name)
    }
}

/// Two domains that share the contents of their segments.
pub(super) fn bundle() -> Vec<u8> {
    write(Architecture::X86_64, [domain("one"), domain("two")])
}

/// The same for Arm machines.
pub(super) fn arm_bundle() -> Vec<u8> {
    write(Architecture::Aarch64, [arm_domain("one"), arm_domain("two")])
}

/// A bundle of these domains.
pub(super) fn write(architecture: Architecture, domains: impl IntoIterator<Item = DomainSpec>) -> Vec<u8> {
    let mut writer = BundleWriter::new(architecture);
    domains.into_iter().for_each(|domain| writer.push(domain));
    writer.finish()
}

/// Gives the header to `edit` and makes the checksum right again.
pub(super) fn edit_header(bytes: &mut [u8], edit: impl FnOnce(&mut Header)) {
    edit(Header::mut_from_prefix(bytes).unwrap().0);
    reseal(bytes);
}

/// Gives one record of a table to `edit` and makes the checksum right again.
pub(super) fn edit_record<T: FromBytes + IntoBytes + KnownLayout + Immutable>(
    bytes: &mut [u8],
    table: impl FnOnce(&Header) -> TableRef,
    index: usize,
    edit: impl FnOnce(&mut T),
) {
    let place = table(Header::ref_from_prefix(bytes).unwrap().0);
    let at = place.offset.get() as usize + index * size_of::<T>();
    let mut record = T::read_from_prefix(&bytes[at..]).unwrap().0;
    edit(&mut record);
    record.write_to_prefix(&mut bytes[at..]).unwrap();
    reseal(bytes);
}

/// Makes the checksum right, whatever the bytes say now.
pub(super) fn reseal(bytes: &mut [u8]) {
    let sum = checksum(bytes);
    Header::mut_from_prefix(bytes).unwrap().0.checksum = sum.into();
}
