use super::*;
use crate::{MemoryMap, PhysRange};
use MemoryKind::{AcpiNvs, AcpiReclaim, Reserved, Unusable, Usable};
use proptest::prelude::*;

extern crate std;
use std::vec::Vec;

fn region(start: u64, end: u64, kind: MemoryKind) -> MemoryRegion {
    MemoryRegion { start: Hpa::new(start), len: end - start, kind }
}

fn sanitised(report: &[MemoryRegion]) -> Vec<MemoryRegion> {
    sanitise(report).unwrap().to_vec()
}

#[test]
fn reserved_memory_cuts_usable_memory() {
    let report = [region(0x0, 0x10_0000, Usable), region(0x9_fc00, 0xa_0000, Reserved)];
    let expected =
        [region(0, 0x9_f000, Usable), region(0x9_fc00, 0xa_0000, Reserved), region(0xa_0000, 0x10_0000, Usable)];
    assert_eq!(sanitised(&report), expected);
}

#[test]
fn pieces_merge_before_they_are_aligned() {
    let report = [region(0x1800, 0x3000, Usable), region(0x1000, 0x1800, Usable)];
    assert_eq!(sanitised(&report), [region(0x1000, 0x3000, Usable)]);
}

#[test]
fn usable_memory_below_one_frame_disappears() {
    assert_eq!(sanitised(&[region(0x1001, 0x2fff, Usable)]), []);
    assert_eq!(sanitised(&[region(0x1001, 0x1002, Usable)]), []);
}

#[test]
fn regions_that_wrap_are_cut_at_the_end_of_the_address_space() {
    let report = [MemoryRegion { start: Hpa::new(u64::MAX - 5), len: 100, kind: Usable }];
    assert_eq!(sanitised(&report), []);
    let report = [MemoryRegion { start: Hpa::new(PHYSICAL_LIMIT - 0x1000), len: u64::MAX, kind: Usable }];
    assert_eq!(sanitised(&report), [region(PHYSICAL_LIMIT - 0x1000, PHYSICAL_LIMIT, Usable)]);
}

#[test]
fn a_map_that_is_too_long_is_refused() {
    let report: Vec<_> = (0..200).map(|i| region(i * 0x2000, i * 0x2000 + 0x1000, Usable)).collect();
    assert_eq!(sanitise(&report), Err(TooManyRegions));
    assert!(sanitise(&report[..MAX_REGIONS]).is_ok());
}

fn any_region() -> impl Strategy<Value = MemoryRegion> {
    let kind = prop::sample::select(std::vec![Usable, AcpiReclaim, AcpiNvs, Reserved, Unusable]);
    // A small space makes overlaps likely; odd ends and far addresses come along.
    let start = prop_oneof![4 => 0u64..0x2_0000, 1 => any::<u64>()];
    let len = prop_oneof![4 => 0u64..0x8000, 1 => any::<u64>()];
    (start, len, kind).prop_map(|(start, len, kind)| MemoryRegion { start: Hpa::new(start), len, kind })
}

fn report() -> impl Strategy<Value = Vec<MemoryRegion>> {
    prop::collection::vec(any_region(), 0..40)
}

/// What holds at `address`, straight from the definition.
fn kind_at(report: &[MemoryRegion], address: u64) -> Option<MemoryKind> {
    let covers = |region: &&MemoryRegion| {
        region.start.as_u64() <= address
            && u128::from(address) < u128::from(region.start.as_u64()) + u128::from(region.len)
    };
    report.iter().filter(covers).map(|region| region.kind).max_by_key(|kind| *kind as u8)
}

proptest! {
    #[test]
    fn regions_are_sorted_and_disjoint(report in report()) {
        for pair in sanitised(&report).windows(2) {
            prop_assert!(pair[0].end() <= pair[1].start, "{:?}", pair);
        }
    }

    #[test]
    fn usable_regions_are_whole_frames(report in report()) {
        for region in sanitised(&report).iter().filter(|region| region.kind == Usable) {
            prop_assert!(region.len > 0);
            prop_assert!(region.start.is_aligned(FRAME_SIZE) && region.end().is_aligned(FRAME_SIZE));
        }
    }

    #[test]
    fn every_byte_has_the_most_restrictive_kind(report in report(), probes in prop::collection::vec(0u64..0x3_0000, 32)) {
        let regions = sanitised(&report);
        for address in probes {
            let expected = kind_at(&report, address);
            let found = kind_at(&regions, address);
            // Usable bytes may be lost to alignment; nothing else may change.
            prop_assert!(found == expected || (expected == Some(Usable) && found.is_none()), "{address:#x}: {found:?} for {expected:?}");
        }
    }

    #[test]
    fn whole_usable_frames_are_kept(report in report(), frame in 0u64..0x30) {
        let start = frame * FRAME_SIZE;
        let whole = (start..start + FRAME_SIZE).all(|address| kind_at(&report, address) == Some(Usable));
        let kept = kind_at(&sanitised(&report), start) == Some(Usable);
        prop_assert_eq!(whole, kept);
    }

    #[test]
    fn a_second_pass_changes_nothing(report in report()) {
        let once = sanitised(&report);
        prop_assert_eq!(sanitised(&once), once);
    }

    #[test]
    fn what_is_taken_is_left_out(report in report(), taken in prop::collection::vec((0u64..0x3_0000, 0u64..0x5000), 0..5)) {
        let taken: Vec<_> = taken.iter().map(|&(start, len)| PhysRange::new(Hpa::new(start), len).unwrap()).collect();
        let map = MemoryMap::from_report(&report).unwrap();
        let free: Vec<_> = map.usable_without(&taken).collect();
        for range in &free {
            prop_assert!(range.start().is_aligned(FRAME_SIZE) && range.end().is_aligned(FRAME_SIZE) && !range.is_empty());
            prop_assert!(!taken.iter().any(|taken| taken.overlaps(*range)));
        }
        for frame in (0..0x38).map(|frame| PhysRange::new(Hpa::new(frame * FRAME_SIZE), FRAME_SIZE).unwrap()) {
            let expected = map.usable().any(|range| range.overlaps(frame)) && !taken.iter().any(|taken| taken.overlaps(frame));
            prop_assert_eq!(free.iter().any(|range| range.overlaps(frame)), expected);
        }
    }
}
