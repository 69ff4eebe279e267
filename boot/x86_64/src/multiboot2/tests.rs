use phalanx_arch_api::Hpa;
use phalanx_handoff::{MemoryKind, PhysRange};
use proptest::prelude::*;

use super::*;
use crate::memory::fake::FakeMemory;

extern crate std;
use std::vec::Vec;

const INFO: u64 = 0x9500;

/// One tag with its padding.
fn tag_bytes(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend((u32::try_from(content.len()).unwrap() + 8).to_le_bytes());
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(8), 0xcc);
    bytes
}

fn information(tags: &[Vec<u8>]) -> Vec<u8> {
    let tags = tags.concat();
    let mut bytes = (u32::try_from(tags.len()).unwrap() + 8).to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    bytes.extend(tags);
    bytes
}

fn memory_map(entry_bytes: u32, entries: &[(u64, u64, u32)]) -> Vec<u8> {
    let mut content = entry_bytes.to_le_bytes().to_vec();
    content.extend([0; 4]);
    for (start, len, kind) in entries {
        let entry = content.len();
        content.extend(start.to_le_bytes());
        content.extend(len.to_le_bytes());
        content.extend(kind.to_le_bytes());
        content.resize(entry + entry_bytes as usize, 0);
    }
    tag_bytes(tag::MEMORY_MAP, &content)
}

fn module(start: u32, end: u32) -> Vec<u8> {
    tag_bytes(tag::MODULE, &[&start.to_le_bytes()[..], &end.to_le_bytes()[..], b"bundle\0"].concat())
}

fn end() -> Vec<u8> {
    tag_bytes(tag::END, &[])
}

fn good() -> Vec<Vec<u8>> {
    std::vec![
        tag_bytes(tag::COMMAND_LINE, b"exit=isa:0xf4\0"),
        tag_bytes(2, b"GRUB 2.06\0"),
        module(0x20_0000, 0x20_1234),
        module(0x30_0000, 0x30_0001),
        memory_map(32, &[(0, 0x9_fc00, 1), (0x10_0000, 0x700_0000, 1), (0x710_0000, 0x1000, 3)]),
        tag_bytes(tag::ACPI_NEW, &[2; RSDP_BYTES]),
        tag_bytes(tag::ACPI_OLD, &[1; 20]),
        end(),
    ]
}

fn parsed(bytes: &[u8]) -> (Result<(), BootError>, Report) {
    let mut report = Report::default();
    let result = parse(&FakeMemory::default().with(INFO, bytes), Hpa::new(INFO), &mut report);
    (result, report)
}

#[test]
fn all_tags_are_read() {
    let (result, report) = parsed(&information(&good()));
    assert_eq!(result, Ok(()));
    assert_eq!(report.command_line.as_str(), "exit=isa:0xf4");
    assert_eq!(report.bundle, PhysRange::new(Hpa::new(0x20_0000), 0x1234));
    assert_eq!(report.extra_modules, 1);
    assert_eq!(report.rsdp, Some(Rsdp::Copy([2; RSDP_BYTES])));
    let kinds: Vec<_> = report.memory.iter().map(|region| (region.start.as_u64(), region.kind)).collect();
    let expected = [(0, MemoryKind::Usable), (0x10_0000, MemoryKind::Usable), (0x710_0000, MemoryKind::AcpiReclaim)];
    assert_eq!(kinds, expected);
}

#[test]
fn the_new_root_pointer_wins_in_either_order() {
    let (old, new) = (tag_bytes(tag::ACPI_OLD, &[1; 20]), tag_bytes(tag::ACPI_NEW, &[2; 36]));
    let rsdp = |tags: &[Vec<u8>]| parsed(&information(tags)).1.rsdp;
    assert_eq!(rsdp(&[old.clone(), new.clone(), end()]), Some(Rsdp::Copy([2; RSDP_BYTES])));
    assert_eq!(rsdp(&[new, old.clone(), end()]), Some(Rsdp::Copy([2; RSDP_BYTES])));
    let mut padded = [0; RSDP_BYTES];
    padded[..20].fill(1);
    assert_eq!(rsdp(&[old, end()]), Some(Rsdp::Copy(padded)));
}

#[test]
fn lies_are_refused() {
    let refused = |tags: &[Vec<u8>]| parsed(&information(tags)).0;
    assert_eq!(refused(&[]), Err(BootError::Malformed), "no end");
    assert_eq!(refused(&[memory_map(24, &[(0, 1 << 20, 1)])]), Err(BootError::Malformed), "no end");
    assert_eq!(refused(&[module(2, 1), end()]), Err(BootError::Malformed), "module ends before it starts");
    assert_eq!(refused(&[memory_map(16, &[]), end()]), Err(BootError::Malformed), "short entries");
    assert_eq!(refused(&[tag_bytes(tag::ACPI_NEW, &[2; 20]), end()]), Err(BootError::Malformed), "short root pointer");
    assert_eq!(refused(&[tag_bytes(tag::MODULE, &[0; 4]), end()]), Err(BootError::Malformed), "short module");
    assert_eq!(refused(&[std::vec![9, 0, 0, 0, 7, 0, 0, 0], end()]), Err(BootError::Malformed), "short tag");
    assert_eq!(refused(&[std::vec![9, 0, 0, 0, 99, 0, 0, 0], end()]), Err(BootError::Malformed), "long tag");
    assert_eq!(parsed(&[0xff; 8]).0, Err(BootError::Malformed), "huge");
    assert_eq!(parsed(&information(&good())[..100]).0, Err(BootError::Unreadable), "cut");
}

#[test]
fn too_many_regions_are_refused() {
    let entries: Vec<_> = (0..129).map(|i| (i << 20, 0x1000, 1)).collect();
    let refused = parsed(&information(&[memory_map(24, &entries), end()])).0;
    assert_eq!(refused, Err(BootError::TooManyRegions));
}

proptest! {
    #[test]
    fn any_information_parses_or_is_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((0usize..240, any::<u8>()), 0..6),
    ) {
        let _ = parsed(&bytes);
        let mut near = information(&good());
        for (at, value) in flips {
            near[at] = value;
        }
        let (result, report) = parsed(&near);
        prop_assert!(result.is_err() || report.bundle.is_none_or(|bundle| bundle.end().as_u64() <= 4 << 30));
    }
}
