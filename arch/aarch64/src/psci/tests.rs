//! Each function, with good arguments and bad.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use proptest::prelude::*;

use super::*;
use crate::smccc::call;
use crate::smccc::tests::{BAD_ENTRY, Board, board};
use crate::smccc::{Answer, PowerState};

use PowerState::{Off, On, Pending};

const ENTRY: u64 = 0x4020_0000;

fn ask(board: &Board, function: u32, arguments: [u64; 3]) -> Answer {
    call(u64::from(function), arguments, board)
}

fn machine() -> Board {
    let mut states = vec![Off; 20];
    (states[0], states[1]) = (On, Pending);
    Board(states)
}

#[test]
fn cpu_on() {
    let ask = |function, target, entry| ask(&machine(), function, [target, entry, 0x1_0000_0007]);
    let vcpu = VcpuIndex(17);
    assert_eq!(ask(0xc400_0003, 0x101, ENTRY), Answer::CpuOn { vcpu, entry: ENTRY, context: 0x1_0000_0007 });
    // The call of 32 bits takes W registers.
    let answer = Answer::CpuOn { vcpu, entry: ENTRY, context: 7 };
    assert_eq!(ask(0x8400_0003, 0xffff_ffff_0000_0101, ENTRY | 1 << 32), answer);
    assert_eq!(ask(0xc400_0003, 0, ENTRY), Answer::Return(error(-4)));
    assert_eq!(ask(0xc400_0003, 1, ENTRY), Answer::Return(error(-5)));
    for target in [0x10, 0x104, 0x200, 0x1_0000, 1 << 31 | 2, 1 << 32, 1 << 40, 1 << 63 | 2, u64::MAX] {
        assert_eq!(ask(0xc400_0003, target, ENTRY), Answer::Return(error(-2)), "{target:#x}");
    }
    for entry in [BAD_ENTRY, 0, ENTRY | 1, ENTRY | 2, !3] {
        assert_eq!(ask(0xc400_0003, 2, entry), Answer::Return(error(-9)), "{entry:#x}");
    }
}

#[test]
fn affinity_info_by_level() {
    let ask = |target, level| ask(&machine(), 0xc400_0004, [target, level, 0]);
    assert_eq!(ask(0, 0), Answer::Return(0));
    assert_eq!(ask(1, 0), Answer::Return(2));
    assert_eq!(ask(2, 0), Answer::Return(1));
    assert_eq!(ask(0x103, 0), Answer::Return(1));
    assert_eq!(ask(0x104, 0), Answer::Return(error(-2)));
    // The first sixteen have one that is on, the others have none.
    assert_eq!(ask(0xff, 1), Answer::Return(0));
    assert_eq!(ask(0x1ff, 1), Answer::Return(1));
    assert_eq!(ask(0x200, 1), Answer::Return(error(-2)));
    assert_eq!(ask(0xffff, 2), Answer::Return(0));
    assert_eq!(ask(0x1_ffff, 2), Answer::Return(error(-2)));
    assert_eq!(ask(0xff_ffff, 3), Answer::Return(0));
    assert_eq!(ask(1 << 32, 3), Answer::Return(error(-2)));
    for (target, level) in [(0, 4), (0, u64::MAX), (1 << 31, 0), (1 << 40, 3)] {
        assert_eq!(ask(target, level), Answer::Return(error(-2)));
    }
    let pending = Board(vec![Off, Pending]);
    assert_eq!(super::affinity_info(0, 1, &pending), 2);
}

#[test]
fn suspend_is_standby() {
    let ask = |state, entry| ask(&machine(), 0xc400_0001, [state, entry, 0]);
    assert_eq!(ask(0, 0), Answer::Suspend);
    assert_eq!(ask(0x0101_0002, ENTRY), Answer::Suspend);
    assert_eq!(ask(0x0001_0000, BAD_ENTRY), Answer::Return(error(-9)));
    assert_eq!(ask(0x0400_0000, 0), Answer::Return(error(-2)));
    assert_eq!(ask(0x8000_0000, 0), Answer::Return(error(-2)));
}

#[test]
fn the_system() {
    let ask = |function, first| ask(&machine(), function, [first, 0, 0]);
    assert_eq!(ask(0x8400_0002, 0), Answer::CpuOff);
    assert_eq!(ask(0x8400_0006, 0), Answer::Return(2));
    assert_eq!(ask(0x8400_0008, 0), Answer::SystemOff);
    assert_eq!(ask(0x8400_0009, 0), Answer::SystemReset);
    assert_eq!(ask(0x8400_0012, 0), Answer::SystemReset);
    assert_eq!(ask(0xc400_0012, 0), Answer::SystemReset);
    assert_eq!(ask(0xc400_0012, 1), Answer::Return(error(-2)));
    assert_eq!(ask(0xc400_0012, 1 << 31), Answer::Return(error(-2)));
    // Functions of 32 bits have no 64-bit twin; the optional ones are missing.
    for function in [0xc400_0000, 0xc400_0002, 0xc400_0008, 0x8400_0005, 0x8400_0007, 0x8400_000e, 0x8400_0013] {
        assert_eq!(ask(function, 0), Answer::Return(error(-1)), "{function:#x}");
    }
}

/// PSCI_FEATURES says SUCCESS exactly where the function itself does not say NOT_SUPPORTED.
#[test]
fn features_tell_the_truth() {
    let ranges = (0x8400_0000..0x8400_0040).chain(0xc400_0000..0xc400_0040).chain([0x8000_0000]);
    for function in ranges {
        let known = ask(&machine(), function, [0x8400_0000, 0, 0]) != Answer::Return(error(-1));
        let features = if known { 0 } else { error(-1) };
        assert_eq!(ask(&machine(), FEATURES, [u64::from(function), 0, 0]), Answer::Return(features), "{function:#x}");
    }
}

#[test]
fn mpidr_has_sixteen_a_cluster() {
    assert_eq!(mpidr(VcpuIndex(0)), 0x8000_0000);
    assert_eq!(mpidr(VcpuIndex(15)), 0x8000_000f);
    assert_eq!(mpidr(VcpuIndex(33)), 0x8000_0201);
}

proptest! {
    /// Every vCPU is found by its own MPIDR, and by no other number.
    #[test]
    fn targets_and_vcpus(board in board(), target in any::<u64>(), index in 0..64_u8) {
        if let Some(vcpu) = vcpu_at(target, &board) {
            prop_assert_eq!(mpidr(vcpu), target | 1 << 31);
        }
        let found = vcpu_at(mpidr(VcpuIndex(index)) & AFFINITY & !(1 << 31), &board);
        prop_assert_eq!(found, (usize::from(index) < board.vcpus()).then_some(VcpuIndex(index)));
    }
}
