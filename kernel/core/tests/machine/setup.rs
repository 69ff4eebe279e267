//! Systems that do not fit their machine are refused with a reason.

use phalanx_sim::{Guest, System};

use crate::says;

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
