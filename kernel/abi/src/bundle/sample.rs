//! A small valid bundle, and ways to bend it, for the tests.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use super::layout::{Header, TableRef, X86EntryRecord};
use super::parse::checksum;
use super::{BundleWriter, Device, DomainSpec, OnReboot, Region, SegmentSpec};

pub(super) fn domain(name: &str) -> DomainSpec {
    DomainSpec {
        name: name.to_string(),
        vcpus: 2,
        console: true,
        on_reboot: OnReboot::Restart,
        regions: vec![Region { gpa: 0, size: 0x20_0000 }, Region { gpa: 1 << 32, size: 0x1000 }],
        segments: vec![
            SegmentSpec { gpa: 0x7001, bytes: b"first".to_vec() },
            SegmentSpec { gpa: 0x10_0000, bytes: b"second".to_vec() },
        ],
        entry: X86EntryRecord { rip: 0x10_0000.into(), ..X86EntryRecord::new_zeroed() },
        devices: vec![Device::Ns16550 { base_port: 0x3f8, irq: 4 }],
    }
}

/// Two domains that share the contents of their segments.
pub(super) fn bundle() -> Vec<u8> {
    let mut writer = BundleWriter::new();
    writer.push(domain("one"));
    writer.push(domain("two"));
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
