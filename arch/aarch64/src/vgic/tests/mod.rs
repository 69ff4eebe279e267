//! The controller against its manuals, on a model of the hardware and against a naive model of both.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod bench;
mod foreign;
mod hardware;
mod lines;
mod naive;
mod overflow;
mod property;
mod random;
mod registers;
mod robustness;
mod routing;
mod sgi;
mod switch;
mod timer;
mod wakes;

use bench::Bench;
use hardware::{HardwareV2, HardwareV3};

/// Offsets of the distributor and of the SGI frame, spelt out so that a wrong constant shows.
mod offset {
    pub(super) const CTLR: u64 = 0x000;
    pub(super) const TYPER: u64 = 0x004;
    pub(super) const IIDR: u64 = 0x008;
    pub(super) const IGROUPR: u64 = 0x080;
    pub(super) const ISENABLER: u64 = 0x100;
    pub(super) const ICENABLER: u64 = 0x180;
    pub(super) const ISPENDR: u64 = 0x200;
    pub(super) const ICPENDR: u64 = 0x280;
    pub(super) const ISACTIVER: u64 = 0x300;
    pub(super) const ICACTIVER: u64 = 0x380;
    pub(super) const IPRIORITYR: u64 = 0x400;
    pub(super) const ITARGETSR: u64 = 0x800;
    pub(super) const ICFGR: u64 = 0xc00;
    pub(super) const SGIR: u64 = 0xf00;
    pub(super) const CPENDSGIR: u64 = 0xf10;
    pub(super) const SPENDSGIR: u64 = 0xf20;
    pub(super) const IROUTER: u64 = 0x6000;
}

/// Runs a test on both versions: `$bench` is a fresh [`Bench`] with this many vCPUs and list registers, all vCPUs loaded.
macro_rules! on_both {
    ($name:ident, $vcpus:expr, $registers:expr, $test:expr) => {
        #[test]
        fn $name() {
            $test(&mut Bench::<HardwareV2>::new($vcpus, $registers));
            $test(&mut Bench::<HardwareV3>::new($vcpus, $registers));
        }
    };
}
use on_both;
