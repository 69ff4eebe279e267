//! Loading: RAM is as the bundle says, and neighbours do not notice.

use phalanx_sim::{Guest, Op, PAGE, System, Timing, Verdict};

use crate::{CODE, DATA, compute_for_ever, program};

const MIB: u64 = 1 << 20;

#[test]
fn ram_is_scrubbed_and_segments_are_copied() {
    let contents: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let words = [0, 1, contents.len() as u64 / 8 - 1];
    let mut ops = vec![Op::Check { gpa: DATA, words: (MIB - DATA) / 8, pattern: 0 }];
    for word in words {
        let size = phalanx_arch_api::AccessSize::B8;
        ops.extend([Op::Load { gpa: MIB + 8 * word, size }, Op::MarkA {}]);
    }
    let end = MIB + contents.len() as u64;
    ops.extend([Op::Check { gpa: end, words: (2 * MIB - end) / 8, pattern: 0 }, Op::PowerOff {}]);
    let guest = Guest::new("a", &program(ops)).memory(2 * MIB).contents(MIB, contents);
    let mut run = System::new(1).guest(guest).boot().unwrap();
    assert_eq!(run.run(1_000_000), Verdict::Ended);
    let word = |number: u64| (2 * number) | ((2 * number + 1) << 32);
    assert_eq!(run.told(0), words.map(word));
}

#[test]
fn loading_is_preempted_at_the_end_of_a_slice() {
    // A look at the clock takes a tenth of a slice, so that loading, which looks after each step, needs several.
    let mut neighbour = program([]);
    let again = neighbour.here();
    neighbour.push([Op::Compute { ticks: 100 }, Op::Mark { value: 1 }, Op::Jump { address: again }]);
    let large = Guest::new("large", &program([Op::Mark { value: 2 }, Op::PowerOff {}])).memory(16 * MIB);
    let system = System::new(1).timing(Timing::SlowClock(100));
    let mut run = system.guest(Guest::new("neighbour", &neighbour)).guest(large).boot().unwrap();
    assert_eq!(run.run(60_000), Verdict::TimeIsUp);
    let started = run.marks(1)[0].at;
    assert!(started > 6000, "64 steps take longer than {started} ticks");
    let marks = run.marks(0);
    let gaps = marks.windows(2).filter(|pair| pair[1].at < started).map(|pair| pair[1].at - pair[0].at);
    // A slice of 1000, the step that is under way at its end, and the way to the next vCPU and back.
    let longest = gaps.max().unwrap();
    assert!(longest <= 3000, "the neighbour had to wait for {longest} ticks");
}

#[test]
fn the_first_instruction_is_the_bundle_s() {
    let mut elsewhere = phalanx_sim::Program::at(0x2000);
    elsewhere.push([Op::Mark { value: 7 }, Op::PowerOff {}]);
    let mut run = System::new(1).guest(Guest::new("a", &elsewhere)).boot().unwrap();
    assert_eq!((run.run(100_000), run.told(0)), (Verdict::Ended, vec![7]));
}

#[test]
fn a_guest_that_runs_into_zeroes_is_stopped() {
    let mut run = System::new(1).guest(Guest::new("a", &program([Op::Compute { ticks: 1 }]))).boot().unwrap();
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(run.lines()[1], "phalanx: domain a: stopped: exit 0x0, which this version does not know");
}

#[test]
fn a_guest_outside_of_its_ram_is_stopped() {
    let guest = Guest::new("a", &program([Op::Jump { address: 16 * PAGE }])).ends_on_reboot();
    let mut run = System::new(1).guest(guest).boot().unwrap();
    assert_eq!(run.run(100_000), Verdict::Ended);
    let reason = "its page tables are outside its memory (at guest-physical 0x10000)";
    assert_eq!(run.lines()[1], format!("phalanx: domain a: stopped: {reason}"));
}

#[test]
fn domains_have_no_frame_in_common() {
    let mut first = program([Op::Fill { gpa: DATA, words: 4096, pattern: 1 }]);
    compute_for_ever(&mut first);
    let second = program([
        Op::Compute { ticks: 5000 },
        Op::Check { gpa: DATA, words: 4096, pattern: 0 },
        Op::Fill { gpa: DATA, words: 4096, pattern: 2 },
        Op::PowerOff {},
    ]);
    let mut run = System::new(2).guest(Guest::new("a", &first)).guest(Guest::new("b", &second)).boot().unwrap();
    assert_eq!(run.run(2000), Verdict::TimeIsUp);
    let before = run.hash(0, CODE, 15 * PAGE);
    assert!(before.is_some());
    assert_eq!(run.run(20_000), Verdict::TimeIsUp);
    assert_eq!(run.count_lines("phalanx: domain b: power-off"), 1);
    assert_eq!(run.hash(0, CODE, 15 * PAGE), before);
}
