//! The registers that decide what of a guest's doings is trapped: what was written is there, whole.

use phalanx_arch_aarch64::arm::Cpu;
use phalanx_arch_aarch64::host::vhe;
use phalanx_arch_aarch64::stage2;

use crate::asm::{mrs, msr};
use crate::bench::Bench;
use crate::report::check;

/// A field of an identification register.
fn field(value: u64, low: u32) -> u64 {
    value >> low & 0xf
}

fn bits(numbers: &[u32]) -> u64 {
    numbers.iter().fold(0, |value, number| value | 1 << number)
}

/// Firmware's leftovers in every register are gone.
pub(crate) fn whole(bench: Bench) {
    msr!("hstr_el2", u64::MAX);
    msr!("mdcr_el2", 0x7fff & !(1 << 8));
    msr!("vpidr_el2", 0x1234);
    let has_error_records = field(mrs!("id_aa64pfr0_el1"), 28) != 0;
    if has_error_records {
        msr!("S3_4_C12_C1_1", 1 << 31);
        msr!("S3_4_C5_C2_3", 1 << 24);
    }
    let _cpu = Cpu::enable(bench.cpu, vhe());
    check("HCR_EL2", mrs!("hcr_el2"), hcr());
    check("CPTR_EL2", mrs!("cptr_el2") & cptr_mask(), cptr() & cptr_mask());
    check("CNTHCTL_EL2", mrs!("cnthctl_el2") & 0xc03, bits(if vhe() { &[10] } else { &[0] }));
    check("HSTR_EL2", mrs!("hstr_el2"), 0);
    check("VPIDR_EL2", mrs!("vpidr_el2"), mrs!("midr_el1"));
    check("VTCR_EL2", mrs!("vtcr_el2"), stage2::vtcr());
    // TPMCR, TPM, TDRA, TDOSA, TDA; the number of counters, all of them a guest's had they not been trapped.
    let counters = mrs!("pmcr_el0") >> 11 & 0x1f;
    check("MDCR_EL2", mrs!("mdcr_el2") & 0xfff, bits(&[5, 6, 9, 10, 11]) | counters);
    if has_error_records {
        check("VDISR_EL2, VSESR_EL2", [mrs!("S3_4_C12_C1_1"), mrs!("S3_4_C5_C2_3")], [0; 2]);
    }
    extensions();
}

/// VM, SWIO, PTW, FMO, IMO, AMO, FB, BSU = 1, TWI, TID1, TID3, TSC, TIDCP, TACR, TSW, RW; what else the processor knows: E2H, TLOR, TERR,
/// APK, API, FWB.
fn hcr() -> u64 {
    let (pfr0, isar1) = (mrs!("id_aa64pfr0_el1"), mrs!("id_aa64isar1_el1"));
    let (mmfr1, mmfr2) = (mrs!("id_aa64mmfr1_el1"), mrs!("id_aa64mmfr2_el1"));
    let always = bits(&[0, 1, 2, 3, 4, 5, 9, 10, 13, 16, 18, 19, 20, 21, 22, 31]);
    let mut value = always;
    for (present, numbers) in [
        (vhe(), &[34][..]),
        (field(mmfr1, 16) != 0, &[35]),
        (field(pfr0, 28) != 0, &[36]),
        (field(isar1, 4) | field(isar1, 8) != 0, &[40, 41]),
        (field(mmfr2, 40) != 0, &[46]),
    ] {
        value |= if present { bits(numbers) } else { 0 };
    }
    value
}

/// With VHE: FPEN = 3; TTA; ZEN, SMEN = 0. Without: TFP = 0, TZ, TTA.
fn cptr() -> u64 {
    if vhe() { 3 << 20 | 1 << 28 } else { bits(&[8, 20]) }
}

/// The bits above that this processor has.
fn cptr_mask() -> u64 {
    let (sve, trace) = (field(mrs!("id_aa64pfr0_el1"), 32) != 0, field(mrs!("id_aa64dfr0_el1"), 4) != 0);
    let sve = match (sve, vhe()) {
        (false, _) => 0,
        (true, true) => 3 << 16,
        (true, false) => 1 << 8,
    };
    let (fp, tta) = if vhe() { (3 << 20, 28) } else { (1 << 10, 20) };
    fp | sve | if trace { 1 << tta } else { 0 }
}

/// HCRX_EL2 and the fine-grained traps, where the processor has them.
fn extensions() {
    if field(mrs!("id_aa64mmfr1_el1"), 40) != 0 {
        let copies = field(mrs!("S3_0_C0_C6_2"), 16) != 0;
        check("HCRX_EL2", mrs!("S3_4_C1_C2_2"), if copies { 1 << 11 } else { 0 });
    }
    if field(mrs!("id_aa64mmfr0_el1"), 56) != 0 {
        check("HFGRTR_EL2", mrs!("S3_4_C1_C1_4"), 0);
        check("HFGWTR_EL2", mrs!("S3_4_C1_C1_5"), 0);
        check("HFGITR_EL2", mrs!("S3_4_C1_C1_6"), 0);
        check("HDFGRTR_EL2", mrs!("S3_4_C3_C1_4"), 0);
        check("HDFGWTR_EL2", mrs!("S3_4_C3_C1_5"), 0);
    }
}
