use super::*;
use proptest::prelude::*;

extern crate std;
use std::vec::Vec;

fn parse(machine: Machine, text: &str) -> (Options<'_>, Vec<OptionError<'_>>) {
    let mut errors = Vec::new();
    let options = Options::parse_for(machine, text, |error| errors.push(error));
    (options, errors)
}

fn options_of(console: Console, exit: Exit) -> Options<'static> {
    Options { console, exit, ..Options::default() }
}

fn bad<'a>(word: &'a str, expected: &'static str) -> OptionError<'a> {
    OptionError::BadValue { word, expected }
}

#[test]
fn a_pc_understands_its_words() {
    let (options, errors) = parse(Machine::Pc, " console=com1  exit=isa:0xf4 ");
    assert_eq!(options, options_of(Console::Com1, Exit::IsaDebug { port: 0xf4 }));
    assert_eq!(errors, []);
    assert_eq!(parse(Machine::Pc, "exit=bochs").0.exit, Exit::Bochs);
    assert_eq!(parse(Machine::Pc, "").0, options_of(Console::Com1, Exit::Halt));
}

#[test]
fn switches_are_on_or_off() {
    assert!(parse(Machine::Pc, "apicv=off").0.software_apic);
    assert!(!parse(Machine::Pc, "apicv=off apicv=on").0.software_apic);
    assert_eq!(parse(Machine::Pc, "apicv=no").1, [bad("apicv=no", "apicv=on` or `apicv=off")]);
    assert_eq!(parse(Machine::Arm, "apicv=off").1, [OptionError::Unknown("apicv=off")]);
    assert!(parse(Machine::Arm, "counters=on").0.counters && !parse(Machine::Pc, "").0.counters);
}

#[test]
fn an_arm_machine_understands_its_words() {
    let (options, errors) = parse(Machine::Arm, "exit=psci console=dtb exit=semihosting");
    assert_eq!((options, errors), (options_of(Console::DeviceTree, Exit::Semihosting), Vec::new()));
    assert_eq!(parse(Machine::Arm, "exit=psci").0.exit, Exit::Psci);
    assert_eq!(parse(Machine::Arm, "").0, options_of(Console::DeviceTree, Exit::Halt));
}

#[test]
fn a_pc_records_effects() {
    let (options, errors) = parse(Machine::Pc, "effects=differ effects-plant=12 effects-plant=x");
    assert_eq!((options.effects, options.effects_plant), (Some("differ"), Some(12)));
    assert_eq!(errors, [bad("effects-plant=x", "effects-plant=STEP")]);
    let (options, errors) = parse(Machine::Arm, "effects=differ");
    assert_eq!((options.effects, errors.as_slice()), (None, [OptionError::Unknown("effects=differ")].as_slice()));
}

#[test]
fn mistakes_are_reported_and_change_nothing() {
    let (options, errors) = parse(Machine::Pc, "quiet exit=isa:0x12345 console=dtb exit=isa:f4");
    assert_eq!(options, options_of(Console::Com1, Exit::Halt));
    let expected = [
        OptionError::Unknown("quiet"),
        bad("exit=isa:0x12345", "exit=isa:0xf4` or `exit=bochs"),
        bad("console=dtb", "console=com1"),
        bad("exit=isa:f4", "exit=isa:0xf4` or `exit=bochs"),
    ];
    assert_eq!(errors, expected);
    let (options, errors) = parse(Machine::Arm, "exit=isa:0xf4 exit=bochs console=com1");
    assert_eq!(options, options_of(Console::DeviceTree, Exit::Halt));
    let expected = [
        bad("exit=isa:0xf4", "exit=semihosting` or `exit=psci"),
        bad("exit=bochs", "exit=semihosting` or `exit=psci"),
        bad("console=com1", "console=dtb"),
    ];
    assert_eq!(errors, expected);
}

proptest! {
    #[test]
    fn any_text_parses(text in ".{0,200}") {
        for machine in [Machine::Pc, Machine::Arm] {
            let (_, errors) = parse(machine, &text);
            prop_assert!(errors.len() <= text.split_ascii_whitespace().count());
        }
    }
}
