//! Output: several domains on one line.

use phalanx_sim::{COM1, Guest, Op, Program, System, Verdict, for_seeds};

use crate::{CODE, says};

#[test]
fn one_console_is_passed_on_untouched() {
    let mut run = System::new(1).guest(Guest::new("a", &says("one\r\ntwo\r\n")).console()).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    assert!(run.lines()[0].starts_with("phalanx: domain a: started after "));
    assert_eq!(run.lines()[1..], ["one", "two", "phalanx: domain a: power-off"]);
}

#[test]
fn a_domain_without_console_is_silent() {
    let mut run = System::new(1).guest(Guest::new("a", &says("secret\r\n"))).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    assert_eq!(run.lines()[1..], ["phalanx: domain a: power-off"]);
}

#[test]
fn lines_of_several_domains_stand_whole() {
    // Each prints lines of its own letter, slowly enough to be preempted within them.
    let chatter = |name: &str| {
        let mut program = Program::at(CODE);
        for line in 0..12 {
            program.say(COM1, &name.repeat(10)).push([Op::Compute { ticks: 30 * line }]);
            program.say(COM1, &format!("{}\r\n", name.repeat(10)));
        }
        program.push([Op::PowerOff {}]);
        Guest::new(name, &program).console().memory(64 * 4096)
    };
    for_seeds(0..20, |seed| {
        let system = System::new(1 + (seed % 3) as u16).seed(seed);
        let mut run = system.guest(chatter("a")).guest(chatter("b")).guest(chatter("c")).boot().unwrap();
        assert_eq!(run.run(1_000_000), Verdict::Ended);
        for name in ["a", "b", "c"] {
            let whole = format!("[{name}] {}", name.repeat(20));
            // The focus's line stands there twice if it is interrupted after its last letter.
            let count = run.count_lines(&whole);
            assert!(count == 12 || name == "a" && count > 12, "{:#?}", run.lines());
        }
        let part_of_the_focus = |line: &String| line.starts_with("[a] ") && line.len() <= 24;
        let whole = |line: &String| line.len() == 24 && line.starts_with('[') || line.starts_with("phalanx: ");
        assert!(run.lines().iter().all(|line| whole(line) || part_of_the_focus(line)), "{:#?}", run.lines());
    });
}

#[test]
fn a_note_does_not_tear_a_line() {
    let mut slow = Program::at(CODE);
    slow.say(COM1, "half").push([Op::Compute { ticks: 3000 }]).say(COM1, " and half\r\n").push([Op::PowerOff {}]);
    let system = System::new(2).guest(Guest::new("slow", &slow).console());
    let mut run = system.guest(Guest::new("quick", &says("x\r\n")).console()).boot().unwrap();
    assert_eq!(run.run(20_000), Verdict::Ended);
    assert_eq!(run.count_lines("phalanx: domain quick: power-off"), 1);
    assert_eq!(run.count_lines("[slow] half and half"), 1, "{:#?}", run.lines());
}
