//! Exits of one CPU while another loads floating-point state.

use core::arch::asm;

use guest_rt::report::{Sweep, check};
use guest_rt::{acpi, apic, cpuid, fpu, smp, start_info};

/// The leaf that names the hypervisor: CPUID exits on every processor.
const HYPERVISOR: u32 = 0x4000_0000;
/// So many loads go before an exit.
const LOADS: u32 = 20;

/// `mode=float-storm`, `rounds=N` (100,000 by default): each CPU loads and exits, loads and exits.
///
/// An emulator that has a thread for each CPU must keep them apart: docs/testing.md, "QEMU's PC on one processor".
pub(crate) fn run() {
    let (own, mut others) = (apic::id(), 0);
    acpi::for_each_cpu(|id| {
        if id != own {
            others += 1;
            check(format_args!("cpu-{id}-starts"), smp::start(id, others, storm), true);
        }
    });
    let mut sweep = Sweep::new("exits-beside-loads");
    let wanted = cpuid::read(HYPERVISOR, 0);
    fpu::enable();
    for round in 0..start_info::value("rounds", 100_000_u64) {
        load();
        sweep.expect(round, cpuid::read(HYPERVISOR, 0), wanted);
    }
    sweep.finish();
}

/// What the other CPUs do until the guest ends.
fn storm(_: usize) {
    fpu::enable();
    loop {
        load();
        cpuid::read(HYPERVISOR, 0);
    }
}

/// Loads the x87 environment [`LOADS`] times.
fn load() {
    let mut environment = [0_u32; 7];
    // SAFETY: 28 bytes are written and read back; no compiled code of the guest uses the x87 unit.
    unsafe {
        asm!(
            "fnstenv [{0}]", "2: fldenv [{0}]", "dec {1:e}", "jnz 2b",
            in(reg) &raw mut environment, inout(reg) LOADS => _,
        );
    }
}
