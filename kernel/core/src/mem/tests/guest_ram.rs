//! Guest RAM: bounds, edges, and copies across regions.

use std::vec;
use std::vec::Vec;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Gpa, GuestMemory, Hpa, Unbacked};
use proptest::prelude::*;

use super::{MIB, imaginary, physical};
use crate::mem::{FrameAllocator, GuestRam, RamError};

/// Where the machine keeps the frames of these tests.
const START: u64 = 16 * MIB;

fn gpa(address: u64) -> Gpa {
    Gpa::new(address)
}

/// RAM in regions `(address, bytes)`, zeroed, in memory of that size.
fn ram(regions: &[(u64, u64)]) -> GuestRam {
    let bytes = regions.iter().map(|(_, bytes)| bytes).sum();
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(START, bytes)).unwrap();
    let ram = GuestRam::allocate(&mut allocator, regions.iter().map(|(at, bytes)| (gpa(*at), *bytes))).unwrap();
    regions.iter().for_each(|(at, bytes)| ram.scrub(gpa(*at), *bytes).unwrap());
    ram
}

fn read(ram: &GuestRam, at: u64, length: usize) -> Result<Vec<u8>, Unbacked> {
    let mut bytes = vec![0x5a; length];
    ram.read(gpa(at), &mut bytes).map(|()| bytes)
}

