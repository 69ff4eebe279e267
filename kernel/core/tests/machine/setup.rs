//! Systems that do not fit their machine are refused with a reason.

use phalanx_abi::bundle::{ONLY_GICV2, ONLY_GICV3};
use phalanx_arch_api::table::{Mapping, MemoryType, Permissions};
use phalanx_arch_api::{AccessSize, Gpa, Hpa};
use phalanx_sim::{Guest, Op, Program, System, Traits, Verdict};

use crate::{CODE, program, says};

const MIB: u64 = 1 << 20;

fn refusal(system: System) -> (String, &'static str) {
    let error = system.boot().map(|_| ()).unwrap_err();
    (error.to_string(), error.help())
}

#[test]
fn too_much_memory_is_named_with_what_there_is() {
    let guest = |name, bytes| Guest::new(name, &says("")).memory(bytes);
    let system = System::new(1).memory(8 * MIB).guest(guest("small", MIB)).guest(guest("big", 64 * MIB));
    let (text, help) = refusal(system);
    assert_eq!(text, "domain big cannot be created: it asks for 64 MiB of memory, and 6 MiB are free");
    assert_eq!(help, "lower `memory` in the manifest, or give the machine more (cargo xtask run --memory 1G)");
}

#[test]
fn a_page_too_much_is_visible_in_the_numbers() {
    let system = System::new(1).memory(8 * MIB).guest(Guest::new("a", &says("")).memory(8 * MIB + 4096));
    assert_eq!(refusal(system).0, "domain a cannot be created: it asks for 9 MiB of memory, and 8 MiB are free");
}

#[test]
fn no_memory_for_tables_is_named() {
    let system = System::new(1).memory(MIB).guest(Guest::new("a", &says("")).memory(MIB));
    let (text, help) = refusal(system);
    assert!(text.starts_with("domain a cannot be created: no memory for its page tables ("), "{text}");
    assert!(help.starts_with("lower `memory` in the manifest"), "{help}");
}

#[test]
fn as_many_consoles_as_domains_fit() {
    let guests = (0..64).map(|number| Guest::new(&format!("d{number}"), &says("hello\n")).console());
    let mut run = guests.fold(System::new(4), System::guest).boot().unwrap();
    assert_eq!(run.run(2_000_000), phalanx_sim::Verdict::Ended);
    assert_eq!(run.count_lines("[d63] hello"), 1);
}

#[test]
fn more_vcpus_than_the_interrupt_controller_serves() {
    let traits = Traits { max_vcpus: 8, ..Traits::default() };
    let system = |vcpus| System::new(1).traits(traits).guest(Guest::new("many", &says("")).vcpus(vcpus));
    assert!(system(8).boot().is_ok());
    let (text, help) = refusal(system(9));
    let reason = "it asks for 9 vCPUs, and the interrupt controller of this machine serves 8";
    assert_eq!((text, help), (format!("domain many cannot be created: {reason}"), "lower `vcpus` in the manifest"));
}

#[test]
fn memory_beyond_what_can_be_translated() {
    let (text, _) = refusal(System::new(1).guest(Guest::new("far", &says("")).memory_at(1 << 50, MIB)));
    let reason = "its memory reaches beyond the guest-physical addresses that this processor can translate";
    assert_eq!(text, format!("domain far cannot be created: {reason}"));
}

#[test]
fn every_guest_reaches_the_window() {
    // The window shows the frame that the first domain's RAM begins with.
    let window = Mapping {
        input: Gpa::new(0x801_0000),
        output: Hpa::new(0x100_0000),
        bytes: 4096,
        permissions: Permissions::RW,
        memory_type: MemoryType::Uncached,
    };
    let traits = Traits { window: Some(window), ..Traits::default() };
    let size = AccessSize::B8;
    let reader = program([Op::Load { gpa: 0x801_0000, size }, Op::MarkA {}, Op::PowerOff {}]);
    let writer = program([Op::Store { gpa: 0x801_0000, size, value: 7 }, Op::PowerOff {}]);
    let system = System::new(1).traits(traits).memory(MIB);
    let mut run = system.guest(Guest::new("a", &writer)).guest(Guest::new("b", &reader)).boot().unwrap();
    assert_eq!((run.run(100_000), run.told(1)), (Verdict::Ended, vec![7]));
}

#[test]
fn a_machine_loads_its_alternative() {
    let version = |value| {
        let mut version = Program::at(CODE + 0x100);
        version.push([Op::Mark { value }, Op::PowerOff {}]);
        version
    };
    let start = program([Op::Jump { address: CODE + 0x100 }]);
    for (alternative, told) in [(ONLY_GICV2, 2), (ONLY_GICV3, 3)] {
        let guest = Guest::new("a", &start).alternative(ONLY_GICV2, &version(2)).alternative(ONLY_GICV3, &version(3));
        let traits = Traits { alternative, ..Traits::default() };
        let mut run = System::new(1).traits(traits).guest(guest).boot().unwrap();
        assert_eq!((run.run(100_000), run.told(0)), (Verdict::Ended, vec![told]));
    }
}

#[test]
fn a_vcpu_of_another_architecture_is_refused_with_words() {
    let mut run = System::new(1).guest(Guest::new("a", &says("")).arm()).boot().unwrap();
    assert_eq!(run.run(100_000), Verdict::Ended);
    assert_eq!(run.lines(), ["phalanx: domain a: stopped: its bundle is for machines of another architecture"]);
}
