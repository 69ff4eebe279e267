//! What of a guest's doings comes to EL2: every control register of the traps, set whole on each CPU.
//!
//! Arm ARM, D24.2 (register descriptions); the values hold for all guests and never change after boot.

use crate::register::{isb, mrs, msr};
use crate::{debug_unit, keys, stage2};

/// HCR_EL2 (Arm ARM, D24.2.53).
mod hcr {
    /// Stage 2 is on.
    pub(super) const VM: u64 = 1 << 0;
    /// Set/way invalidation also cleans.
    pub(super) const SWIO: u64 = 1 << 1;
    /// A table walk that reaches device memory faults.
    pub(super) const PTW: u64 = 1 << 2;
    /// Physical FIQ, IRQ and SError come here, virtual ones are on.
    pub(super) const FMO_IMO_AMO: u64 = 7 << 3;
    /// TLB and cache maintenance of a guest reaches the inner shareable domain: it may move between CPUs.
    pub(super) const FB: u64 = 1 << 9;
    /// Its barriers too.
    pub(super) const BSU_INNER: u64 = 1 << 10;
    /// WFI.
    pub(super) const TWI: u64 = 1 << 13;
    /// Identification registers, group 1: REVIDR, AIDR, SMIDR.
    pub(super) const TID1: u64 = 1 << 16;
    /// Identification registers, group 3.
    pub(super) const TID3: u64 = 1 << 18;
    /// SMC.
    pub(super) const TSC: u64 = 1 << 19;
    /// Implementation-defined registers.
    pub(super) const TIDCP: u64 = 1 << 20;
    /// ACTLR_EL1.
    pub(super) const TACR: u64 = 1 << 21;
    /// Cache maintenance by set and way.
    pub(super) const TSW: u64 = 1 << 22;
    /// EL1 is AArch64.
    pub(super) const RW: u64 = 1 << 31;
    /// LORegions.
    pub(super) const TLOR: u64 = 1 << 35;
    /// Error records.
    pub(super) const TERR: u64 = 1 << 36;
    /// Pointer authentication instructions and keys are the guest's.
    pub(super) const API_APK: u64 = 3 << 40;
    /// RAM is write-back for every guest.
    pub(super) const FWB: u64 = 1 << 46;
    /// VHE.
    pub(super) const E2H: u64 = 1 << 34;
}

/// CPTR_EL2 without VHE: RES1 bits, and traps of trace (TTA), activity monitors (TAM), SVE (TZ) and SME (TSM).
const CPTR: u64 = 0x33ff | 1 << 20 | 1 << 30;
/// CPTR_EL2 with VHE: FP and SIMD are free (FPEN); SVE and SME trap (ZEN, SMEN = 0), trace (TTA), activity monitors (TAM).
const CPTR_VHE: u64 = 3 << 20 | 1 << 28 | 1 << 30;

/// MDCR_EL2: performance monitors (TPM, TPMCR), debug registers (TDA, TDOSA, TDRA), profiling (TPMS, E2PB = 0),
/// trace filter and buffer (TTRF, E2TB = 0). Debug exceptions of the guest stay its own (TDE = 0).
const MDCR: u64 = 1 << 6 | 1 << 5 | 7 << 9 | 1 << 14 | 1 << 19;
/// PMCR_EL0.N: the number of counters, which is the value of MDCR_EL2.HPMN that every processor allows.
const PMCR_N_SHIFT: u32 = 11;

/// CNTHCTL_EL2: the physical counter is free (EL1PCTEN), the physical timer traps (EL1PCEN = 0).
const CNTHCTL: u64 = 1 << 0;
/// The same with VHE, where the two bits lie higher.
const CNTHCTL_VHE: u64 = 1 << 10;

/// HCRX_EL2.MSCEn: memory copy and set instructions are the guest's.
const MSCEN: u64 = 1 << 11;

/// MPAM2_EL2: a guest's accesses to its partition numbers trap (TRAPMPAM1EL1, TRAPMPAM0EL1).
const TRAP_MPAM: u64 = 3 << 48;

/// Sets every trap of this CPU.
pub fn install(vhe: bool) {
    forget_guests();
    msr!("HCR_EL2", hypervisor_configuration(vhe));
    msr!("CPTR_EL2", if vhe { CPTR_VHE } else { CPTR });
    msr!("MDCR_EL2", MDCR | counters());
    msr!("CNTHCTL_EL2", if vhe { CNTHCTL_VHE } else { CNTHCTL });
    msr!("HSTR_EL2", 0);
    msr!("VPIDR_EL2", mrs!("MIDR_EL1"));
    install_extensions();
    debug_unit::open();
    isb();
}

