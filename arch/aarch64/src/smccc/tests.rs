//! Which calls are answered, and that all are.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// A domain with RAM from 1 GiB to 2 GiB.
#[derive(Debug)]
pub(crate) struct Board(pub(crate) Vec<PowerState>);

impl PowerView for Board {
    fn vcpus(&self) -> usize {
        self.0.len()
    }

    fn power(&self, vcpu: VcpuIndex) -> PowerState {
        self.0[usize::from(vcpu.0)]
    }

    fn is_ram(&self, address: Gpa) -> bool {
        (0x4000_0000..0x8000_0000).contains(&address.as_u64())
    }
}

pub(crate) const BAD_ENTRY: u64 = 0x9000_0000;

fn ask(function: u64, first: u64) -> Answer {
    call(function, [first, 0, 0], &Board(vec![PowerState::On]))
}

#[test]
fn versions_and_features() {
    assert_eq!(ask(0x8400_0000, 0), Answer::Return(0x1_0001));
    assert_eq!(ask(0x8000_0000, 0), Answer::Return(0x1_0001));
    assert_eq!(ask(0x8000_0001, 0x8000_0000), Answer::Return(0));
    assert_eq!(ask(0x8000_0001, 0x8000_0001), Answer::Return(0));
    for unsupported in [0x8000_8000, 0x8000_7fff, 0x8000_3fff, 0x8000_0002, 0] {
        assert_eq!(ask(0x8000_0001, unsupported), Answer::Return(error(-1)));
    }
}

#[test]
fn the_upper_half_of_x0_does_not_count() {
    assert_eq!(ask(0xdead_beef_8400_0000, 0), Answer::Return(0x1_0001));
    assert_eq!(ask(0x1_8000_0001, 0xffff_ffff_8000_0000), Answer::Return(0));
}

#[test]
fn unknown_functions_are_not_supported() {
    // A slow call, TRNG, KVM's vendor features, SiP, OEM, a trusted OS, the 64-bit form of a 32-bit function.
    for function in [0, 0x8400_0050, 0x8600_0000, 0x8200_0000, 0x8300_0000, 0xb200_0000, 0xc000_0000, 0xc600_ff01] {
        assert_eq!(ask(function, 0), Answer::Return(error(-1)), "{function:#x}");
    }
}

#[test]
fn the_uuid_reads_as_text() {
    assert_eq!(ask(0x8600_ff01, 0), Answer::ReturnWords(UUID));
    let text: Vec<_> =
        UUID.into_iter().flat_map(|word| (word as u32).to_le_bytes()).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text.concat(), "5e2c41d39b704f86a1d807f6c39e5ab4");
}

pub(crate) fn board() -> impl Strategy<Value = Board> {
    let state = prop_oneof![Just(PowerState::Off), Just(PowerState::Pending), Just(PowerState::On)];
    proptest::collection::vec(state, 1..65).prop_map(Board)
}

pub(crate) fn argument() -> impl Strategy<Value = u64> {
    prop_oneof![0..0x500_u64, any::<u64>(), 0x4000_0000..0x4000_0100_u64, 0x8400_0000..0x8400_0020_u64]
}

proptest! {
    /// No call panics; what is done is done to a vCPU that can take it.
    #[test]
    fn total(
        function in prop_oneof![0x8400_0000..0x8400_0020_u64, 0xc400_0000..0xc400_0020_u64, any::<u64>()],
        arguments in [argument(), argument(), argument()],
        board in board(),
    ) {
        match call(function, arguments, &board) {
            Answer::CpuOn { vcpu, entry, .. } => {
                prop_assert_eq!(board.power(vcpu), PowerState::Off);
                prop_assert!(board.is_ram(Gpa::new(entry)) && entry % 4 == 0);
            }
            Answer::Return(value) => prop_assert!((-9..=0x1_0001).contains(&value.cast_signed())),
            _ => prop_assert!(function as u32 & 0xb000_0000 == 0x8000_0000),
        }
    }
}
