//! What nobody owns, and hypercalls.

use phalanx_abi::exit::ExitCounter;
use phalanx_abi::hypercall::{ABI_VERSION, BASE, Hypercall, HypercallError};
use phalanx_arch_api::AccessSize;
use phalanx_sim::{Guest, Op, System, Verdict};

use crate::{DATA, program};

/// Runs a guest to its end and returns what it told.
fn told(ops: impl IntoIterator<Item = Op>) -> Vec<u64> {
    let ops = ops.into_iter().chain([Op::PowerOff {}]);
    let mut run = System::new(1).guest(Guest::new("a", &program(ops))).boot().unwrap();
    assert_eq!(run.run(100_000), Verdict::Ended);
    run.told(0)
}

const fn hypercall(number: u64, argument: u64) -> Op {
    Op::Hypercall { number, argument, privileged: true }
}

const fn exits(counter: ExitCounter) -> [Op; 2] {
    [hypercall(Hypercall::ExitCount.number(), counter as u64), Op::MarkA {}]
}

#[test]
fn unknown_ports_read_all_ones_and_drop_writes() {
    use AccessSize::{B1, B2, B4};
    let reads = [(0x70, B1), (0x71, B2), (0xcf8, B4), (0x400, B1), (0x3f7, B1)];
    let write = |port, size| Op::Out { port, size, value: 0 };
    let ops = reads.iter().flat_map(|&(port, size)| [write(port, size), Op::In { port, size }, Op::MarkA {}]);
    let told = told(ops.chain(exits(ExitCounter::UnbackedAccess)));
    assert_eq!(told, [0xff, 0xffff, 0xffff_ffff, 0xff, 0xff, 10]);
}

#[test]
fn a_wide_access_reaches_the_uart_s_registers_one_after_another() {
    use AccessSize::{B1, B2, B4};
    let scratch_and_beyond = 0x3ff;
    let told = told([
        Op::Out { port: scratch_and_beyond, size: B4, value: 0x1122_3344 },
        Op::In { port: scratch_and_beyond, size: B4 },
        Op::MarkA {},
        Op::Out { port: 0x3fb, size: B2, value: 0x0f03 },
        Op::In { port: 0x3fb, size: B2 },
        Op::MarkA {},
        Op::In { port: 0x3fc, size: B1 },
        Op::MarkA {},
    ]);
    assert_eq!(told, [0xffff_ff44, 0x0f03, 0x0f]);
}

#[test]
fn addresses_without_ram_read_all_ones_and_drop_writes() {
    use AccessSize::{B1, B2, B4, B8};
    let reads = [(0x1_0000, B8), (0xfee0_0000, B4), (1 << 40, B2), (1 << 47, B1), (u64::MAX - 7, B8)];
    let write = |gpa, size| Op::Store { gpa, size, value: 0 };
    let ops = reads.iter().flat_map(|&(gpa, size)| [write(gpa, size), Op::Load { gpa, size }, Op::MarkA {}]);
    let told = told(ops.chain(exits(ExitCounter::UnbackedAccess)));
    assert_eq!(told, [u64::MAX, 0xffff_ffff, 0xffff, 0xff, u64::MAX, 10]);
}

#[test]
fn ram_keeps_what_is_written() {
    use AccessSize::{B1, B2, B8};
    let told = told([
        Op::Store { gpa: DATA, size: B8, value: 0x1122_3344_5566_7788 },
        Op::Store { gpa: DATA + 2, size: B2, value: 0xaaaa },
        Op::Load { gpa: DATA, size: B8 },
        Op::MarkA {},
        Op::Load { gpa: DATA + 7, size: B1 },
        Op::MarkA {},
    ]);
    assert_eq!(told, [0x1122_3344_aaaa_7788, 0x11]);
}

#[test]
fn every_hypercall_answers() {
    let result = |number, argument| told([hypercall(number, argument), Op::MarkA {}])[0].cast_signed();
    for call in Hypercall::ALL {
        let expected = match call {
            Hypercall::Null => 0,
            Hypercall::Version => i64::from(ABI_VERSION),
            // The hypercall that asks is the first.
            Hypercall::ExitCount => 1,
            Hypercall::DirtyLog => HypercallError::NotSupported.code(),
        };
        assert_eq!(result(call.number(), ExitCounter::Hypercall as u64), expected, "{}", call.name());
    }
    let beyond = ExitCounter::COUNT as u64;
    for argument in [beyond, u64::MAX] {
        assert_eq!(result(Hypercall::ExitCount.number(), argument), HypercallError::InvalidArgument.code());
    }
    for number in [0, 1, BASE - 1, BASE + Hypercall::ALL.len() as u64, BASE | 1 << 32, u64::MAX] {
        assert_eq!(result(number, 0), HypercallError::Unknown.code(), "{number:#x}");
    }
}

#[test]
fn user_mode_may_call_nothing() {
    let numbers = Hypercall::ALL.iter().map(|call| call.number()).chain([0, u64::MAX]);
    for number in numbers {
        let told = told([Op::Hypercall { number, argument: 0, privileged: false }, Op::MarkA {}]);
        assert_eq!(told[0].cast_signed(), HypercallError::NotPermitted.code(), "{number:#x}");
    }
}
