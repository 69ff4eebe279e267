//! Function numbers of SMCCC (Arm DEN 0028): what exists is coherent, everything else is NOT_SUPPORTED.

use guest_arm_rt::hypercall;
use guest_arm_rt::psci::{self, NOT_SUPPORTED, hvc, smc};
use guest_arm_rt::report::{Hex, Sweep};

/// Owners of numbers: architecture, processor maker, board maker, secure services, hypervisor services, vendor of the
/// hypervisor, applications, trusted OS.
const OWNERS: u32 = 64;
/// Numbers inside an owner that are tried: the first ones, and the general queries with their neighbours.
const NUMBERS: [u32; 14] = [0, 1, 2, 3, 4, 0x1f, 0x20, 0x100, 0x7fff, 0xfeff, 0xff00, 0xff01, 0xff03, 0xffff];
const SECURE_SERVICES: u32 = 4;
const HYPERVISOR_SERVICES: u32 = 5;
const HYPERVISOR_VENDOR: u32 = 6;
/// Who the vendor of the hypervisor is.
const VENDOR: u32 = 0x8600_ff01;
/// The UUID of Phalanx, 5e2c41d3-9b70-4f86-a1d8-07f6c39e5ab4, the first byte in the lowest bits of X0.
const UUID: [u64; 4] = [0xd341_2c5e, 0x864f_709b, 0xf607_d8a1, 0xb45a_9ec3];
/// Version 1.1.
const SMCCC_1_1: i64 = 0x1_0001;
/// ARCH_SOC_ID, and the workarounds 1 to 3 and 4.
const ARCHITECTURE: [u32; 5] = [0x8000_0002, 0x8000_8000, 0x8000_7fff, 0x8000_3fff, 0x8000_0004];

pub(crate) fn run() {
    if !hypercall::on_phalanx() {
        return;
    }
    unknown();
    architecture();
    junk();
}

/// Whether a function may exist: PSCI has its own group, the general queries of hypervisor owners may be answered.
fn may_exist(owner: u32, number: u32) -> bool {
    match owner {
        0 => number <= 4 || number >= 0x3fff,
        // PSCI 0 to 0x1f, TRNG 0x50 to 0x5f.
        SECURE_SERVICES => number <= 0x5f || number >= 0xff00,
        HYPERVISOR_SERVICES | HYPERVISOR_VENDOR => number >= 0xff00,
        _ => false,
    }
}

fn unknown() {
    let mut sweep = Sweep::new("smccc-unknown");
    for shape in [0x8000_0000, 0xc000_0000, 0, 0x4000_0000] {
        for (owner, number) in (0..OWNERS).flat_map(|owner| NUMBERS.map(|number| (owner, number))) {
            if shape >> 31 == 1 && may_exist(owner, number) {
                continue;
            }
            let function = shape | owner << 24 | number;
            for (name, call) in [("hvc", hvc as fn([u64; 4]) -> [u64; 4]), ("smc", smc)] {
                let [got, ..] = call([function.into(), 0, 0, 0]);
                sweep.expect(format_args!("{name} {function:#x}"), got as i64, NOT_SUPPORTED);
            }
        }
    }
    // Reserved bits 16 to 23 of a fast call have to be zero; a later convention gives bit 16 a meaning.
    for bits in [0x2, 0x40, 0x80, 0xfe] {
        let function = psci::VERSION | bits << 16;
        sweep.expect(Hex(function.into()), hvc([function.into(), 0, 0, 0])[0] as i64, NOT_SUPPORTED);
    }
    sweep.finish();
}

fn architecture() {
    let mut sweep = Sweep::new("smccc-architecture");
    sweep.expect("vendor", hvc([VENDOR.into(), 0, 0, 0]), UUID);
    let version = psci::call(psci::SMCCC_VERSION, [0; 3]);
    sweep.judge(version >= SMCCC_1_1, "version", Hex(version as u64));
    sweep.expect("PSCI knows it", psci::call(psci::FEATURES, [psci::SMCCC_VERSION.into(), 0, 0]), 0);
    let features = |function: u64| psci::call(psci::SMCCC_ARCH_FEATURES, [function, 0, 0]);
    for function in [psci::SMCCC_VERSION, psci::SMCCC_ARCH_FEATURES] {
        sweep.judge(features(function.into()) >= 0, Hex(function.into()), "not a feature of itself");
    }
    for function in ARCHITECTURE {
        // Not offered, or offered and callable.
        let offered = features(function.into()) >= 0;
        let answer = psci::call(function, [0; 3]);
        sweep.judge(offered || answer == NOT_SUPPORTED, Hex(function.into()), format_args!("{offered} {answer}"));
    }
    for junk in [0, 1, 0x8000_1234, 0xffff_ffff, u64::MAX, 1 << 63] {
        sweep.expect(Hex(junk), features(junk), NOT_SUPPORTED);
    }
    sweep.finish();
}

/// Numbers are 32 bits: what is above them is no other function, and no known one by accident of arguments.
fn junk() {
    let mut sweep = Sweep::new("smccc-junk");
    for number in [u64::MAX, 1 << 63, 0xffff_ffff, 0xdead_beef_dead_beef, 0x7fff_ffff] {
        for call in [hvc, smc] {
            let [got, ..] = call([number, number, number, number]);
            sweep.expect(Hex(number), got as u32, NOT_SUPPORTED as u32);
        }
    }
    sweep.finish();
}
