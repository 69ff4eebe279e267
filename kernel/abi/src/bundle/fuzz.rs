//! Seeded fuzzing: whatever the bytes, [`Bundle::parse`] returns, and what it accepts keeps every promise.
//!
//! `PHALANX_FUZZ_SECONDS` sets the time for each test (default 2). A failure names the seed of its round.

use alloc::vec::Vec;
use core::time::Duration;
use std::time::Instant;

use super::layout::PAGE_SIZE;
use super::{ALWAYS, Bundle, MAX_DOMAINS, MAX_VCPUS, ONLY_GICV2, ONLY_GICV3, sample};

/// SplitMix64: a small generator whose whole state is the seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Runs rounds with the seeds 0, 1, … until the time is up; at least one hundred.
fn rounds(mut round: impl FnMut(&mut Random, u64)) {
    let seconds = std::env::var("PHALANX_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let start = Instant::now();
    for seed in 0.. {
        if seed >= 100 && start.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        round(&mut Random(seed), seed);
    }
}

/// One sample after the other.
fn either(seed: u64) -> Vec<u8> {
    if seed.is_multiple_of(2) { sample::bundle() } else { sample::arm_bundle() }
}

/// Everything that the typed views promise.
fn keeps_its_promises(bundle: Bundle<'_>, seed: u64) {
    let domains: Vec<_> = bundle.domains().collect();
    assert!((1..=MAX_DOMAINS).contains(&domains.len()), "seed {seed}");
    for (index, domain) in domains.iter().enumerate() {
        assert!(!domain.name().is_empty(), "seed {seed}");
        assert!(domains.iter().take(index).all(|other| other.name() != domain.name()), "seed {seed}");
        assert!((1..=MAX_VCPUS).contains(&domain.vcpus()), "seed {seed}");
        let regions: Vec<_> = domain.regions().collect();
        assert!(regions.iter().all(|r| r.size > 0 && (r.gpa | r.size) % PAGE_SIZE == 0), "seed {seed}");
        assert!(regions.is_sorted_by(|a, b| a.gpa + a.size <= b.gpa), "seed {seed}");
        assert_eq!(regions.iter().map(|r| r.size).sum::<u64>(), domain.memory(), "seed {seed}");
        let segments: Vec<_> = domain.segments().map(|s| (s.gpa, s.gpa + s.bytes.len() as u64)).collect();
        let in_ram =
            |&(start, end): &(u64, u64)| start < end && regions.iter().any(|r| r.gpa <= start && end <= r.gpa + r.size);
        assert!(segments.iter().all(in_ram), "seed {seed}");
        assert!(segments.is_sorted_by_key(|segment| segment.0), "seed {seed}");
        for machine in [ALWAYS, ONLY_GICV2, ONLY_GICV3] {
            let here = domain.segments().filter(|segment| segment.fits(machine));
            let here: Vec<_> = here.map(|s| (s.gpa, s.gpa + s.bytes.len() as u64)).collect();
            assert!(here.is_sorted_by(|a, b| a.1 <= b.0), "seed {seed}");
        }
        let _ = (domain.entry(), domain.devices().count());
    }
}

#[test]
fn random_bytes_are_refused() {
    rounds(|random, seed| {
        let bytes: Vec<u8> = (0..random.below(600)).map(|_| random.next() as u8).collect();
        assert!(Bundle::parse(&bytes).is_err(), "seed {seed}");
    });
}

#[test]
fn a_right_frame_around_random_tables() {
    rounds(|random, seed| {
        let mut bytes = either(seed);
        let tables = size_of::<super::Header>()..1000;
        for at in tables {
            if random.below(8) == 0 {
                bytes[at] = random.next() as u8;
            }
        }
        sample::reseal(&mut bytes);
        if let Ok(bundle) = Bundle::parse(&bytes) {
            keeps_its_promises(bundle, seed);
        }
    });
}

#[test]
fn mutated_bundles_keep_their_promises() {
    let interesting = [0, 1, 2, 0xfff, 0x1000, 0x7fff_ffff, u64::from(u32::MAX), u64::MAX - 0xfff, u64::MAX];
    let mut accepted = 0;
    rounds(|random, seed| {
        let mut bytes = either(seed);
        for _ in 0..=random.below(3) {
            let value = interesting[random.below(interesting.len())].to_le_bytes();
            let width = 1 << random.below(4);
            let at = 16 + random.below(1000) / 4 * 4;
            bytes[at..at + width].copy_from_slice(&value[..width]);
        }
        sample::reseal(&mut bytes);
        if let Ok(bundle) = Bundle::parse(&bytes) {
            keeps_its_promises(bundle, seed);
            accepted += 1;
        }
    });
    assert!(accepted > 0, "no mutation was harmless: the test looks at nothing");
}
