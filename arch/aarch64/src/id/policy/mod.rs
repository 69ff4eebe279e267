//! The policy: which features of the host's processor a guest sees, and up to which value.
//!
//! Fields and values: Arm ARM, D24.2, the register of that name. A feature that a hidden one is needed for is hidden
//! too.

mod aarch32;
mod features;
mod memory;

use super::IdRegister;
use super::rule::Rule::{AsHost, GicRegisters, OneOf};
use super::rule::{Field, Fields, by, signed_up_to, up_to};
use Fields::{These, Whole};

pub(super) use aarch32::AARCH32;

/// A register and what passes of it.
pub(super) type Policy = (IdRegister, Fields);

/// ID_AA64PFR0_EL1.EL0: AArch32 is possible there. EL1 has AArch64 only.
pub(super) const EL0_AARCH32: u8 = 2;
pub(super) const PFR0_EL0: Field = up_to("EL0", 0, EL0_AARCH32);
pub(super) const PFR0_GIC: Field = by(GicRegisters, "GIC", 24);
/// Breakpoints and watchpoints, less one.
pub(super) const DFR0_BREAKPOINTS: Field = by(AsHost, "BRPs", 12);
pub(super) const DFR0_WATCHPOINTS: Field = by(AsHost, "WRPs", 20);
pub(super) const DFR0_DOUBLE_LOCK: Field = signed_up_to("DoubleLock", 36, 0);

/// The registers of AArch64. MPIDR_EL1 is not among them: the processor answers it from VMPIDR_EL2.
pub(super) const AARCH64: &[Policy] = &[
    (IdRegister::Midr, Whole),
    (IdRegister::Revidr, Whole),
    (IdRegister::Aa64Pfr0, These(PFR0)),
    (IdRegister::Aa64Pfr1, These(PFR1)),
    (IdRegister::Aa64Dfr0, These(DFR0)),
    (IdRegister::Aa64Isar0, These(features::ISAR0)),
    (IdRegister::Aa64Isar1, These(features::ISAR1)),
    (IdRegister::Aa64Isar2, These(features::ISAR2)),
    (IdRegister::Aa64Mmfr0, These(memory::MMFR0)),
    (IdRegister::Aa64Mmfr1, These(memory::MMFR1)),
    (IdRegister::Aa64Mmfr2, These(memory::MMFR2)),
];

/// ID_AA64PFR0_EL1. Not: EL2, EL3, RAS, SVE, secure EL2, MPAM, AMU, RME.
const PFR0: &[Field] = &[
    PFR0_EL0,
    up_to("EL1", 4, 1),
    signed_up_to("FP", 16, 1),
    signed_up_to("AdvSIMD", 20, 1),
    PFR0_GIC,
    up_to("DIT", 48, 1),
    // 2 and above come with SCXTNUM registers, which are not switched.
    up_to("CSV2", 56, 1),
    up_to("CSV3", 60, 1),
];

/// ID_AA64PFR1_EL1. Not: MTE, SME, NMI, GCS, THE.
const PFR1: &[Field] = &[up_to("BT", 0, 1), up_to("SSBS", 4, 2)];

/// ID_AA64DFR0_EL1. Not: trace and its buffers, performance monitors, SPE, branch records.
const DFR0: &[Field] = &[
    // Armv8.0 or Armv8.2; 7 means "with VHE".
    by(OneOf(&[6, 8]), "DebugVer", 0),
    DFR0_BREAKPOINTS,
    DFR0_WATCHPOINTS,
    by(AsHost, "CTX_CMPs", 28),
    DFR0_DOUBLE_LOCK,
];
