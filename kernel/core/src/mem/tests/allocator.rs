//! The frame allocator.

use std::format;
use std::vec::Vec;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::Level;
use proptest::prelude::*;

use super::{GIB, MIB, imaginary};
use crate::mem::{Extent, FrameAllocator, Free, Memory};

/// Frames in a leaf of 2 MiB.
const LARGE: u64 = 512;

/// An allocator over extents `(first frame, frames)`.
fn allocator(extents: &[(u64, u64)]) -> FrameAllocator {
    let mut allocator = FrameAllocator::new();
    for (first, frames) in extents {
        allocator.add(imaginary(*first, *frames)).unwrap();
    }
    allocator
}

#[test]
fn what_is_free_is_exact() {
    let mut allocator = allocator(&[(1, 10), (20, 5)]);
    let memory =
        |free, largest| Memory { total: 15 * FRAME_SIZE, free: free * FRAME_SIZE, largest: largest * FRAME_SIZE };
    assert_eq!(allocator.memory(), memory(15, 10));
    let extent = allocator.allocate(3, Level::L1).unwrap();
    assert_eq!((extent.first().number(), allocator.memory()), (20, memory(12, 10)));
    allocator.free(extent).unwrap();
    assert_eq!(allocator.memory(), memory(15, 10));
}

#[test]
fn small_extents_leave_large_ones_whole() {
    let mut allocator = allocator(&[(0x100, 64), (LARGE, 4 * LARGE)]);
    assert_eq!(allocator.allocate(1, Level::L1).unwrap().first().number(), 0x100);
    assert_eq!(allocator.memory().largest, 8 * MIB);
}

#[test]
fn alignment_splits_off_both_sides() {
    let mut allocator = allocator(&[(1, 4 * LARGE)]);
    let extent = allocator.allocate(LARGE, Level::L2).unwrap();
    assert_eq!(extent.first().number(), LARGE);
    assert_eq!(allocator.memory().free, 3 * LARGE * FRAME_SIZE);
    allocator.free(extent).unwrap();
    assert_eq!(allocator.memory().largest, 4 * LARGE * FRAME_SIZE);
}

#[test]
fn leaves_get_the_best_alignment_there_is() {
    let frames = |bytes: u64| bytes / FRAME_SIZE;
    let mut allocator = allocator(&[(frames(MIB), frames(3 * GIB))]);
    let giant = allocator.allocate_for_leaves(frames(GIB + 4 * MIB)).unwrap();
    assert_eq!(giant.start().as_u64(), GIB);
    let large = allocator.allocate_for_leaves(frames(GIB - 8 * MIB)).unwrap();
    assert!(large.start().is_aligned(2 * MIB));
    assert!(!large.start().is_aligned(GIB));
    assert_eq!(allocator.allocate_for_leaves(1).unwrap().frames(), 1);
}

#[test]
fn at_most_takes_the_largest_aligned_piece() {
    let mut allocator = allocator(&[(1, 3 * LARGE), (8 * LARGE + 1, LARGE)]);
    let piece = allocator.allocate_at_most(100 * LARGE).unwrap();
    assert_eq!((piece.first().number(), piece.frames()), (LARGE, 2 * LARGE));
    let piece = allocator.allocate_at_most(100 * LARGE).unwrap();
    assert_eq!((piece.first().number(), piece.frames()), (8 * LARGE + 1, LARGE));
    let piece = allocator.allocate_at_most(2).unwrap();
    assert_eq!(piece.frames(), 2);
}

#[test]
fn errors_say_what_was_asked_and_what_there_is() {
    let mut allocator = allocator(&[(0, 4), (8, 2)]);
    let error = allocator.allocate(5, Level::L1).unwrap_err();
    assert_eq!((error.asked, error.memory), (5 * FRAME_SIZE, allocator.memory()));
    assert_eq!(format!("{error}"), "20 KiB asked for, 24 KiB free, 16 KiB in one piece");
    assert!(allocator.allocate(0, Level::L1).is_err());
    assert!(allocator.allocate(u64::MAX, Level::L3).is_err());
    assert_eq!(allocator.memory().free, 6 * FRAME_SIZE);
}

#[test]
fn a_full_list_refuses_and_loses_nothing() {
    let mut allocator = FrameAllocator::new();
    let mut added = 0;
    let refused = loop {
        match allocator.add(imaginary(1 + 4 * added, 2)) {
            Ok(()) => added += 1,
            Err(extent) => break extent,
        }
    };
    assert_eq!((refused.frames(), allocator.memory().total), (2, 2 * added * FRAME_SIZE));
    assert!(allocator.allocate(1, Level::L1).is_err());
    // A neighbour needs no place of its own.
    allocator.add(imaginary(3, 1)).unwrap();
    allocator.add(imaginary(4, 1)).unwrap();
    assert_eq!(allocator.memory().largest, 6 * FRAME_SIZE);
    assert!(allocator.allocate(1, Level::L1).is_ok());
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Allocate(u64, Level),
    Free(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    let level = prop::sample::select([Level::L1, Level::L1, Level::L2].as_slice());
    prop_oneof![
        3 => (1..700u64, level).prop_map(|(frames, level)| Operation::Allocate(frames, level)),
        2 => any::<usize>().prop_map(Operation::Free),
    ]
}

/// No two overlap, and all lie in these areas.
fn assert_disjoint(held: &[Extent<Free>], areas: &[(u64, u64)]) {
    let mut ranges: Vec<_> = held.iter().map(|extent| (extent.first().number(), extent.end())).collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{ranges:?}");
    let inside = |(first, end): &(u64, u64)| areas.iter().any(|(from, frames)| from <= first && *end <= from + frames);
    assert!(ranges.iter().all(inside), "{ranges:?}");
}

proptest! {
    #[test]
    fn extents_never_overlap_and_freeing_restores(operations in prop::collection::vec(operation(), 1..60)) {
        // The last two touch: they are one area.
        let mut allocator = allocator(&[(1, 1500), (2000, 96), (2096, 3000)]);
        let areas = [(1, 1500), (2000, 3096)];
        let before = allocator.memory();
        let mut held = Vec::new();
        for operation in operations {
            match operation {
                Operation::Allocate(frames, level) => {
                    if let Ok(extent) = allocator.allocate(frames, level) {
                        prop_assert_eq!(extent.frames(), frames);
                        prop_assert!(extent.start().is_aligned(level.bytes()));
                        held.push(extent);
                    }
                }
                Operation::Free(number) if !held.is_empty() => {
                    let extent = held.swap_remove(number % held.len());
                    allocator.free(extent).unwrap();
                }
                Operation::Free(_) => {}
            }
            assert_disjoint(&held, &areas);
            let taken: u64 = held.iter().map(Extent::bytes).sum();
            prop_assert_eq!(allocator.memory().free + taken, before.free);
        }
        for extent in held {
            allocator.free(extent).unwrap();
        }
        prop_assert_eq!(allocator.memory(), before);
        prop_assert!(allocator.allocate(3096, Level::L1).is_ok());
    }
}
