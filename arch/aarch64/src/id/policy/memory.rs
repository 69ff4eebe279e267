//! Memory model: ID_AA64MMFR0_EL1 to ID_AA64MMFR2_EL1. ID_AA64MMFR3_EL1 and above describe registers that are not
//! switched (TCR2_EL1, SCTLR2_EL1, PIR_EL1, …), and are hidden whole.

use super::OneOf;
use super::{Field, by, signed_up_to, up_to};
use crate::id::rule::Rule::AddressSize;

/// ASIDs have 8 or 16 bits.
const ASID_BITS: &[u8] = &[0, 2];

/// ID_AA64MMFR0_EL1. Not: SNSMem, stage-2 granules, FGT, ECV (CNTPOFF).
pub(super) const MMFR0: &[Field] = &[
    by(AddressSize, "PARange", 0),
    by(OneOf(ASID_BITS), "ASIDBits", 4),
    up_to("BigEnd", 8, 1),
    up_to("BigEndEL0", 16, 1),
    // Above 1 (of TGran4, above 0) are output addresses of 52 bits.
    up_to("TGran16", 20, 1),
    signed_up_to("TGran64", 24, 0),
    signed_up_to("TGran4", 28, 0),
    up_to("ExS", 44, 1),
];

/// ID_AA64MMFR1_EL1. Not: VMIDs, VHE, LORegions, stage-2 execute permissions, TWED, HCRX.
pub(super) const MMFR1: &[Field] = &[
    up_to("HAFDBS", 0, 2),
    up_to("HPDS", 12, 2),
    up_to("PAN", 20, 3),
    up_to("SpecSEI", 24, 1),
    up_to("ETS", 36, 3),
    up_to("AFP", 44, 1),
    up_to("nTLBPA", 48, 1),
    up_to("TIDCP1", 52, 1),
    up_to("CMOW", 56, 1),
    up_to("ECBHB", 60, 1),
];

/// ID_AA64MMFR2_EL1. Not: IESB (comes with RAS), nested virtualization, FWB and EVT (EL2's), BBM (a TLB conflict of the
/// guest could come to EL2).
pub(super) const MMFR2: &[Field] = &[
    up_to("CnP", 0, 1),
    up_to("UAO", 4, 1),
    up_to("LSM", 8, 1),
    up_to("VARange", 16, 1),
    up_to("CCIDX", 20, 1),
    up_to("ST", 28, 1),
    up_to("AT", 32, 1),
    up_to("IDS", 36, 1),
    up_to("TTL", 48, 1),
    up_to("E0PD", 60, 1),
];
