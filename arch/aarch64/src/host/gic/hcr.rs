//! The control register of the virtual CPU interface: the same bits in GICH_HCR (IHI 0048, 5.3.1) and ICH_HCR_EL2
//! (IHI 0069, 12.4.7).

use crate::gic::Conditions;

/// En.
pub(super) const ENABLE: u32 = 1 << 0;
/// LRENPIE.
const UNLISTED: u32 = 1 << 2;
/// NPIE.
const NO_PENDING: u32 = 1 << 3;
/// What [`conditions`] can set.
pub(super) const MAINTENANCE: u32 = UNLISTED | NO_PENDING;
/// EOIcount.
pub(super) const COUNT_SHIFT: u32 = 27;
/// See [`COUNT_SHIFT`].
pub(super) const COUNT: u32 = 0x1f << COUNT_SHIFT;

/// The bits that raise the maintenance interrupt.
pub(super) const fn conditions(conditions: Conditions) -> u32 {
    (if conditions.unlisted { UNLISTED } else { 0 }) | if conditions.no_pending { NO_PENDING } else { 0 }
}
