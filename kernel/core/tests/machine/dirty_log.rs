//! The dirty log: exactly the pages that were written, by whomever, while other CPUs go on writing.

use phalanx_abi::hypercall::{DIRTY_LOG_MOST_FRAMES, HypercallError};
use phalanx_arch_api::AccessSize;
use phalanx_sim::{Guest, Op, PAGE, Program, Run, System, Timing, Verdict};

use crate::{CODE, DATA, MORE_CODE, more, program};

/// Pages of RAM.
const PAGES: u64 = 64;
/// Where the bitmap goes, and the page that it lies in.
const BITMAP: u64 = 0x7000;
const BITMAP_PAGE: u64 = BITMAP / PAGE;

/// Reads the log of the whole RAM into [`BITMAP`] and tells the bitmap's only word.
const fn log() -> [Op; 4] {
    [
        Op::DirtyLog { first: 0, frames: PAGES, buffer: BITMAP },
        Op::MarkA {},
        Op::Load { gpa: BITMAP, size: AccessSize::B8 },
        Op::MarkA {},
    ]
}

const fn store(page: u64) -> Op {
    Op::Store { gpa: page * PAGE + 8, size: AccessSize::B8, value: 1 }
}

fn guest(program: &Program) -> Guest {
    Guest::new("a", program).memory(PAGES * PAGE).dirty_log()
}

fn boot(system: System) -> Run {
    let mut run = system.boot().unwrap();
    assert_eq!(run.run(10_000_000), Verdict::Ended);
    run
}

/// What a guest with one vCPU tells.
fn told(ops: impl IntoIterator<Item = Op>) -> Vec<u64> {
    let ops = ops.into_iter().chain([Op::PowerOff {}]);
    boot(System::new(1).guest(guest(&program(ops)))).told(0)
}

/// The set of these pages, and of the one that the bitmap of the reading before went to.
fn set(pages: impl IntoIterator<Item = u64>) -> u64 {
    pages.into_iter().fold(1 << BITMAP_PAGE, |set, page| set | 1 << page)
}

#[test]
fn all_ram_counts_as_written_at_the_start_and_then_what_is_written() {
    let ops = log().into_iter().chain(log()).chain([store(20), store(33), store(20)]).chain(log()).chain(log());
    let (twenty, none) = (set([20, 33]), set([]));
    assert_eq!(told(ops), [PAGES, u64::MAX, 1, none, 3, twenty, 1, none]);
}

#[test]
fn reading_is_no_writing() {
    let loads = (16..40).map(|page| Op::Load { gpa: page * PAGE, size: AccessSize::B8 });
    let ops = log().into_iter().chain(loads).chain(log());
    assert_eq!(told(ops)[2..], [1, set([])]);
}

#[test]
fn a_part_leaves_the_rest_for_later() {
    let part = Op::DirtyLog { first: 32, frames: 8, buffer: BITMAP + 8 };
    let word = Op::Load { gpa: BITMAP + 8, size: AccessSize::B8 };
    let ops = log().into_iter().chain([store(20), store(34), part, Op::MarkA {}, word, Op::MarkA {}]).chain(log());
    assert_eq!(told(ops)[2..], [1, 1 << 2, 2, set([20])]);
}

#[test]
fn what_cannot_be_asked_is_an_error_and_costs_no_mark() {
    let call = |first, frames, buffer| [Op::DirtyLog { first, frames, buffer }, Op::MarkA {}];
    let invalid = [
        call(0, 0, BITMAP),
        call(0, PAGES + 1, BITMAP),
        call(PAGES, 1, BITMAP),
        call(u64::MAX, 2, BITMAP),
        call(u64::MAX >> 12, 2, BITMAP),
        call(0, u64::MAX, BITMAP),
        call(0, DIRTY_LOG_MOST_FRAMES + 1, BITMAP),
    ];
    let misplaced =
        [call(0, 1, BITMAP + 4), call(0, 1, PAGES * PAGE), call(0, 1, u64::MAX - 7), call(0, 1, PAGES * PAGE - 4)];
    let wrong = invalid.into_iter().chain(misplaced).flatten();
    let told = told(log().into_iter().chain([store(20)]).chain(wrong).chain(log()));
    let errors = told[2..13].iter().map(|result| result.cast_signed());
    let expected =
        [HypercallError::InvalidArgument.code(); 7].into_iter().chain([HypercallError::BadAddress.code(); 4]);
    assert!(errors.eq(expected), "{told:x?}");
    assert_eq!(told[13..], [2, set([20])]);
}

