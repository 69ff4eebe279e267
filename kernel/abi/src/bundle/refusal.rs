//! Each way to be wrong is refused by its own name.

use alloc::string::ToString;

use super::layout::{DeviceRecord, DomainRecord, Header, RegionRecord, SegmentRecord};
use super::{Bundle, BundleError, DomainError, Table, sample};

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
    let bytes = sample::bundle();
    for have in 0..bytes.len() {
        let need = if have < size_of::<Header>() { size_of::<Header>() } else { bytes.len() };
        let expected = BundleError::Truncated { have: have as u64, need: need as u64 };
        assert_eq!(refusal(&bytes[..have]), expected);
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let mut bytes = sample::bundle();
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
    assert_eq!(bent(|h| h.version = 2.into()), BundleError::Version { found: 2 });
    assert_eq!(bent(|h| h.total_len = 63.into()), BundleError::TotalLength { found: 63 });
    assert_eq!(bent(|h| h.domains.count = 0.into()), BundleError::DomainCount { count: 0 });
    let outside = |table| BundleError::TableOutside { table };
    assert_eq!(bent(|h| h.domains.count = u32::MAX.into()), outside(Table::Domains));
    assert_eq!(bent(|h| h.regions.offset = u32::MAX.into()), outside(Table::Regions));
    assert_eq!(bent(|h| h.segments.count = 400.into()), outside(Table::Segments));
    assert_eq!(bent(|h| h.x86_entries.offset = 8000.into()), outside(Table::X86Entries));
    assert_eq!(bent(|h| h.devices.count = 1000.into()), outside(Table::Devices));
}

#[test]
fn too_many_domains() {
    let mut writer = super::BundleWriter::new();
    for number in 0..=super::MAX_DOMAINS {
        writer.push(sample::domain(&number.to_string()));
    }
    assert_eq!(refusal(&writer.finish()), BundleError::DomainCount { count: 65 });
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
    assert_eq!(domain_refusal(|d| d.flags = 3.into()), DomainError::Flags { flags: 3 });
    assert_eq!(domain_refusal(|d| d.on_reboot = 2.into()), DomainError::OnReboot { policy: 2 });
    assert_eq!(domain_refusal(|d| d.memory = 0.into()), DomainError::Memory { declared: 0, regions: 0x20_1000 });
    assert_eq!(domain_refusal(|d| d.entry.kind = 2.into()), DomainError::EntryKind { kind: 2 });
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
}

#[test]
fn the_text_names_the_cause() {
    let bytes = sample::bundle();
    assert_eq!(refusal(&bytes[..100]).to_string(), "the bundle is truncated: 100 bytes are there, 8198 are needed");
    assert_eq!(
        refusal(&[0x7f; 64]).to_string(),
        "this is not a bundle: it begins with \"\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\\x7f\""
    );
    let mut bent = bytes;
    sample::edit_record(&mut bent, |h| h.domains, 1, |d: &mut DomainRecord| d.vcpus = 65.into());
    assert_eq!(refusal(&bent).to_string(), "domain 1 of the bundle: 65 vCPUs, 1 to 64 are possible");
}