#[test]
fn sized_reads_are_little_endian_at_any_alignment() {
    let ram = ram(&[(0, FRAME_SIZE)]);
    ram.write(gpa(0x100), &[1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    assert_eq!(ram.read_u64(gpa(0x100)), Ok(0x0807_0605_0403_0201));
    assert_eq!(ram.read_u64(gpa(0x101)), Ok(0x0908_0706_0504_0302));
    assert_eq!(ram.read_u32(gpa(0x104)), Ok(0x0807_0605));
    assert_eq!(ram.read_u32(gpa(0x102)), Ok(0x0605_0403));
}

#[test]
fn the_edges_of_a_region() {
    let ram = ram(&[(MIB, FRAME_SIZE)]);
    let end = MIB + FRAME_SIZE;
    assert!(ram.read_u64(gpa(end - 8)).is_ok() && ram.read_u32(gpa(end - 4)).is_ok());
    for at in [0, MIB - 8, MIB - 1, end - 7, end - 1, end, u64::MAX - 7, u64::MAX] {
        assert_eq!(ram.read_u64(gpa(at)), Err(Unbacked), "{at:#x}");
    }
    for at in [MIB - 4, MIB - 1, end - 3, end, u64::MAX - 3, u64::MAX] {
        assert_eq!(ram.read_u32(gpa(at)), Err(Unbacked), "{at:#x}");
    }
    assert_eq!(read(&ram, end - 1, 1), Ok(vec![0]));
    assert_eq!(read(&ram, end - 1, 2), Err(Unbacked));
    assert_eq!(read(&ram, u64::MAX, 2), Err(Unbacked));
    assert_eq!(read(&ram, end, 0), Ok(vec![]));
}

#[test]
fn a_write_that_does_not_fit_writes_nothing() {
    let ram = ram(&[(0, FRAME_SIZE), (FRAME_SIZE, FRAME_SIZE), (3 * FRAME_SIZE, FRAME_SIZE)]);
    assert_eq!(ram.write(gpa(FRAME_SIZE - 1), &[1; 4098]), Err(Unbacked));
    assert_eq!(ram.load(gpa(FRAME_SIZE - 1), &[1; 4098]), Err(Unbacked));
    assert_eq!(ram.scrub(gpa(0), 3 * FRAME_SIZE), Err(Unbacked));
    assert_eq!(ram.scrub(gpa(FRAME_SIZE), u64::MAX), Err(Unbacked));
    assert_eq!(read(&ram, 0, 8192), Ok(vec![0; 8192]));
}

#[test]
fn copies_straddle_regions_that_touch() {
    let ram = ram(&[(FRAME_SIZE, FRAME_SIZE), (0, FRAME_SIZE)]);
    let places: Vec<_> = ram.regions().map(|place| (place.gpa, place.hpa, place.end())).collect();
    assert_eq!(places[0], (gpa(0), Hpa::new(START + FRAME_SIZE), gpa(FRAME_SIZE)));
    assert_eq!(places[1], (gpa(FRAME_SIZE), Hpa::new(START), gpa(2 * FRAME_SIZE)));
    let bytes: Vec<u8> = (1..=100).collect();
    ram.write(gpa(FRAME_SIZE - 37), &bytes).unwrap();
    assert_eq!(read(&ram, FRAME_SIZE - 37, 100), Ok(bytes.clone()));
    assert_eq!(ram.read_u64(gpa(FRAME_SIZE - 4)), Ok(u64::from_le_bytes([34, 35, 36, 37, 38, 39, 40, 41])));
    assert_eq!(ram.read_u32(gpa(FRAME_SIZE - 1)), Ok(u32::from_le_bytes([37, 38, 39, 40])));
    ram.load(gpa(FRAME_SIZE - 4), &bytes[..6]).unwrap();
    assert_eq!(read(&ram, FRAME_SIZE - 5, 8), Ok(vec![33, 1, 2, 3, 4, 5, 6, 40]));
    ram.load(gpa(FRAME_SIZE - 37), &bytes).unwrap();
    ram.scrub(gpa(FRAME_SIZE - 2), 4).unwrap();
    assert_eq!(read(&ram, FRAME_SIZE - 3, 6), Ok(vec![35, 0, 0, 0, 0, 40]));
}

#[test]
fn a_hash_sees_every_byte_and_no_placement() {
    let [one, two] = [&[(0, 2 * FRAME_SIZE)][..], &[(FRAME_SIZE, FRAME_SIZE), (0, FRAME_SIZE)]].map(ram);
    let hash = |ram: &GuestRam| ram.hash(gpa(0), 2 * FRAME_SIZE).unwrap();
    assert_eq!(hash(&one), hash(&two));
    for at in [0, 1, 4095, 4096, 8191] {
        let before = hash(&one);
        one.write(gpa(at), &[0x80]).unwrap();
        assert_ne!(hash(&one), before, "byte {at}");
    }
    assert_ne!(one.hash(gpa(3), 5), one.hash(gpa(3), 6));
    assert_eq!(one.hash(gpa(0), 2 * FRAME_SIZE + 1), Err(Unbacked));
    assert_eq!(one.hash(gpa(u64::MAX), 2), Err(Unbacked));
}

#[test]
fn memory_that_is_not_in_one_piece_is_put_together() {
    let mut allocator = FrameAllocator::new();
    allocator.add(imaginary(512, 1024)).unwrap();
    allocator.add(imaginary(4096, 512)).unwrap();
    let wanted = [(gpa(MIB * 16), 6 * MIB)];
    let ram = GuestRam::allocate(&mut allocator, wanted.into_iter()).unwrap();
    let places: Vec<_> = ram.regions().map(|place| (place.gpa.as_u64() / MIB, place.bytes / MIB)).collect();
    assert_eq!(places, [(16, 4), (20, 2)]);
    assert_eq!((ram.bytes(), allocator.memory().free), (6 * MIB, 0));
}

#[test]
fn refusals_leave_the_allocator_as_it_was() {
    let mut allocator = FrameAllocator::new();
    for region in 0..6 {
        allocator.add(physical(region * 2 * MIB, MIB)).unwrap();
    }
    let memory = allocator.memory();
    let refusal = |allocator: &mut FrameAllocator, regions: &[(u64, u64)]| {
        let regions = regions.iter().map(|(at, bytes)| (gpa(*at), *bytes));
        let error = GuestRam::allocate(allocator, regions).unwrap_err();
        assert_eq!(allocator.memory(), memory);
        error
    };
    let page = FRAME_SIZE;
    assert_eq!(refusal(&mut allocator, &[(0, 5 * MIB)]), RamError::TooManyRegions);
    let pages = [(0, page), (2 * page, page), (4 * page, page), (6 * page, page), (8 * page, page)];
    assert_eq!(refusal(&mut allocator, &pages), RamError::TooManyRegions);
    for bad in [(0, 0), (8, page), (0, page + 8), (0u64.wrapping_sub(page), page), (0u64.wrapping_sub(page), 2 * page)]
    {
        assert_eq!(refusal(&mut allocator, &[bad]), RamError::BadRegion(gpa(bad.0)), "{bad:?}");
    }
    for overlap in [(0, 2 * page), (page, page), (2 * page, page), (0, 4 * page)] {
        let error = refusal(&mut allocator, &[(page, 2 * page), overlap]);
        assert_eq!(error, RamError::BadRegion(gpa(overlap.0)), "{overlap:?}");
    }
    let too_much = refusal(&mut allocator, &[(0, MIB), (MIB, 6 * MIB)]);
    assert!(matches!(too_much, RamError::Memory(error) if error.asked == 7 * MIB && error.memory == memory));
}

#[test]
fn release_gives_everything_back() {
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(START, 4 * MIB)).unwrap();
    let before = allocator.memory();
    let regions = [(gpa(0), MIB), (gpa(4 * MIB), MIB)];
    let ram = GuestRam::allocate(&mut allocator, regions.into_iter()).unwrap();
    assert_eq!(allocator.memory().free, 2 * MIB);
    ram.release(&mut allocator);
    assert_eq!(allocator.memory(), before);
}

proptest! {
    /// Two touching regions and one apart, against a plain array.
    #[test]
    fn copies_agree_with_an_array(
        operations in prop::collection::vec((0..5 * FRAME_SIZE, prop::collection::vec(any::<u8>(), 0..300)), 1..40),
    ) {
        let ram = ram(&[(0, FRAME_SIZE), (FRAME_SIZE, FRAME_SIZE), (3 * FRAME_SIZE, FRAME_SIZE)]);
        let backed = |at: u64| at < 2 * FRAME_SIZE || (3 * FRAME_SIZE..4 * FRAME_SIZE).contains(&at);
        let mut model = vec![0; 6 * FRAME_SIZE as usize];
        for (at, bytes) in operations {
            let range = at as usize..at as usize + bytes.len();
            let fits = range.clone().all(|at| backed(at as u64));
            prop_assert_eq!(ram.write(gpa(at), &bytes).is_ok(), fits);
            if fits {
                model[range.clone()].copy_from_slice(&bytes);
                prop_assert_eq!(read(&ram, at, bytes.len()), Ok(bytes.clone()));
            }
            let word = (at..at + 8).all(backed).then(|| u64::from_le_bytes(model[at as usize..][..8].try_into().unwrap()));
            prop_assert_eq!(ram.read_u64(gpa(at)).ok(), word);
        }
        prop_assert_eq!(read(&ram, 0, 8192).unwrap(), &model[..8192]);
    }
}

/// RAM with a log, nothing in it marked.
fn logged(regions: &[(u64, u64)]) -> GuestRam {
    let bytes = regions.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(START, bytes + 2 * regions.len() as u64 * FRAME_SIZE)).unwrap();
    let mut ram = GuestRam::allocate(&mut allocator, regions.iter().map(|(at, bytes)| (gpa(*at), *bytes))).unwrap();
    ram.keep_log(&mut allocator).unwrap();
    ram
}

