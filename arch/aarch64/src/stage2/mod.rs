//! Translation tables: stage 2, and the hypervisor's own stage 1. Both have 4 KiB granules.
//!
//! Arm ARM, chapter "The AArch64 Virtual Memory System Architecture", "Translation table descriptor formats". Arm
//! counts levels from the root; [`Level::L4`] is its level 0.
//!
//! | bit | stage 2 | stage 1 of EL2: [`HostPaging`] |
//! |---|---|---|
//! | 0, 1 | valid; table or page | the same |
//! | 2 to 5 | MemAttr: 15 normal write-back (6 with FWB), 1 Device-nGnRE | AttrIndx (2 to 4): [`HOST_MAIR`] |
//! | 6, 7 | S2AP: read, write | AP |
//! | 8, 9 | SH: inner shareable | the same |
//! | 10 | AF | the same |
//! | 53, 54 | XN | PXN, UXN or XN |
//!
//! The access flag is always set, so that the hardware never needs to.
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod descriptor;
mod geometry;
mod host;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};

pub use geometry::{Geometry, address_bits};
pub use host::HostPaging;
pub use host::MAIR as HOST_MAIR;

/// MemAttr: normal memory, inner and outer write-back.
const NORMAL: u64 = 0xf << 2;
/// MemAttr with HCR_EL2.FWB: normal write-back, whatever stage 1 says. Device memory is spelt as without.
const FORCED_NORMAL: u64 = 6 << 2;
/// MemAttr: Device-nGnRE.
const DEVICE: u64 = 1 << 2;
/// MemAttr, the whole field.
const ATTRIBUTES: u64 = 0xf << 2;
/// S2AP: loads and instruction fetches.
const READ: u64 = 1 << 6;
/// S2AP: stores.
const WRITE: u64 = 1 << 7;
/// XN: no instruction fetches at EL1 and EL0.
const NO_EXECUTE: u64 = 1 << 54;

/// Bits of a physical address.
static ADDRESS_BITS: AtomicU32 = AtomicU32::new(40);

/// Whether HCR_EL2.FWB is set: RAM is write-back for a guest whatever it says, even with its caches off.
static FORCED_WRITE_BACK: AtomicBool = AtomicBool::new(false);

/// What the processors can do that the tables depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// The smallest ID_AA64MMFR0_EL1.PARange: depth and width of stage-2 tables.
    pub parange: u64,
    /// FEAT_S2FWB is used: form of stage-2 descriptors.
    pub forced_write_back: bool,
    /// VHE is used: form of the hypervisor's own descriptors.
    pub vhe: bool,
}

/// Chooses the form of all tables. Called once, before the first one.
pub fn set_up(features: Features) {
    ADDRESS_BITS.store(address_bits(features.parange), Ordering::Relaxed);
    FORCED_WRITE_BACK.store(features.forced_write_back, Ordering::Relaxed);
    host::configure(features.vhe);
}

/// Whether guests cannot bypass the caches (HCR_EL2.FWB).
#[must_use]
pub fn forces_write_back() -> bool {
    FORCED_WRITE_BACK.load(Ordering::Relaxed)
}

const fn normal(forced: bool) -> u64 {
    if forced { FORCED_NORMAL } else { NORMAL }
}

/// Depth and width as set up.
#[must_use]
pub fn geometry() -> Geometry {
    Geometry::new(ADDRESS_BITS.load(Ordering::Relaxed))
}

/// VTCR_EL2 as set up.
#[must_use]
pub fn vtcr() -> u64 {
    geometry().vtcr()
}

/// Stage-2 tables (VTTBR_EL2).
#[derive(Debug)]
pub enum Stage2 {}

impl TableFormat for Stage2 {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = descriptor::ADDRESS_BITS;
    const NEEDS_BREAK_BEFORE_MAKE: bool = true;

    fn root() -> Level {
        geometry().root()
    }

    fn largest_leaf() -> Level {
        Level::L3
    }

    fn reaches(first: Gpa, last: Gpa) -> bool {
        geometry().reaches(first, last)
    }

    fn encode_table(table: Hpa) -> u64 {
        descriptor::table(table)
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        let attributes = match memory_type {
            MemoryType::WriteBack => normal(forces_write_back()),
            MemoryType::Uncached => DEVICE,
        };
        let read = if permissions.read { READ } else { 0 };
        let write = if permissions.write { WRITE } else { 0 };
        let execute = if permissions.execute { 0 } else { NO_EXECUTE };
        descriptor::leaf(level, output) | attributes | read | write | execute
    }

    fn decode(level: Level, value: u64) -> Entry {
        descriptor::decode(level, value, |value| {
            let permissions =
                Permissions { read: value & READ != 0, write: value & WRITE != 0, execute: value & NO_EXECUTE == 0 };
            let normal = matches!(value & ATTRIBUTES, NORMAL | FORCED_NORMAL);
            (permissions, if normal { MemoryType::WriteBack } else { MemoryType::Uncached })
        })
    }
}
