//! Loading, step by step.

use std::boxed::Box;
use std::vec::Vec;

use phalanx_abi::bundle::{
    self, ALWAYS, Architecture, Bundle, BundleWriter, DomainSpec, EntrySpec, ONLY_GICV2, ONLY_GICV3, OnReboot, Region,
    SegmentSpec,
};
use phalanx_arch_api::{Gpa, GuestMemory, Hva};

use super::{Loader, Progress, STEP};
use crate::mem::tests::physical;
use crate::mem::{FrameAllocator, GuestRam};

/// A domain with these regions `(address, steps to scrub)` and these segments.
fn image(regions: &[(u64, u64)], segments: &[(u64, Vec<u8>)]) -> bundle::Domain<'static> {
    let segment = |(gpa, bytes): &(u64, Vec<u8>)| SegmentSpec { gpa: *gpa, bytes: bytes.clone(), only: ALWAYS };
    image_with(regions, segments.iter().map(segment).collect())
}

fn image_with(regions: &[(u64, u64)], segments: Vec<SegmentSpec>) -> bundle::Domain<'static> {
    let mut writer = BundleWriter::new(Architecture::X86_64);
    writer.push(DomainSpec {
        name: "a".into(),
        vcpus: 1,
        console: false,
        dirty_log: false,
        on_reboot: OnReboot::Restart,
        regions: regions.iter().map(|(gpa, steps)| Region { gpa: *gpa, size: steps * STEP }).collect(),
        segments,
        entry: EntrySpec::X86(zerocopy::FromZeros::new_zeroed()),
        devices: Vec::new(),
    });
    let bytes = Box::leak(writer.finish().into_boxed_slice());
    Bundle::parse(bytes).unwrap().domains().next().unwrap()
}

/// RAM for the image, full of garbage.
fn ram(image: bundle::Domain<'_>) -> GuestRam {
    let mut frames = FrameAllocator::new();
    frames.add(physical(STEP, image.memory())).unwrap();
    GuestRam::allocate(&mut frames, image.regions().map(|region| (Gpa::new(region.gpa), region.size))).unwrap()
}

/// One step on a machine without alternatives, whose guests see all that is written.
fn step(loader: &mut Loader, image: bundle::Domain<'_>, ram: &GuestRam) -> Progress {
    loader.step(image, ram, ALWAYS, |_, _| {}).unwrap()
}

/// Bytes that a step changed.
fn changed(before: &[u8], after: &[u8]) -> u64 {
    before.iter().zip(after).filter(|(before, after)| before != after).count() as u64
}

#[test]
fn no_step_writes_more_than_its_bound() {
    let contents: Vec<u8> = (0..2 * STEP + 5).map(|at| (at % 250) as u8 + 1).collect();
    let image = image(&[(0, 3), (16 * STEP, 4)], &[(7, std::vec![9; 10]), (16 * STEP + 100, contents.clone())]);
    let ram = ram(image);
    let bytes = || {
        let mut bytes = std::vec![0; 7 * STEP as usize];
        let (low, high) = bytes.split_at_mut(3 * STEP as usize);
        ram.read(Gpa::new(0), low).unwrap();
        ram.read(Gpa::new(16 * STEP), high).unwrap();
        bytes
    };
    let (mut loader, mut before, mut steps) = (Loader::new(), bytes(), 0);
    while step(&mut loader, image, &ram) == Progress::More {
        let after = bytes();
        assert!(changed(&before, &after) <= STEP);
        (before, steps) = (after, steps + 1);
    }
    // Seven pieces to scrub and the look at where that ends; one small segment; three pieces of the other.
    assert_eq!(steps, 7 + 1 + 1 + 3);
    let mut expected = std::vec![0; 7 * STEP as usize];
    expected[7..17].fill(9);
    expected[3 * STEP as usize + 100..][..contents.len()].copy_from_slice(&contents);
    assert_eq!(changed(&before, &expected), 0);
}

