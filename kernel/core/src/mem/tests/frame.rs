//! Extents: splitting, joining, scrubbing.

use core::sync::atomic::Ordering::Relaxed;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hfn, Hpa, Unbacked};

use super::{MIB, imaginary, physical};

#[test]
fn split_and_join_are_inverse() {
    let (front, back) = imaginary(16, 10).split(4);
    let (front, back) = (front.unwrap(), back.unwrap());
    assert_eq!((front.first(), front.frames(), front.end()), (Hfn::new(16), 4, 20));
    assert_eq!((back.first(), back.frames(), back.end()), (Hfn::new(20), 6, 26));
    let whole = front.join(back).unwrap();
    assert_eq!((whole.start(), whole.bytes()), (Hpa::new(0x10000), 10 * FRAME_SIZE));
}

#[test]
fn split_at_the_ends_has_one_part() {
    assert!(matches!(imaginary(0, 3).split(0), (None, Some(rest)) if rest.frames() == 3));
    assert!(matches!(imaginary(0, 3).split(3), (Some(front), None) if front.frames() == 3));
    assert!(matches!(imaginary(0, 3).split(9), (Some(front), None) if front.frames() == 3));
}

#[test]
fn only_neighbours_in_order_join() {
    for (first, second) in [(0, 3), (2, 0), (0, 1)] {
        let (first, second) = (imaginary(first, 2), imaginary(second, 2));
        assert!(first.join(second).is_err());
    }
    let other_map = physical(2 * FRAME_SIZE, FRAME_SIZE);
    assert!(imaginary(0, 2).join(other_map).is_err());
}

#[test]
fn hypervisor_memory_comes_zeroed_and_in_bounds() {
    let extent = physical(MIB, 2 * FRAME_SIZE).into_hypervisor();
    let words = 2 * FRAME_SIZE / 8;
    assert!((0..words).all(|index| extent.word(index).unwrap().load(Relaxed) == 0));
    assert!(extent.word(words).is_none() && extent.word(u64::MAX / 8 + 1).is_none());
    extent.word(words - 1).unwrap().store(0x0807_0605_0403_0201, Relaxed);
    let bytes = extent.into_bytes();
    assert_eq!(bytes.len() as u64, 2 * FRAME_SIZE);
    assert_eq!(bytes[bytes.len() - 8..], 0x0807_0605_0403_0201u64.to_ne_bytes());
}

#[test]
fn release_scrubs() {
    let extent = physical(0, 2 * FRAME_SIZE).into_hypervisor();
    extent.word(700).unwrap().store(u64::MAX, Relaxed);
    let guest = extent.release().into_guest();
    assert_eq!(guest.read_u64(700 * 8), Some(0));
    guest.write(0, &[7; 5000]).unwrap();
    let guest = guest.release().into_guest();
    assert!((0..1024).all(|index| guest.read_u64(index * 8) == Some(0)));
}

#[test]
fn guest_copies_stay_inside() {
    let guest = physical(0, FRAME_SIZE).into_guest();
    guest.scrub_block(0, FRAME_SIZE).unwrap();
    assert_eq!(guest.write(FRAME_SIZE - 3, b"abcd"), Err(Unbacked));
    assert_eq!(guest.write(u64::MAX - 1, b"abcd"), Err(Unbacked));
    assert_eq!(guest.read(FRAME_SIZE, &mut [0]), Err(Unbacked));
    assert_eq!(guest.read(FRAME_SIZE, &mut []), Ok(()));
    assert_eq!(guest.scrub_block(1, FRAME_SIZE), Err(Unbacked));
    assert_eq!(guest.load_block(FRAME_SIZE - 3, b"abcd"), Err(Unbacked));
    assert_eq!(guest.load_block(u64::MAX - 1, b"abcd"), Err(Unbacked));
    assert_eq!(guest.load_block(FRAME_SIZE, b""), Ok(()));
    assert_eq!(guest.write(FRAME_SIZE - 4, b"abcd"), Ok(()));
    assert_eq!(guest.read_u32(FRAME_SIZE - 4), Some(u32::from_le_bytes(*b"abcd")));
    for outside in [FRAME_SIZE, u64::MAX - 3, u64::MAX] {
        assert_eq!((guest.read_u32(outside), guest.read_u64(outside)), (None, None), "{outside:#x}");
    }
    assert_eq!((guest.read_u32(FRAME_SIZE - 3), guest.read_u64(FRAME_SIZE - 7)), (None, None));
}

#[test]
fn sized_reads_at_any_alignment_agree_with_the_bytes() {
    let guest = physical(0, FRAME_SIZE).into_guest();
    let bytes: [u8; 4096] = core::array::from_fn(|at| (at * 7) as u8);
    guest.write(0, &bytes).unwrap();
    for at in (0..24).chain(4096 - 24..4096) {
        let wanted = |length: usize| bytes.get(at..at + length);
        let half = wanted(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        let word = wanted(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        assert_eq!((guest.read_u32(at as u64), guest.read_u64(at as u64)), (half, word), "{at}");
    }
}

#[test]
fn both_ways_of_writing_agree() {
    let bytes: [u8; 80] = core::array::from_fn(|at| at as u8 + 1);
    for (first, length) in [(0, 1), (3, 2), (17, 23), (40, 80), (100, 0), (4093, 3)] {
        let [one, other] = [0, FRAME_SIZE].map(|start| physical(start, FRAME_SIZE).into_guest());
        one.write(first, &bytes[..length]).unwrap();
        other.load_block(first, &bytes[..length]).unwrap();
        let contents = |guest: &crate::mem::Extent<crate::mem::Guest>| {
            let mut contents = [0; 4096];
            guest.read(0, &mut contents).unwrap();
            contents
        };
        assert_eq!(contents(&one), contents(&other), "{length} at {first}");
    }
}

#[test]
fn zeroing_touches_its_bytes_only() {
    let guest = physical(0, FRAME_SIZE).into_guest();
    for (first, length) in [(0, 1), (3, 2), (17, 23), (40, 8), (65, 7), (100, 0), (4095, 1)] {
        guest.write(0, &[0xff; 4096]).unwrap();
        guest.scrub_block(first, length).unwrap();
        let mut bytes = [0; 4096];
        guest.read(0, &mut bytes).unwrap();
        let expected = |at: u64| if (first..first + length).contains(&at) { 0 } else { 0xff };
        assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == expected(at as u64)), "{length} from {first}");
    }
}
