//! Identification registers: stable, coherent, and without what is not virtualised.

use crate::code::{self, Encoding};
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::trap::UNDEFINED;
use guest_arm_rt::{cpu, gic, hypercall, read_register, start_info};

/// A field that has to be zero: CRm, op2, lowest bit, name.
const HIDDEN: [(u32, u32, u32, &str); 24] = [
    (4, 0, 8, "EL2"),
    (4, 0, 12, "EL3"),
    (4, 0, 28, "RAS"),
    (4, 0, 32, "SVE"),
    (4, 0, 36, "SEL2"),
    (4, 0, 40, "MPAM"),
    (4, 0, 44, "AMU"),
    (4, 0, 52, "RME"),
    (4, 1, 8, "MTE"),
    (4, 1, 24, "SME"),
    (4, 1, 36, "NMI"),
    (4, 1, 44, "GCS"),
    (5, 0, 4, "TraceVer"),
    (5, 0, 8, "PMUVer"),
    (5, 0, 32, "PMSVer"),
    (5, 0, 40, "TraceFilt"),
    (5, 0, 44, "TraceBuffer"),
    (5, 0, 52, "BRBE"),
    (7, 0, 56, "FGT"),
    (7, 1, 4, "VMIDBits"),
    (7, 1, 8, "VH"),
    (7, 1, 16, "LO"),
    (7, 2, 24, "NV"),
    (7, 2, 40, "FWB"),
];

const fn id(crm: u32, op2: u32) -> Encoding {
    Encoding(3, 0, 0, crm, op2)
}

pub(crate) fn run() {
    stable();
    affinity();
    if hypercall::on_phalanx() {
        hidden();
    }
    from_el0();
}

/// Every register of the space reads, the same twice, and cannot be written.
fn stable() {
    let mut sweep = Sweep::new("id-stable");
    for (crm, op2) in (1..8).flat_map(|crm| (0..8).map(move |op2| (crm, op2))) {
        let register = id(crm, op2);
        let first = register.read();
        sweep.judge(first.is_ok(), register, format_args!("{first:x?}"));
        sweep.expect(register, register.read(), first);
        for value in [0, u64::MAX] {
            // SAFETY: read-only everywhere.
            sweep.expect(register, unsafe { register.write(value) }, Err(UNDEFINED));
        }
        sweep.expect(register, register.read(), first);
    }
    sweep.finish();
}

/// MPIDR_EL1 is one of the device tree's, and a CPU is in no cluster of threads.
fn affinity() {
    let mut sweep = Sweep::new("id-affinity");
    sweep.judge(start_info::cpus().contains(&cpu::affinity()), "MPIDR", Hex(cpu::affinity()));
    sweep.expect("bit 31", read_register!("mpidr_el1") >> 31 & 1, 1);
    sweep.expect("level", read_register!("currentel"), 1 << 2);
    sweep.finish();
}

fn hidden() {
    let mut sweep = Sweep::new("id-hidden");
    for (crm, op2, low, name) in HIDDEN {
        sweep.expect(name, id(crm, op2).read().map(|value| value >> low & 0xf), Ok(0));
    }
    let pfr0 = read_register!("id_aa64pfr0_el1");
    sweep.expect("EL1 has AArch64 only", pfr0 >> 4 & 0xf, 1);
    sweep.expect("GIC", pfr0 >> 24 & 0xf, u64::from(gic::is_v3()));
    let timers = id(1, 1).read();
    sweep.expect("AArch32 virtualization and security", timers.map(|value| value & 0xf0f0), Ok(0));
    for (crm, op2) in [(4, 5), (5, 1), (5, 4), (5, 5), (7, 3), (7, 4)] {
        sweep.expect(id(crm, op2), id(crm, op2).read(), Ok(0));
    }
    sweep.finish();
}

/// EL0 may not, unless it is offered emulation.
fn from_el0() {
    let mut sweep = Sweep::new("id-el0");
    for (crm, op2) in (0..8).flat_map(|crm| (0..8).map(move |op2| (crm, op2))) {
        // SAFETY: reads a register at most.
        let got = unsafe { code::execute_at_el0(id(crm, op2).mrs(), 0) };
        // ID_AA64MMFR2_EL1.IDS: the exception is a trap's.
        let right = matches!(got, Err(UNDEFINED | guest_arm_rt::trap::SYSTEM_TRAPPED));
        sweep.judge(right, id(crm, op2), format_args!("{got:x?}"));
    }
    sweep.finish();
}
