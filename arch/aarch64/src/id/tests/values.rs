//! What guests of known processors see.

use super::hosts::{CORTEX_A53, CORTEX_A72, Host, MAX, NEOVERSE_N1};
use crate::gic::Version;
use crate::id::{IdRegister, IdRegisters, View};
use crate::sysreg::DebugFeatures;

fn guest(host: &Host, address_bits: u32, gic: Version) -> impl Fn(IdRegister) -> u64 + use<> {
    let registers = IdRegisters::of_view(host, View { address_bits, gic });
    move |register| registers.read(register.encoding()).unwrap()
}

#[test]
fn cortex_a53() {
    let guest = guest(&CORTEX_A53, 39, Version::V2);
    assert_eq!(guest(IdRegister::Midr), 0x410f_d034);
    // EL0 has AArch32, EL1 has not, EL2 and EL3 are not there.
    assert_eq!(guest(IdRegister::Aa64Pfr0), 0x12);
    // No performance monitors.
    assert_eq!(guest(IdRegister::Aa64Dfr0), 0x1030_5006);
    assert_eq!(guest(IdRegister::Aa64Isar0), 0x1_1120);
    // Guest-physical addresses of 39 bits: 36 is the largest size below.
    assert_eq!(guest(IdRegister::Aa64Mmfr0), 0x121);
    assert_eq!(guest(IdRegister::Pfr1), 0x1_0001);
    assert_eq!(guest(IdRegister::Dfr0), 6);
    assert_eq!(guest(IdRegister::Isar5), 0x1_1121);
}

#[test]
fn cortex_a72_with_either_controller() {
    assert_eq!(guest(&CORTEX_A72, 44, Version::V3)(IdRegister::Aa64Pfr0), 0x0100_0012);
    assert_eq!(guest(&CORTEX_A72, 44, Version::V2)(IdRegister::Aa64Pfr0), 0x12);
    assert_eq!(guest(&CORTEX_A72, 44, Version::V3)(IdRegister::Aa64Mmfr0), 0x124);
}

#[test]
fn neoverse_n1() {
    let guest = guest(&NEOVERSE_N1, 48, Version::V3);
    assert_eq!(guest(IdRegister::Aa64Pfr0), 0x1100_0000_0111_0012);
    assert_eq!(guest(IdRegister::Aa64Pfr1), 0x20);
    assert_eq!(guest(IdRegister::Aa64Dfr0), 0x0000_0000_1030_5008);
    assert_eq!(guest(IdRegister::Aa64Isar0), 0x0000_1000_1021_1120);
    assert_eq!(guest(IdRegister::Aa64Isar1), 0x0010_0001);
    assert_eq!(guest(IdRegister::Aa64Mmfr0), 0x0010_0125);
    assert_eq!(guest(IdRegister::Aa64Mmfr1), 0x0020_2002);
    assert_eq!(guest(IdRegister::Aa64Mmfr2), 0x0000_0000_0000_0011);
}

#[test]
fn max() {
    let guest = guest(&MAX, 48, Version::V3);
    // No SVE, RAS, MPAM, AMU, RME; CSV2 without its registers.
    assert_eq!(guest(IdRegister::Aa64Pfr0), 0x1101_0000_0111_0012);
    // No MTE, SME, NMI, GCS.
    assert_eq!(guest(IdRegister::Aa64Pfr1), 0x21);
    // No trace, monitors, profiling; no double lock either.
    assert_eq!(guest(IdRegister::Aa64Dfr0), 0x0000_00f0_1030_5008);
    assert_eq!(guest(IdRegister::Aa64Isar0), 0x1221_1111_1021_2120);
    // No LS64; pointer authentication stays.
    assert_eq!(guest(IdRegister::Aa64Isar1), 0x0111_2211_0131_1052);
    // No WFxT.
    assert_eq!(guest(IdRegister::Aa64Isar2), 0x0010_0000_0011_0010);
    // 48 bits, ASIDs of 16, all granules without 52 bits; no FGT, no ECV.
    assert_eq!(guest(IdRegister::Aa64Mmfr0), 0x0000_1000_0010_0125);
    // No VMIDs, VHE, LORegions, HCRX.
    assert_eq!(guest(IdRegister::Aa64Mmfr1), 0x0110_1020_0030_2002);
    // No IESB, nested virtualization, FWB, BBM, EVT.
    assert_eq!(guest(IdRegister::Aa64Mmfr2), 0x1001_0011_1011_0011);
}

#[test]
fn debug_features() {
    let of = |host: &Host| IdRegisters::of_view(host, View { address_bits: 48, gic: Version::V3 }).debug();
    assert_eq!(of(&CORTEX_A53), DebugFeatures { breakpoints: 6, watchpoints: 4, double_lock: true });
    assert_eq!(of(&MAX), DebugFeatures { breakpoints: 6, watchpoints: 4, double_lock: false });
}

#[test]
fn aarch32_is_hidden_where_el0_has_none() {
    let mut values = [u64::MAX; 32];
    let pfr0 = IdRegister::ALL.iter().position(|register| *register == IdRegister::Aa64Pfr0).unwrap();
    values[pfr0] = 0x1111;
    let guest = guest(&Host::of(&values), 48, Version::V2);
    assert_eq!(guest(IdRegister::Aa64Pfr0), 0x11);
    assert_eq!(guest(IdRegister::Isar0), 0);
    assert_eq!(guest(IdRegister::Mvfr0), 0);
}
