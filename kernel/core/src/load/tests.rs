//! Loading, step by step.

use std::boxed::Box;
use std::vec::Vec;

use phalanx_abi::bundle::{self, Bundle, BundleWriter, DomainSpec, OnReboot, Region, SegmentSpec};
use phalanx_arch_api::{Gpa, GuestMemory};

use super::{Loader, Progress, STEP};
use crate::mem::tests::physical;
use crate::mem::{FrameAllocator, GuestRam};

/// A domain with these regions `(address, steps to scrub)` and these segments.
fn image(regions: &[(u64, u64)], segments: &[(u64, Vec<u8>)]) -> bundle::Domain<'static> {
    let mut writer = BundleWriter::new();
    writer.push(DomainSpec {
        name: "a".into(),
        vcpus: 1,
        console: false,
        on_reboot: OnReboot::Restart,
        regions: regions.iter().map(|(gpa, steps)| Region { gpa: *gpa, size: steps * STEP }).collect(),
        segments: segments.iter().map(|(gpa, bytes)| SegmentSpec { gpa: *gpa, bytes: bytes.clone() }).collect(),
        entry: zerocopy::FromZeros::new_zeroed(),
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
    while loader.step(image, &ram).unwrap() == Progress::More {
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
        while loader.step(image, &ram).unwrap() == Progress::More {}
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
    assert_eq!(loader.step(large, &small), Ok(Progress::More));
    assert!(loader.step(large, &small).is_err());
}
