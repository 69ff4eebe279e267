//! Modes in which the guest ends, or means to hang.

use core::arch::asm;
use guest_arm_rt::paging;
use guest_arm_rt::psci::{self, SUCCESS};
use guest_arm_rt::racy::Racy;
use guest_arm_rt::report::{self, check};
use guest_arm_rt::{clock, cpu, hypercall, power, println, serial, smp, start_info, write_register};

/// An address behind which nothing is.
const NOWHERE: u64 = 0x1000_0000;
/// A page descriptor's lower bits, which are a table's as well: valid, Normal memory, accessed.
const TABLE_AND_PAGE: u64 = 0x707;

#[repr(C, align(4096))]
struct Table([u64; 512]);
static TABLE: Racy<Table> = Racy::new(Table([0; 512]));

/// The modes by name, and how each ends.
const MODES: [(&str, fn()); 13] = [
    ("reset", power::reset),
    ("reset-smc", || call_smc(psci::SYSTEM_RESET)),
    ("off", || power::off()),
    ("off-smc", || call_smc(psci::SYSTEM_OFF)),
    ("cpu-off", cpu_off),
    ("spin", spin),
    ("wfi", || cpu::stop()),
    ("wfe", wfe),
    ("pagetable-self", pagetable_self),
    ("pagetable-unbacked", || load_root(NOWHERE)),
    ("pagetable-device", || load_root(serial::BASE)),
    ("vectors-unbacked", vectors_unbacked),
    ("stack-unbacked", stack_unbacked),
];

/// Runs the mode called `name`; reports a failed check if the guest survives a mode that should end it.
pub(crate) fn run(name: &str) {
    let Some((_, end)) = MODES.iter().find(|(mode, _)| *mode == name) else {
        return report::check("mode", name, "one of the documented");
    };
    println!("# rogue: mode {name}");
    end();
    check("mode", "returned", "ended");
}

fn call_smc(function: u32) {
    if hypercall::on_phalanx() {
        psci::smc([function.into(), 0, 0, 0]);
    } else {
        psci::call(function, [0; 3]);
    }
}

/// Starts all others, which switch themselves off, then does so too: nobody is left.
fn cpu_off() {
    for (index, &affinity) in start_info::cpus().iter().enumerate().skip(1) {
        check(format_args!("cpu-{index}-starts"), smp::start(affinity, index, off), Ok(()));
        let is_off = || psci::call(psci::AFFINITY_INFO_64, [affinity, 0, 0]) == psci::OFF;
        check(format_args!("cpu-{index}-off"), clock::within(1_000_000, is_off), true);
    }
    println!("# rogue: last CPU off");
    off(0);
}

fn off(_: usize) {
    let error = psci::call(psci::CPU_OFF, [0; 3]);
    check("cpu-off", error, SUCCESS);
}

/// A loop with everything masked.
fn spin() {
    // SAFETY: never ends, and touches nothing.
    unsafe { asm!("msr daifset, #15", "2: b 2b", options(noreturn)) }
}

/// WFE for events that nobody sends.
fn wfe() {
    // SAFETY: as above.
    unsafe { asm!("msr daifset, #15", "2: wfe", "b 2b", options(noreturn)) }
}

/// A table whose entries all point at itself: code, vectors and stack are the table.
fn pagetable_self() {
    let root = TABLE.get() as u64;
    // SAFETY: the table is not in use yet.
    unsafe { (*TABLE.get()).0 = [root | TABLE_AND_PAGE; 512] };
    load_root(root);
}

/// Takes the tables away that the guest runs with.
fn load_root(root: u64) {
    // SAFETY: the guest ends here, since its code is not mapped any more.
    unsafe {
        asm!("dsb sy", "msr ttbr0_el1, {}", "isb", "tlbi vmalle1", "dsb sy", "isb", "2: b 2b", in(reg) root, options(noreturn))
    }
}

/// Vectors behind which nothing is, then an exception.
fn vectors_unbacked() {
    let at = paging::window(0, NOWHERE, paging::UNCACHED) as u64;
    // SAFETY: the guest ends here.
    unsafe {
        write_register!("vbar_el1", at);
        asm!("udf #0");
    }
}

/// A handlers' stack behind which nothing is, then an exception: the vector's first store raises the next one.
fn stack_unbacked() {
    let at = paging::window(0, NOWHERE, paging::UNCACHED) as u64;
    // SAFETY: the guest ends here.
    unsafe { asm!("msr spsel, #1", "mov sp, {}", "msr spsel, #0", "udf #0", in(reg) at + 0x800) }
}