#[test]
fn a_domain_without_a_log_is_told_so() {
    let ops = [Op::DirtyLog { first: 0, frames: 1, buffer: BITMAP }, Op::MarkA {}, Op::PowerOff {}];
    let run = boot(System::new(1).guest(Guest::new("a", &program(ops))));
    assert_eq!(run.told(0), [HypercallError::NotSupported.code().cast_unsigned()]);
}

#[test]
fn after_a_reboot_all_ram_counts_as_written() {
    let ops = log().into_iter().chain([Op::ResetUntil { resets: 1 }, Op::PowerOff {}]);
    let run = boot(System::new(1).guest(guest(&program(ops))));
    assert_eq!(run.told(0), [PAGES, u64::MAX, PAGES, u64::MAX]);
}

/// vCPU 1 writes the same pages over and over on another CPU, whose TLB knows them as written. Each reading must find all
/// of them again: vCPU 0 waits between two readings for longer than a round of the other takes.
fn another_cpu_writes(timing: Timing, seed: u64) {
    const FIRST: u64 = 40;
    const COUNT: u64 = 6;
    const ROUNDS: u64 = 8;
    let mut writer = Program::at(MORE_CODE);
    let again = writer.here();
    writer.push((FIRST..FIRST + COUNT).map(store)).push([Op::Jump { address: again }]);
    let start = [Op::Start { vcpu: 1, address: MORE_CODE }, Op::Compute { ticks: 5000 }];
    let round = || [Op::Compute { ticks: 2000 }].into_iter().chain(log());
    let rounds = (0..ROUNDS).flat_map(|_| round());
    let reader = program(start.into_iter().chain(log()).chain(rounds).chain([Op::PowerOff {}]));
    let guest = guest(&reader).program(&writer).vcpus(2);
    let run = boot(System::new(2).timing(timing).seed(seed).guest(guest));
    let told = run.told(0);
    let pages = set(FIRST..FIRST + COUNT);
    for round in told[2..].chunks(2) {
        assert_eq!(round, [COUNT + 1, pages], "seed {seed}: {told:x?}");
    }
}

#[test]
fn what_another_cpu_writes_meanwhile_is_in_the_next_reading() {
    another_cpu_writes(Timing::Exact, 0);
    (1..20).for_each(|seed| another_cpu_writes(Timing::Random, seed));
}

/// Both vCPUs read at once, each waiting for the other's CPU: nobody waits for ever, and no page is told twice.
#[test]
fn two_cpus_may_read_at_once() {
    for seed in 0..20 {
        let read = |buffer| [Op::DirtyLog { first: 32, frames: 32, buffer }, Op::MarkA {}];
        let reader = |buffer| (0..10).flat_map(move |_| read(buffer));
        let first = [Op::Start { vcpu: 1, address: MORE_CODE }, Op::Compute { ticks: 50 }];
        let first = first.into_iter().chain(reader(DATA)).chain([Op::Wait { vectors: 2 }, Op::PowerOff {}]);
        let second = reader(DATA + 64).chain([Op::Ipi { vcpu: 0, vector: 1 }, Op::Wait { vectors: 4 }]);
        let guest = guest(&program(first)).program(&more(second)).vcpus(2);
        let timing = if seed == 0 { Timing::Exact } else { Timing::Random };
        let told = boot(System::new(2).timing(timing).seed(seed).guest(guest)).told(0);
        assert_eq!((told.len(), told.iter().sum::<u64>()), (20, 32), "seed {seed}: {told:?}");
    }
}

const _: () = assert!(CODE < MORE_CODE && MORE_CODE < BITMAP && BITMAP < DATA);
