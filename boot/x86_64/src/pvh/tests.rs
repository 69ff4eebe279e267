use phalanx_arch_api::Hpa;
use phalanx_handoff::{MemoryKind, PhysRange};
use proptest::prelude::*;

use super::*;
use crate::memory::fake::FakeMemory;

extern crate std;
use std::vec::Vec;

const INFO: u64 = 0x1000;
const MODULES: u64 = 0x2000;
const TEXT: u64 = 0x3000;
const MAP: u64 = 0x4000;

fn words32(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn words64(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn start_info(version: u32, modules: u32, entries: u32) -> Vec<u8> {
    let mut bytes = words32(&[MAGIC, version, 0, modules]);
    bytes.extend(words64(&[MODULES, TEXT, 0xf_0000, MAP]));
    bytes.extend(words32(&[entries, 0]));
    bytes
}

fn machine(info: &[u8]) -> FakeMemory {
    FakeMemory::default()
        .with(INFO, info)
        .with(MODULES, &words64(&[0x20_0000, 0x5000, 0, 0, 0x30_0000, 0x1000, 0, 0]))
        .with(TEXT, b"exit=isa:0xf4\0")
        .with(MAP, &words64(&[0, 0x9_fc00, 1, 0x10_0000, 0x700_0000, 1, 0xfffc_0000, 0x4_0000, 2]))
}

fn parsed(memory: &FakeMemory) -> (Result<(), BootError>, Report) {
    let mut report = Report::default();
    let result = parse(memory, Hpa::new(INFO), &mut report);
    (result, report)
}

#[test]
fn version_1_is_read_whole() {
    let (result, report) = parsed(&machine(&start_info(1, 2, 3)));
    assert_eq!(result, Ok(()));
    assert_eq!(report.command_line.as_str(), "exit=isa:0xf4");
    assert_eq!(report.bundle, PhysRange::new(Hpa::new(0x20_0000), 0x5000));
    assert_eq!(report.extra_modules, 1);
    assert_eq!(report.rsdp, Some(Rsdp::At(Hpa::new(0xf_0000))));
    let kinds: Vec<_> = report.memory.iter().map(|region| (region.start.as_u64(), region.kind)).collect();
    let expected = [(0, MemoryKind::Usable), (0x10_0000, MemoryKind::Usable), (0xfffc_0000, MemoryKind::Reserved)];
    assert_eq!(kinds, expected);
}

#[test]
fn version_0_has_no_memory_map() {
    let (result, report) = parsed(&machine(&start_info(0, 1, 3)[..40]));
    assert_eq!(result, Err(BootError::NoMemoryMap));
    assert_eq!(report.command_line.as_str(), "exit=isa:0xf4");
}

#[test]
fn no_module_and_an_empty_module_are_no_bundle() {
    assert_eq!(parsed(&machine(&start_info(1, 0, 3))).1.bundle, None);
    let empty = FakeMemory::default().with(MODULES, &words64(&[0x20_0000, 0]));
    let mut memory = machine(&start_info(1, 1, 3));
    memory.pieces.splice(1..2, empty.pieces);
    let (result, report) = parsed(&memory);
    assert_eq!((result, report.bundle), (Ok(()), None));
}

#[test]
fn lies_are_refused() {
    let mut wrong = start_info(1, 1, 3);
    wrong[0] = 0;
    assert_eq!(parsed(&machine(&wrong)).0, Err(BootError::BadMagic(0x336e_c500)));
    assert_eq!(parsed(&machine(&start_info(1, 1, 4))).0, Err(BootError::Unreadable));
    assert_eq!(parsed(&machine(&start_info(1, 1, 3)[..41])).0, Err(BootError::Unreadable));
}

proptest! {
    #[test]
    fn any_information_parses_or_is_refused(
        info in prop::collection::vec(any::<u8>(), 0..64),
        flips in prop::collection::vec((0usize..56, any::<u8>()), 0..4),
    ) {
        let _ = parsed(&machine(&info));
        let mut near = start_info(1, 2, 3);
        for (at, value) in flips {
            near[at] = value;
        }
        let (result, report) = parsed(&machine(&near));
        prop_assert!(result.is_err() || report.bundle.is_none_or(|bundle| bundle.end().as_u64() <= 4 << 30));
    }
}