/// The registers that only newer processors have.
fn install_extensions() {
    let (mmfr0, mmfr1) = (mrs!("ID_AA64MMFR0_EL1"), mrs!("ID_AA64MMFR1_EL1"));
    if mmfr1 >> 40 & 0xf != 0 {
        let copies = mrs!("S3_0_C0_C6_2") >> 16 & 0xf != 0;
        msr!("S3_4_C1_C2_2", if copies { MSCEN } else { 0 });
    }
    if has_error_records() {
        forget_deferred_errors();
    }
    if mmfr0 >> 56 & 0xf != 0 {
        // Fine-grained traps, HFGRTR, HFGWTR, HFGITR, HDFGRTR and HDFGWTR: 0 leaves what older processors have alone, and
        // traps what came later (the bits whose names begin with n: TPIDR2, SMPRI, permission indirection, GCS).
        msr!("S3_4_C1_C1_4", 0);
        msr!("S3_4_C1_C1_5", 0);
        msr!("S3_4_C1_C1_6", 0);
        msr!("S3_4_C3_C1_4", 0);
        msr!("S3_4_C3_C1_5", 0);
    }
    if mmfr0 >> 56 & 0xf > 1 {
        // The same for FEAT_FGT2: HFGRTR2, HFGWTR2, HFGITR2, HDFGRTR2, HDFGWTR2.
        msr!("S3_4_C3_C1_2", 0);
        msr!("S3_4_C3_C1_3", 0);
        msr!("S3_4_C3_C1_7", 0);
        msr!("S3_4_C3_C1_0", 0);
        msr!("S3_4_C3_C1_1", 0);
    }
    if has_partitioning() {
        msr!("S3_4_C10_C5_0", TRAP_MPAM);
    }
}

/// FEAT_MPAM: ID_AA64PFR0_EL1.MPAM, ID_AA64PFR1_EL1.MPAM_frac.
fn has_partitioning() -> bool {
    mrs!("ID_AA64PFR0_EL1") >> 40 & 0xf != 0 || mrs!("ID_AA64PFR1_EL1") >> 16 & 0xf != 0
}

/// No VMID is in use yet, but a boot loader or an earlier hypervisor may have left translations under any.
fn forget_guests() {
    msr!("VTCR_EL2", stage2::vtcr());
    msr!("VTTBR_EL2", 0);
    isb();
    // SAFETY: invalidates what the processor would look up again; no guest has run on this CPU.
    unsafe { core::arch::asm!("tlbi alle1", "dsb nsh", "isb", options(nostack, preserves_flags)) };
}

/// FEAT_RAS: ID_AA64PFR0_EL1.RAS.
pub(crate) fn has_error_records() -> bool {
    mrs!("ID_AA64PFR0_EL1") >> 28 & 0xf != 0
}

/// Zeroes VDISR_EL2, which a guest reaches as DISR_EL1 (no trap stops it), and VSESR_EL2. No guest is ever sent a virtual
/// SError, so there is nothing in them to keep.
pub(crate) fn forget_deferred_errors() {
    msr!("S3_4_C12_C1_1", 0);
    msr!("S3_4_C5_C2_3", 0);
}

fn hypervisor_configuration(vhe: bool) -> u64 {
    let both = hcr::VM
        | hcr::SWIO
        | hcr::PTW
        | hcr::FMO_IMO_AMO
        | hcr::FB
        | hcr::BSU_INNER
        | hcr::TWI
        | hcr::TID1
        | hcr::TID3
        | hcr::TSC
        | hcr::TIDCP
        | hcr::TACR
        | hcr::TSW
        | hcr::RW
        | hcr::TLOR
        | hcr::TERR;
    let when = |condition, bits| if condition { bits } else { 0 };
    both | when(vhe, hcr::E2H) | when(keys::present(), hcr::API_APK) | when(stage2::forces_write_back(), hcr::FWB)
}

/// MDCR_EL2.HPMN from PMCR_EL0.N, where there are performance monitors.
fn counters() -> u64 {
    match mrs!("ID_AA64DFR0_EL1") >> 8 & 0xf {
        0 | 0xf => 0,
        _ => mrs!("PMCR_EL0") >> PMCR_N_SHIFT & 0x1f,
    }
}
