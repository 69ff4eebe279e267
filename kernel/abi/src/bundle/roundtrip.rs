//! What the writer puts in is what the reader gives out, for arbitrary valid domains.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::collection::vec as vec_of;
use proptest::prelude::*;
use zerocopy::FromBytes;

use super::layout::{ALWAYS, ArmEntryRecord, ONLY_GICV2, ONLY_GICV3, PAGE_SIZE, X86EntryRecord};
use super::{
    Architecture, Bundle, Device, Domain, DomainSpec, Entry, EntrySpec, OnReboot, Region, SegmentSpec, sample,
};

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
    vec_of((0..size / 8, vec_of(any::<u8>(), 1..64), ALWAYS..=ONLY_GICV3), 0..6).prop_map(move |pieces| {
        let mut end = 0;
        let place = |(gap, bytes, only): (u64, Vec<u8>, u32)| {
            let gpa = end + gap;
            end = gpa + bytes.len() as u64;
            SegmentSpec { gpa, bytes, only }
        };
        pieces.into_iter().map(place).collect()
    })
}

fn device() -> impl Strategy<Value = Device> {
    prop_oneof![
        (0..=0xfff8u16, any::<u32>()).prop_map(|(base_port, irq)| Device::Ns16550 { base_port, irq }),
        (0..u64::MAX >> 12, any::<u32>()).prop_map(|(page, irq)| Device::Pl011 { base: page << 12, irq }),
    ]
}

fn entry(architecture: Architecture) -> impl Strategy<Value = EntrySpec> {
    vec_of(any::<u8>(), size_of::<X86EntryRecord>()).prop_map(move |bytes| match architecture {
        Architecture::X86_64 => EntrySpec::X86(X86EntryRecord::read_from_bytes(&bytes).unwrap()),
        Architecture::Aarch64 => EntrySpec::Arm(ArmEntryRecord::read_from_prefix(&bytes).unwrap().0),
    })
}

fn bundle() -> impl Strategy<Value = (Architecture, Vec<DomainSpec>)> {
    prop_oneof![Just(Architecture::X86_64), Just(Architecture::Aarch64)]
        .prop_flat_map(|architecture| (Just(architecture), vec_of(domain(architecture), 1..6)))
}

fn domain(architecture: Architecture) -> impl Strategy<Value = DomainSpec> {
    let (entry, devices) = (entry(architecture), vec_of(device(), 0..3));
    let scalars = (1..=64u32, any::<bool>(), any::<bool>(), any::<bool>());
    (regions(), entry, devices, scalars).prop_flat_map(|(regions, entry, devices, (vcpus, console, dirty_log, end))| {
        let (start, size) = (regions[0].gpa, regions[0].size);
        segments(size).prop_map(move |mut segments| {
            segments.iter_mut().for_each(|segment| segment.gpa += start);
            DomainSpec {
                name: String::new(),
                vcpus,
                console,
                dirty_log,
                on_reboot: if end { OnReboot::End } else { OnReboot::Restart },
                regions: regions.clone(),
                segments,
                entry,
                devices: devices.clone(),
            }
        })
    })
}

/// The domain as it would have to be written to read like this.
fn spec_of(domain: Domain<'_>) -> DomainSpec {
    DomainSpec {
        name: domain.name().to_string(),
        vcpus: domain.vcpus(),
        console: domain.console(),
        dirty_log: domain.dirty_log(),
        on_reboot: domain.on_reboot(),
        regions: domain.regions().collect(),
        segments: domain
            .segments()
            .map(|s| SegmentSpec { gpa: s.gpa, bytes: s.bytes.to_vec(), only: s.only })
            .collect(),
        entry: match domain.entry() {
            Entry::X86(record) => EntrySpec::X86(*record),
            Entry::Arm(record) => EntrySpec::Arm(*record),
        },
        devices: domain.devices().collect(),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read((architecture, mut domains) in bundle(), padding in 0..5000usize) {
        for (number, domain) in domains.iter_mut().enumerate() {
            domain.name = format!("domän-{number}");
        }
        let mut bytes = sample::write(architecture, domains.clone());
        let written = bytes.len();
        bytes.resize(written + padding, 0xcc);
        let bundle = Bundle::parse(&bytes).unwrap();
        prop_assert_eq!(bundle.as_bytes().len(), written);
        prop_assert_eq!(bundle.architecture(), architecture);
        prop_assert_eq!(bundle.domains().map(spec_of).collect::<Vec<_>>(), domains);
    }
}

#[test]
fn equal_contents_are_stored_once() {
    let one = sample::write(Architecture::X86_64, [sample::domain("one")]);
    let two = sample::write(Architecture::X86_64, [sample::domain("one"), sample::domain("two")]);
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

#[test]
fn a_machine_gets_its_alternatives_and_what_is_for_all() {
    let bytes = sample::arm_bundle();
    let domain = Bundle::parse(&bytes).unwrap().domains().next().unwrap();
    let on = |machine| domain.segments().filter(|s| s.fits(machine)).map(|s| s.gpa & 0xffff).collect::<Vec<_>>();
    assert_eq!(on(ONLY_GICV2), [0, 0x1000, 0x2000]);
    assert_eq!(on(ONLY_GICV3), [0, 0x1004, 0x2000]);
    assert_eq!(on(ALWAYS), [0, 0x2000], "a machine without alternatives");
}