#[test]
fn loading_again_gives_the_same_ram() {
    let image = image(&[(0, 1)], &[(100, std::vec![5; 1000])]);
    let ram = ram(image);
    let load = || {
        let mut loader = Loader::new();
        while step(&mut loader, image, &ram) == Progress::More {}
        ram.hash(Gpa::new(0), STEP).unwrap()
    };
    let first = load();
    ram.write(Gpa::new(50), &[0xff; 5000]).unwrap();
    assert_ne!(ram.hash(Gpa::new(0), STEP), Ok(first));
    assert_eq!(load(), first);
}

#[test]
fn an_image_that_does_not_fit_its_ram_is_an_error() {
    let small = ram(image(&[(0, 1)], &[]));
    let large = image(&[(0, 2)], &[]);
    let mut loader = Loader::new();
    assert_eq!(step(&mut loader, large, &small), Progress::More);
    assert!(loader.step(large, &small, ALWAYS, |_, _| {}).is_err());
}

#[test]
fn alternatives_of_other_machines_are_left_out() {
    let segment = |gpa, byte, only| SegmentSpec { gpa, bytes: std::vec![byte; 16], only };
    let segments = std::vec![segment(0, 1, ONLY_GICV2), segment(8, 2, ONLY_GICV3), segment(64, 3, ALWAYS)];
    let image = image_with(&[(0, 1)], segments);
    for (machine, expected) in [(ONLY_GICV2, [1, 1, 0]), (ONLY_GICV3, [0, 2, 2]), (ALWAYS, [0, 0, 0])] {
        let (ram, mut loader) = (ram(image), Loader::new());
        while loader.step(image, &ram, machine, |_, _| {}).unwrap() == Progress::More {}
        let mut found = [0; 80];
        ram.read(Gpa::new(0), &mut found).unwrap();
        assert_eq!(([found[0], found[15], found[23]], found[64], found[79]), (expected, 3, 3), "{machine}");
    }
}

#[test]
fn whoever_must_know_hears_of_every_byte_after_it_was_written() {
    // What a guest sees whose caches are off: memory as it was at the last word about it.
    let contents: Vec<u8> = (0..STEP + 77).map(|at| (at % 251) as u8).collect();
    let image = image(&[(0, 3), (16 * STEP, 4)], &[(3 * STEP - 5, std::vec![9; 5]), (17 * STEP, contents)]);
    let ram = ram(image);
    let places: Vec<_> = ram.regions().collect();
    let gpa_of = |hpa: u64| {
        let place = places.iter().find(|place| (place.hpa.as_u64()..place.hpa.as_u64() + place.bytes).contains(&hpa));
        place.map(|place| place.gpa.as_u64() + hpa - place.hpa.as_u64()).unwrap()
    };
    let flat = |gpa: u64| if gpa < 3 * STEP { gpa as usize } else { (gpa - 13 * STEP) as usize };
    let (mut seen, mut base) = (std::vec![0xee; 7 * STEP as usize], None);
    let mut written = |start: Hva, bytes: u64| {
        // The first piece is the start of the first region: it tells where the direct map is.
        let base = *base.get_or_insert(start.as_u64().wrapping_sub(places[0].hpa.as_u64()));
        let gpa = gpa_of(start.as_u64().wrapping_sub(base));
        ram.read(Gpa::new(gpa), &mut seen[flat(gpa)..][..bytes as usize]).unwrap();
    };
    let mut loader = Loader::new();
    while loader.step(image, &ram, ALWAYS, &mut written).unwrap() == Progress::More {}
    let mut real = std::vec![0; 7 * STEP as usize];
    let (low, high) = real.split_at_mut(3 * STEP as usize);
    ram.read(Gpa::new(0), low).unwrap();
    ram.read(Gpa::new(16 * STEP), high).unwrap();
    assert_eq!(changed(&seen, &real), 0);
}
