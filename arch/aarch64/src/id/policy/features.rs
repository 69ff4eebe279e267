//! Instructions: ID_AA64ISAR0_EL1 to ID_AA64ISAR2_EL1. They pass where they need no register that is not switched.

use super::{Field, up_to};

/// ID_AA64ISAR0_EL1. Not: TME.
pub(super) const ISAR0: &[Field] = &[
    up_to("AES", 4, 2),
    up_to("SHA1", 8, 1),
    up_to("SHA2", 12, 2),
    up_to("CRC32", 16, 1),
    up_to("Atomic", 20, 3),
    up_to("RDM", 28, 1),
    up_to("SHA3", 32, 1),
    up_to("SM3", 36, 1),
    up_to("SM4", 40, 1),
    up_to("DP", 44, 1),
    up_to("FHM", 48, 1),
    up_to("TS", 52, 2),
    up_to("TLB", 56, 2),
    up_to("RNDR", 60, 1),
];

/// ID_AA64ISAR1_EL1. Not: LS64. Pointer authentication stays (the keys are switched), up to FPACCOMBINE.
pub(super) const ISAR1: &[Field] = &[
    up_to("DPB", 0, 2),
    up_to("APA", 4, 5),
    up_to("API", 8, 5),
    up_to("JSCVT", 12, 1),
    up_to("FCMA", 16, 1),
    up_to("LRCPC", 20, 3),
    up_to("GPA", 24, 1),
    up_to("GPI", 28, 1),
    up_to("FRINTTS", 32, 1),
    up_to("SB", 36, 1),
    up_to("SPECRES", 40, 2),
    up_to("BF16", 44, 2),
    up_to("DGH", 48, 1),
    up_to("I8MM", 52, 1),
    up_to("XS", 56, 1),
];

/// ID_AA64ISAR2_EL1. Not: WFxT (a timed wait would have to be timed here), 128-bit registers and instructions.
pub(super) const ISAR2: &[Field] = &[
    up_to("RPRES", 4, 1),
    up_to("GPA3", 8, 1),
    up_to("APA3", 12, 5),
    // HCRX_EL2.MSCEn is set where the processor has it.
    up_to("MOPS", 16, 1),
    up_to("BC", 20, 1),
    up_to("PAC_frac", 24, 1),
    up_to("CLRBHB", 28, 1),
    up_to("RPRFM", 48, 1),
    up_to("CSSC", 52, 1),
];
