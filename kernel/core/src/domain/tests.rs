//! A domain's life: it stops once for each life, whoever asks and however often its vCPUs come by.

use std::boxed::Box;
use std::vec::Vec;

use phalanx_abi::bundle::{Architecture, Bundle, BundleWriter, DomainSpec, EntrySpec, OnReboot, Region};
use phalanx_arch_api::Hfn;
use phalanx_arch_fake::{Fake, Memory, Timing, World};

use super::{Domain, Parked, Phase, StopReason};
use crate::console::{Console, Output};
use crate::machine::Machine;
use crate::mem::FrameAllocator;
use crate::mem::tests::physical;

/// A line that nobody is at.
struct Nowhere;

impl Output for Nowhere {
    fn write(&self, _byte: u8) {}

    fn read(&self) -> Option<u8> {
        None
    }
}

static CONSOLE: Console = Console::new(&Nowhere);

/// A domain with so many vCPUs that runs.
fn with_domain(vcpus: u32, test: impl FnOnce(&Domain<Fake>)) {
    let mut writer = BundleWriter::new(Architecture::X86_64);
    writer.push(DomainSpec {
        name: "a".into(),
        vcpus,
        console: false,
        dirty_log: false,
        on_reboot: OnReboot::Restart,
        regions: std::vec![Region { gpa: 0, size: 0x1000 }],
        segments: Vec::new(),
        entry: EntrySpec::X86(zerocopy::FromZeros::new_zeroed()),
        devices: Vec::new(),
    });
    let bundle = Bundle::parse(Box::leak(writer.finish().into_boxed_slice())).unwrap();
    let mut frames = FrameAllocator::new();
    frames.add(physical(0x1000, 0x10_0000)).unwrap();
    World::new(Memory::new(Hfn::new(0), 0), Timing::Exact, 0).enter(|| {
        let machine = Machine::<Fake>::new(bundle, 1, &mut frames, &CONSOLE).unwrap();
        machine.domains[0].loaded();
        test(&machine.domains[0]);
    });
}

/// Parks every vCPU twice and returns how often one was the last.
fn park_all_twice(domain: &Domain<Fake>) -> usize {
    let slots = domain.vcpus.iter().chain(&domain.vcpus);
    slots.filter(|slot| domain.park(&mut slot.state.lock()) == Parked::Last).count()
}

#[test]
fn the_first_reason_counts() {
    with_domain(2, |domain| {
        assert!(domain.begin_stop(StopReason::PowerOff));
        assert!(!domain.begin_stop(StopReason::Reset));
        assert_eq!((domain.phase(), *domain.stop_reason.lock()), (Phase::Stopping, Some(StopReason::PowerOff)));
    });
}

#[test]
fn every_vcpu_parks_once_and_one_is_the_last() {
    for vcpus in [1, 2, 5] {
        with_domain(vcpus, |domain| {
            assert!(domain.begin_stop(StopReason::Reset));
            assert_eq!(park_all_twice(domain), 1);
        });
    }
}

#[test]
fn each_life_stops_once() {
    with_domain(3, |domain| {
        for life in 1..=4 {
            assert!(domain.begin_stop(StopReason::Reset));
            assert_eq!((park_all_twice(domain), domain.restart(), domain.phase()), (1, life, Phase::Loading));
            domain.loaded();
        }
    });
}

#[test]
fn an_ended_domain_does_not_stop_again() {
    with_domain(1, |domain| {
        domain.end();
        assert!(!domain.begin_stop(StopReason::Reset));
        assert_eq!(domain.phase(), Phase::Ended);
    });
}
