//! What the writer puts in is what the reader gives out, for arbitrary valid domains.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::collection::vec as vec_of;
use proptest::prelude::*;
use zerocopy::FromBytes;

use super::layout::{PAGE_SIZE, X86EntryRecord};
use super::{Bundle, BundleWriter, Device, Domain, DomainSpec, Entry, OnReboot, Region, SegmentSpec, sample};

/// Ascending disjoint regions from gaps and sizes in pages.
fn regions() -> impl Strategy<Value = Vec<Region>> {
    vec_of((0..1000u64, 1..500u64), 1..4).prop_map(|pieces| {
        let mut end = 0;
        let place = |(gap, pages): (u64, u64)| {
            let gpa = end + gap * PAGE_SIZE;
            end = gpa + pages * PAGE_SIZE;
            Region { gpa, size: pages * PAGE_SIZE }
        };
        pieces.into_iter().map(place).collect()
    })
}

/// Ascending disjoint segments from gaps and contents; the first region holds them all.
fn segments(size: u64) -> impl Strategy<Value = Vec<SegmentSpec>> {
    vec_of((0..size / 8, vec_of(any::<u8>(), 1..64)), 0..6).prop_map(move |pieces| {
        let mut end = 0;
        let place = |(gap, bytes): (u64, Vec<u8>)| {
            let gpa = end + gap;
            end = gpa + bytes.len() as u64;
            SegmentSpec { gpa, bytes }
        };
        pieces.into_iter().map(place).collect()
    })
}

fn domain() -> impl Strategy<Value = DomainSpec> {
    let entry = vec_of(any::<u8>(), size_of::<X86EntryRecord>());
    let devices = vec_of((0..=0xfff8u16, any::<u32>()), 0..3);
    let scalars = (1..=64u32, any::<bool>(), any::<bool>());
    (regions(), entry, devices, scalars).prop_flat_map(|(regions, entry, devices, (vcpus, console, end))| {
        let (start, size) = (regions[0].gpa, regions[0].size);
        segments(size).prop_map(move |mut segments| {
            segments.iter_mut().for_each(|segment| segment.gpa += start);
            DomainSpec {
                name: String::new(),
                vcpus,
                console,
                on_reboot: if end { OnReboot::End } else { OnReboot::Restart },
                regions: regions.clone(),
                segments,
                entry: X86EntryRecord::read_from_bytes(&entry).unwrap(),
                devices: devices.iter().map(|&(base_port, irq)| Device::Ns16550 { base_port, irq }).collect(),
            }
        })
    })
}

/// The domain as it would have to be written to read like this.
fn spec_of(domain: Domain<'_>) -> DomainSpec {
    let Entry::X86(entry) = domain.entry();
    DomainSpec {
        name: domain.name().to_string(),
        vcpus: domain.vcpus(),
        console: domain.console(),
        on_reboot: domain.on_reboot(),
        regions: domain.regions().collect(),
        segments: domain.segments().map(|s| SegmentSpec { gpa: s.gpa, bytes: s.bytes.to_vec() }).collect(),
        entry: *entry,
        devices: domain.devices().collect(),
    }
}

fn write(domains: &[DomainSpec]) -> Vec<u8> {
    let mut writer = BundleWriter::new();
    domains.iter().cloned().for_each(|domain| writer.push(domain));
    writer.finish()
}

proptest! {
    #[test]
    fn what_is_written_is_read(mut domains in vec_of(domain(), 1..6), padding in 0..5000usize) {
        for (number, domain) in domains.iter_mut().enumerate() {
            domain.name = format!("domän-{number}");
        }
        let mut bytes = write(&domains);
        let written = bytes.len();
        bytes.resize(written + padding, 0xcc);
        let bundle = Bundle::parse(&bytes).unwrap();
        prop_assert_eq!(bundle.as_bytes().len(), written);
        prop_assert_eq!(bundle.domains().map(spec_of).collect::<Vec<_>>(), domains);
    }
}

#[test]
fn equal_contents_are_stored_once() {
    let one = write(&[sample::domain("one")]);
    let two = write(&[sample::domain("one"), sample::domain("two")]);
    assert_eq!(one.len(), two.len(), "the second domain fits into the padding of the tables");
}

#[test]
fn contents_begin_on_a_page_of_the_file() {
    let bytes = sample::bundle();
    let start = bytes.as_ptr().addr();
    let offset_of = |contents: &[u8]| contents.as_ptr().addr() - start;
    let bundle = Bundle::parse(&bytes).unwrap();
    let offsets: Vec<_> = bundle.domains().flat_map(|d| d.segments().map(|s| offset_of(s.bytes))).collect();
    assert_eq!(offsets, vec![0x1000, 0x2000, 0x1000, 0x2000]);
}
