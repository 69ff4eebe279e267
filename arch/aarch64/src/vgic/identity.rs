//! What the controller says of itself.

use super::INTIDS;
use crate::gic::Version;

/// IIDR: product "P", implementer Arm.
pub(super) const IIDR: u32 = 0x5000_043b;

/// GICD_TYPER (IHI 0048 4.3.2, IHI 0069 12.9.38).
pub(super) fn typer(version: Version, vcpus: usize) -> u32 {
    /// 10 bits of INTID.
    const ID_BITS: u32 = 9 << 19;
    /// 1-of-N routing is not supported.
    const NO_1_OF_N: u32 = 1 << 25;
    let lines = INTIDS / 32 - 1;
    match version {
        Version::V2 => lines | u32::try_from(vcpus.saturating_sub(1) & 7).unwrap_or(0) << 5,
        Version::V3 => lines | ID_BITS | NO_1_OF_N,
    }
}

/// GICR_TYPER of vCPU `index` (IHI 0069 12.11.35): affinity, number, and whether it is the last one.
#[inline(always)]
pub(super) const fn redistributor_typer(index: u64, last: bool) -> u64 {
    let affinity = index & 0xf | (index >> 4) << 8;
    affinity << 32 | index << 8 | (last as u64) << 4
}

/// A frame that has identification registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// GICv2 distributor.
    DistributorV2,
    /// GICv3 distributor.
    DistributorV3,
    /// GICv3 redistributor.
    Redistributor,
}

/// The CoreSight identification registers at the end of a frame (IHI 0048 4.3.16, IHI 0069 12.9 "Identification
/// registers"): PIDR4 to 7, PIDR0 to 3, CIDR0 to 3. `None`: not one of them.
pub(super) fn identification(frame: Frame, offset: u32) -> Option<u32> {
    let (base, part, revision, jep) = match frame {
        Frame::DistributorV2 => (0xfd0, 0x90, 0x2b, 0x04),
        Frame::DistributorV3 => (0xffd0, 0x92, 0x3b, 0x44),
        Frame::Redistributor => (0xffd0, 0x93, 0x3b, 0x44),
    };
    let values = [jep, 0, 0, 0, part, 0xb4, revision, 0, 0x0d, 0xf0, 0x05, 0xb1];
    values.get((offset.checked_sub(base)? / 4) as usize).copied()
}