/// The pages that [`GuestRam::take_written`] tells.
fn written(ram: &GuestRam, at: u64, bytes: u64) -> Vec<u64> {
    let mut pages = Vec::new();
    ram.take_written(gpa(at), bytes, |page| pages.push(page.as_u64())).unwrap();
    pages
}

#[test]
fn the_log_tells_each_page_that_was_written_once() {
    let ram = logged(&[(0, 2 * FRAME_SIZE), (2 * FRAME_SIZE, 70 * FRAME_SIZE), (MIB, FRAME_SIZE)]);
    assert!(ram.keeps_log());
    ram.write(gpa(3 * FRAME_SIZE - 1), &[1, 2]).unwrap();
    ram.write(gpa(2 * FRAME_SIZE - 1), &[1, 2]).unwrap();
    ram.write(gpa(67 * FRAME_SIZE), &[1]).unwrap();
    ram.load(gpa(MIB + 5), &[1]).unwrap();
    ram.write(gpa(5 * FRAME_SIZE), &[]).unwrap();
    ram.write(gpa(72 * FRAME_SIZE - 1), &[1, 2]).unwrap_err();
    let all = 72 * FRAME_SIZE;
    assert_eq!(written(&ram, 2 * FRAME_SIZE, FRAME_SIZE), [2 * FRAME_SIZE]);
    assert_eq!(written(&ram, 0, all), [1, 3, 67].map(|page| page * FRAME_SIZE));
    assert_eq!(written(&ram, MIB, FRAME_SIZE), [MIB]);
    assert_eq!((written(&ram, 0, all), written(&ram, MIB, FRAME_SIZE)), (vec![], vec![]));
    ram.scrub(gpa(0), all).unwrap();
    ram.mark_written(gpa(0));
    assert_eq!(written(&ram, 0, all).len(), 72);
    assert!(ram.take_written(gpa(0), all + 1, |_| ()).is_err());
}

#[test]
fn release_gives_the_log_back() {
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(START, 8 * FRAME_SIZE)).unwrap();
    let before = allocator.memory();
    let mut ram = GuestRam::allocate(&mut allocator, [(gpa(0), FRAME_SIZE)].into_iter()).unwrap();
    ram.keep_log(&mut allocator).unwrap();
    assert_eq!(before.free - allocator.memory().free, 2 * FRAME_SIZE);
    ram.release(&mut allocator);
    assert_eq!(allocator.memory(), before);
}
