//! What the identification registers offer.

use guest_arm_rt::{gic, read_register};

/// A feature by the field that tells of it (Arm ARM, D24.2, the register of that name).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Part of every processor.
    Always,
    /// ID_AA64PFR0_EL1.GIC, and the device tree says so.
    GicRegisters,
    Pointers,
    Sve,
    Sme,
    /// Tags that are checked.
    Mte,
    /// Tag instructions only.
    MteInstructions,
    Ras,
    Mpam,
    Amu,
    Pan,
    Uao,
    Dit,
    Ssbs,
    Gcs,
    Performance,
    Profiling,
    TraceFilter,
    TraceBuffer,
    LimitedOrdering,
    WideCacheId,
    Random,
    ContextNumbers,
    Tcr2,
    Sctlr2,
    Permissions,
    Overlays,
    FaultAddress,
    FloatMode,
    WaitWithTimeout,
    Accumulate,
    Branches,
}

fn field(register: u64, low: u32) -> u64 {
    register >> low & 0xf
}

impl Ability {
    /// Whether the identification registers offer it.
    pub(crate) fn is_offered(self) -> bool {
        let pfr0 = |low| field(read_register!("id_aa64pfr0_el1"), low);
        let pfr1 = |low| field(read_register!("id_aa64pfr1_el1"), low);
        let dfr0 = |low| field(read_register!("id_aa64dfr0_el1"), low);
        let mmfr1 = |low| field(read_register!("id_aa64mmfr1_el1"), low);
        let mmfr2 = |low| field(read_register!("id_aa64mmfr2_el1"), low);
        let mmfr3 = |low| field(read_register!("S3_0_C0_C7_3"), low);
        let isar0 = |low| field(read_register!("id_aa64isar0_el1"), low);
        let isar1 = |low| field(read_register!("id_aa64isar1_el1"), low);
        let isar2 = |low| field(read_register!("S3_0_C0_C6_2"), low);
        match self {
            Self::Always => true,
            Self::GicRegisters => gic::is_v3() && pfr0(24) != 0,
            Self::Pointers => isar1(4) != 0 || isar1(8) != 0 || isar2(12) != 0,
            Self::Sve => pfr0(32) != 0,
            Self::Sme => pfr1(24) != 0,
            Self::Mte => pfr1(8) >= 2,
            Self::MteInstructions => pfr1(8) != 0,
            Self::Ras => pfr0(28) != 0,
            Self::Mpam => pfr0(40) != 0 || pfr1(16) != 0,
            Self::Amu => pfr0(44) != 0,
            Self::Pan => mmfr1(20) != 0,
            Self::Uao => mmfr2(4) != 0,
            Self::Dit => pfr0(48) != 0,
            Self::Ssbs => pfr1(4) >= 2,
            Self::Gcs => pfr1(44) != 0,
            Self::Performance => !matches!(dfr0(8), 0 | 0xf),
            Self::Profiling => dfr0(32) != 0,
            Self::TraceFilter => dfr0(40) != 0,
            Self::TraceBuffer => dfr0(44) != 0,
            Self::LimitedOrdering => mmfr1(16) != 0,
            Self::WideCacheId => mmfr2(20) != 0,
            Self::Random => isar0(60) != 0,
            Self::ContextNumbers => pfr0(56) >= 2 || pfr0(56) == 1 && pfr1(32) >= 2,
            Self::Tcr2 => mmfr3(0) != 0,
            Self::Sctlr2 => mmfr3(4) != 0,
            Self::Permissions => mmfr3(8) != 0,
            Self::Overlays => mmfr3(16) != 0,
            Self::FaultAddress => pfr1(60) != 0,
            Self::FloatMode => field(read_register!("S3_0_C0_C4_2"), 0) != 0,
            Self::WaitWithTimeout => isar2(0) >= 2,
            Self::Accumulate => isar1(60) >= 2,
            Self::Branches => dfr0(52) != 0,
        }
    }
}
