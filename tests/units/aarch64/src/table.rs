//! The tests by name. `tests.toml` says what each shows and where it runs.

use crate::bench::Bench;
use crate::report::{check, fail};
use crate::world::{identify, pages, switch};
use crate::{cpus, crash, interrupts, list_registers, memory, stage1, stage2, traps};

/// A test: it passes when it returns.
type Test = fn(Bench);

/// Name and function.
pub(crate) const TESTS: &[(&str, Test)] = &[
    ("table", table),
    ("semihosting-failed", failed),
    ("memory-copy", memory::copy),
    ("memory-overlap", memory::overlap),
    ("memory-set", memory::zero),
    ("memory-order", memory::order),
    ("stage1-image", stage1::image),
    ("stage1-holes", stage1::holes),
    ("stage1-ram", stage1::ram),
    ("stage1-devices", stage1::devices),
    ("crash-text-write", crash::text_write),
    ("crash-constant-write", crash::constant_write),
    ("crash-data-execute", crash::data_execute),
    ("crash-null-read", crash::null_read),
    ("crash-undefined", crash::undefined),
    ("crash-stack", crash::stack),
    ("crash-panic", crash::panic),
    ("crash-other-cpu", crash::other_cpu),
    ("stage2-walk", stage2::walk),
    ("stage2-edges", stage2::edges),
    ("stage2-split", stage2::split),
    ("stage2-replace", stage2::replace),
    ("stage2-protect", stage2::protect),
    ("stage2-vmid", stage2::vmid),
    ("lr-round-trip", list_registers::round_trip),
    ("lr-ended", list_registers::ended),
    ("lr-interface", list_registers::interface),
    ("lr-guest", list_registers::guest),
    ("irq-kick-self", interrupts::kick_self),
    ("irq-wake", interrupts::wake),
    ("irq-hypervisor-timer", interrupts::hypervisor_timer),
    ("irq-virtual-timer", interrupts::virtual_timer),
    ("irq-active-state", interrupts::active_state),
    ("irq-maintenance", interrupts::maintenance),
    ("traps-whole", traps::whole),
    ("world-registers", switch::registers),
    ("world-turns", switch::turns),
    ("world-keys", switch::keys),
    ("world-fresh", switch::fresh),
    ("world-again", switch::again),
    ("world-domains", pages::domains),
    ("world-remap", pages::remap),
    ("world-forbidden", pages::forbidden),
    ("world-access", pages::access),
    ("world-identify", identify::all),
    ("cpus-start", cpus::start),
];

/// Every test of the table is in `tests.toml`, and nothing else.
fn table(_: Bench) {
    let listed = || {
        let lines = include_str!("../tests.toml").lines();
        lines.filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
    };
    for name in listed() {
        check(name, TESTS.iter().filter(|(known, _)| *known == name).count(), 1);
    }
    for (name, _) in TESTS {
        check(name, listed().filter(|listed| listed == name).count(), 1);
    }
}

/// A failure is told to the emulator: this one is wanted.
fn failed(_: Bench) {
    fail("on purpose")
}
