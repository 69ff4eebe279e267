//! Each way to be wrong is refused by its own name.

use alloc::string::ToString;

use super::layout::{ALWAYS, DeviceRecord, DomainRecord, Header, ONLY_GICV2, ONLY_GICV3, RegionRecord, SegmentRecord};
use super::{Architecture, Bundle, BundleError, DomainError, Table, sample};

fn refusal(bytes: &[u8]) -> BundleError {
    Bundle::parse(bytes).expect_err("a bent bundle must be refused")
}

/// What is said of domain 1 of the sample after an edit of its record.
fn domain_refusal(edit: impl FnOnce(&mut DomainRecord)) -> DomainError {
    let mut bytes = sample::bundle();
    sample::edit_record(&mut bytes, |header| header.domains, 1, edit);
    domain_error(&bytes)
}

fn domain_error(bytes: &[u8]) -> DomainError {
    match refusal(bytes) {
        BundleError::Domain { index: 1, error } => error,
        other => panic!("domain 1 is wrong, not: {other}"),
    }
}

#[test]
fn every_truncation_is_named() {
    for bytes in [sample::bundle(), sample::arm_bundle()] {
        for have in 0..bytes.len() {
            let need = if have < size_of::<Header>() { size_of::<Header>() } else { bytes.len() };
            let expected = BundleError::Truncated { have: have as u64, need: need as u64 };
            assert_eq!(refusal(&bytes[..have]), expected);
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    flip_every_bit(sample::bundle());
    flip_every_bit(sample::arm_bundle());
}

fn flip_every_bit(mut bytes: alloc::vec::Vec<u8>) {
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = refusal(&bytes);
        let named = match bit / 8 {
            0..8 => matches!(error, BundleError::Magic { .. }),
            8..12 => matches!(error, BundleError::Version { .. }),
            16..24 => !matches!(error, BundleError::Domain { .. }),
            _ => matches!(error, BundleError::Checksum { .. }),
        };
        assert!(named, "bit {bit}: {error}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    Bundle::parse(&bytes).unwrap();
}

#[test]
fn frame_of_the_file() {
    let bent = |edit: fn(&mut Header)| {
        let mut bytes = sample::bundle();
        sample::edit_header(&mut bytes, edit);
        refusal(&bytes)
    };
    assert_eq!(bent(|h| h.magic = *b"\x7fELF1234"), BundleError::Magic { found: *b"\x7fELF1234" });
    assert_eq!(bent(|h| h.version = 1.into()), BundleError::Version { found: 1 });
    assert_eq!(bent(|h| h.total_len = 75.into()), BundleError::TotalLength { found: 75 });
    assert_eq!(bent(|h| h.domains.count = 0.into()), BundleError::DomainCount { count: 0 });
    let outside = |table| BundleError::TableOutside { table };
    assert_eq!(bent(|h| h.domains.count = u32::MAX.into()), outside(Table::Domains));
    assert_eq!(bent(|h| h.regions.offset = u32::MAX.into()), outside(Table::Regions));
    assert_eq!(bent(|h| h.segments.count = 400.into()), outside(Table::Segments));
    assert_eq!(bent(|h| h.x86_entries.offset = 8000.into()), outside(Table::X86Entries));
    assert_eq!(bent(|h| h.devices.count = 1000.into()), outside(Table::Devices));
    assert_eq!(bent(|h| h.arm_entries.count = 1000.into()), outside(Table::ArmEntries));
    for found in [0, 3, u32::MAX] {
        let mut bytes = sample::bundle();
        sample::edit_header(&mut bytes, |h| h.architecture = found.into());
        assert_eq!(refusal(&bytes), BundleError::UnknownArchitecture { found });
    }
}

#[test]
fn too_many_domains() {
    let domains = (0..=super::MAX_DOMAINS).map(|number| sample::domain(&number.to_string()));
    let bytes = sample::write(Architecture::X86_64, domains);
    assert_eq!(refusal(&bytes), BundleError::DomainCount { count: 65 });
}

#[test]
fn the_architecture_of_bundle_and_machine() {
    use Architecture::{Aarch64, X86_64};
    for (bytes, own, other) in [(sample::bundle(), X86_64, Aarch64), (sample::arm_bundle(), Aarch64, X86_64)] {
        let bundle = Bundle::parse(&bytes).unwrap();
        assert_eq!(bundle.architecture(), own);
        assert!(bundle.require(own).is_ok());
        let expected = BundleError::WrongArchitecture { bundle: own, machine: other };
        assert_eq!(bundle.require(other).unwrap_err(), expected);
        let mut bent = bytes;
        sample::edit_header(&mut bent, |header| header.architecture = other.number().into());
        let error = DomainError::EntryForeign { bundle: other };
        assert_eq!(refusal(&bent), BundleError::Domain { index: 0, error });
    }
}

#[test]
fn the_checksum_may_be_computed_elsewhere() {
    let bytes = sample::arm_bundle();
    let same = |covered: &[u8]| {
        assert_eq!(covered, &bytes[16..]);
        super::parse::checksum(&bytes)
    };
    assert!(Bundle::parse_with(&bytes, same).is_ok());
    let stored = super::parse::checksum(&bytes);
    let expected = BundleError::Checksum { stored, computed: !stored };
    assert_eq!(Bundle::parse_with(&bytes, |_| !stored).unwrap_err(), expected);
}

#[test]
fn scalars_of_a_domain() {
    assert_eq!(domain_refusal(|d| d.name = [0; 32]), DomainError::Name);
    assert_eq!(domain_refusal(|d| d.name = [b'a'; 32]), DomainError::Name);
    assert_eq!(domain_refusal(|d| d.name[0] = 0xff), DomainError::Name);
    assert_eq!(domain_refusal(|d| d.name[1] = b'\n'), DomainError::Name);
    assert_eq!(domain_refusal(|d| d.name[9] = b'x'), DomainError::Name);
    assert_eq!(domain_refusal(|d| d.name[..3].copy_from_slice(b"one")), DomainError::NameTaken { by: 0 });
    assert_eq!(domain_refusal(|d| d.vcpus = 0.into()), DomainError::Vcpus { count: 0 });
    assert_eq!(domain_refusal(|d| d.vcpus = 65.into()), DomainError::Vcpus { count: 65 });
    assert_eq!(domain_refusal(|d| d.class = 9.into()), DomainError::Class { class: 9 });
    assert_eq!(domain_refusal(|d| d.flags = 7.into()), DomainError::Flags { flags: 7 });
    assert_eq!(domain_refusal(|d| d.on_reboot = 2.into()), DomainError::OnReboot { policy: 2 });
    assert_eq!(domain_refusal(|d| d.memory = 0.into()), DomainError::Memory { declared: 0, regions: 0x20_1000 });
    assert_eq!(domain_refusal(|d| d.entry.kind = 3.into()), DomainError::EntryKind { kind: 3 });
    let foreign = DomainError::EntryForeign { bundle: Architecture::X86_64 };
    assert_eq!(domain_refusal(|d| d.entry.kind = 2.into()), foreign);
    assert_eq!(domain_refusal(|d| d.entry.index = 2.into()), DomainError::EntryIndex { index: 2 });
}

#[test]
fn ranges_of_a_domain() {
    let outside = |table| DomainError::Range { table };
    assert_eq!(domain_refusal(|d| d.regions.count = 3.into()), outside(Table::Regions));
    assert_eq!(domain_refusal(|d| d.segments.first = u32::MAX.into()), outside(Table::Segments));
    assert_eq!(domain_refusal(|d| d.devices.first = 2.into()), outside(Table::Devices));
}

#[test]
fn regions_of_a_domain() {
    let bent = |edit: fn(&mut RegionRecord)| {
        let mut bytes = sample::bundle();
        sample::edit_record(&mut bytes, |header| header.regions, 3, edit);
        domain_error(&bytes)
    };
    assert_eq!(bent(|r| r.gpa = 0x1000.into()), DomainError::RegionOrder { region: 1 });
    assert_eq!(bent(|r| r.gpa = (u64::MAX - 0xfff).into()), DomainError::RegionShape { region: 1 });
    assert_eq!(bent(|r| r.gpa += 1), DomainError::RegionShape { region: 1 });
    assert_eq!(bent(|r| r.size = 0.into()), DomainError::RegionShape { region: 1 });
    assert_eq!(bent(|r| r.size += 0x800), DomainError::RegionShape { region: 1 });
    assert_eq!(bent(|r| r.size += 0x1000), DomainError::Memory { declared: 0x20_1000, regions: 0x20_2000 });
}

#[test]
fn segments_of_a_domain() {
    let bent = |edit: fn(&mut SegmentRecord)| {
        let mut bytes = sample::bundle();
        sample::edit_record(&mut bytes, |header| header.segments, 3, edit);
        domain_error(&bytes)
    };
    let (contents, outside) =
        (DomainError::SegmentContents { segment: 1 }, DomainError::SegmentOutsideRam { segment: 1 });
    assert_eq!(bent(|s| s.size = 0.into()), contents);
    assert_eq!(bent(|s| s.size += 1), contents);
    assert_eq!(bent(|s| s.offset += 1), contents);
    assert_eq!(bent(|s| s.offset = 0xffff_ffff_ffff_f000.into()), contents);
    assert_eq!(bent(|s| s.gpa = 0x1f_fffb.into()), outside);
    assert_eq!(bent(|s| s.gpa = u64::MAX.into()), outside);
    assert_eq!(bent(|s| s.gpa = 0x7005.into()), DomainError::SegmentOrder { segment: 1 });
    assert_eq!(bent(|s| s.only = 3.into()), DomainError::SegmentOnly { segment: 1, only: 3 });
}

#[test]
fn alternatives_may_overlap_nothing_but_each_other() {
    // Segments 4 to 7 are domain 1's: always, GICv2, GICv3 four bytes further, always.
    let bent = |index: usize, edit: fn(&mut SegmentRecord)| {
        let mut bytes = sample::arm_bundle();
        sample::edit_record(&mut bytes, |header| header.segments, index, edit);
        Bundle::parse(&bytes).map(|_| ()).map_err(|_| domain_error(&bytes))
    };
    let order = |segment| Err(DomainError::SegmentOrder { segment });
    assert_eq!(bent(5, |s| s.only = ALWAYS.into()), order(2));
    assert_eq!(bent(6, |s| s.only = ALWAYS.into()), order(2));
    assert_eq!(bent(6, |s| s.only = ONLY_GICV2.into()), order(2));
    assert_eq!(bent(5, |s| s.only = ONLY_GICV3.into()), order(2));
    assert_eq!(bent(6, |s| s.gpa = 0x4000_1000.into()), Ok(()));
    assert_eq!(bent(6, |s| s.gpa = 0x4000_0fff.into()), order(2), "not ascending");
    assert_eq!(bent(5, |s| s.gpa = 0x4000_0007.into()), order(1), "over the first");
    assert_eq!(bent(7, |s| s.gpa = 0x4000_1013.into()), order(3), "over both");
    assert_eq!(bent(7, |s| s.gpa = 0x4000_1014.into()), order(3), "over one");
    assert_eq!(bent(7, |s| s.gpa = 0x4000_1015.into()), Ok(()));
}

#[test]
fn devices_of_a_domain() {
    let bent = |edit: fn(&mut DeviceRecord)| {
        let mut bytes = sample::bundle();
        sample::edit_record(&mut bytes, |header| header.devices, 1, edit);
        domain_error(&bytes)
    };
    assert_eq!(bent(|d| d.kind = 7.into()), DomainError::DeviceKind { device: 0, kind: 7 });
    assert_eq!(bent(|d| d.address = 0xfff9.into()), DomainError::DeviceAddress { device: 0 });
    assert_eq!(bent(|d| d.address = 0x1_0000.into()), DomainError::DeviceAddress { device: 0 });
    for address in [0x800, 0x900_0001, u64::MAX, u64::MAX - 0xffe] {
        let mut bytes = sample::arm_bundle();
        sample::edit_record(&mut bytes, |header| header.devices, 1, |d: &mut DeviceRecord| d.address = address.into());
        assert_eq!(domain_error(&bytes), DomainError::DeviceAddress { device: 0 });
    }
}

#[test]
fn the_text_names_the_cause() {
    let bytes = sample::bundle();
    assert_eq!(refusal(&bytes[..100]).to_string(), "the bundle is truncated: 100 bytes are there, 8198 are needed");
    assert_eq!(
        refusal(&[0x7f; 76]).to_string(),
        "this is not a bundle: it begins with \"\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\""
    );
    let wrong = Bundle::parse(&bytes).unwrap().require(Architecture::Aarch64).unwrap_err();
    assert_eq!(wrong.to_string(), "the bundle is for x86_64 machines, this is an aarch64 machine");
    let mut bent = bytes;
    sample::edit_record(&mut bent, |h| h.domains, 1, |d: &mut DomainRecord| d.vcpus = 65.into());
    assert_eq!(refusal(&bent).to_string(), "domain 1 of the bundle: 65 vCPUs, 1 to 64 are possible");
}
