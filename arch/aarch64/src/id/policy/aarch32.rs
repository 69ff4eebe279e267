//! The registers that describe AArch32, for guests on processors whose EL0 can run it.
//!
//! Where EL0 cannot, they are UNKNOWN, and zero here.

use super::{Field, Policy, These, Whole, by, up_to};
use super::{IdRegister, OneOf};

/// The registers of AArch32. ID_AFR0_EL1 (implementation-defined) and ID_DFR1_EL1 (performance monitors) are hidden.
pub(in crate::id) const AARCH32: &[Policy] = &[
    (IdRegister::Pfr0, These(PFR0)),
    (IdRegister::Pfr1, These(PFR1)),
    (IdRegister::Pfr2, These(PFR2)),
    (IdRegister::Dfr0, These(DFR0)),
    (IdRegister::Mmfr0, Whole),
    (IdRegister::Mmfr1, Whole),
    (IdRegister::Mmfr2, Whole),
    (IdRegister::Mmfr3, Whole),
    (IdRegister::Mmfr4, These(MMFR4)),
    (IdRegister::Mmfr5, These(MMFR5)),
    (IdRegister::Isar0, Whole),
    (IdRegister::Isar1, Whole),
    (IdRegister::Isar2, Whole),
    (IdRegister::Isar3, Whole),
    (IdRegister::Isar4, Whole),
    (IdRegister::Isar5, Whole),
    (IdRegister::Isar6, These(ISAR6)),
    (IdRegister::Mvfr0, Whole),
    (IdRegister::Mvfr1, Whole),
    (IdRegister::Mvfr2, Whole),
];

/// ID_PFR0_EL1. Not: AMU, RAS.
const PFR0: &[Field] = &[
    up_to("State0", 0, 1),
    up_to("State1", 4, 3),
    up_to("State2", 8, 2),
    up_to("State3", 12, 1),
    up_to("CSV2", 16, 1),
    up_to("DIT", 24, 1),
];

/// ID_PFR1_EL1. Not: security, virtualization, the GIC's registers (EL1 has no AArch32 to use them in).
const PFR1: &[Field] = &[up_to("ProgMod", 0, 1), up_to("GenTimer", 16, 1)];

/// ID_PFR2_EL1. Not: RAS.
const PFR2: &[Field] = &[up_to("CSV3", 0, 1), up_to("SSBS", 4, 1)];

/// ID_DFR0_EL1. Not: performance monitors, trace.
const DFR0: &[Field] = &[by(OneOf(&[6, 8]), "CopDbg", 0)];

/// ID_MMFR4_EL1. Not: EVT, stage-2 execute permissions.
const MMFR4: &[Field] = &[
    up_to("SpecSEI", 0, 1),
    up_to("AC2", 4, 1),
    up_to("CnP", 12, 1),
    up_to("HPDS", 16, 2),
    up_to("LSM", 20, 1),
    up_to("CCIDX", 24, 1),
];

/// ID_MMFR5_EL1.
const MMFR5: &[Field] = &[up_to("ETS", 0, 3), up_to("nTLBPA", 4, 1)];

/// ID_ISAR6_EL1.
const ISAR6: &[Field] = &[
    up_to("JSCVT", 0, 1),
    up_to("DP", 4, 1),
    up_to("FHM", 8, 1),
    up_to("SB", 12, 1),
    up_to("SPECRES", 16, 2),
    up_to("BF16", 20, 1),
    up_to("I8MM", 24, 1),
    up_to("CLRBHB", 28, 1),
];
