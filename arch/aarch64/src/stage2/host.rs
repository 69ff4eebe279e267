//! The hypervisor's own tables: stage 1 of EL2 (TTBR0_EL2).
//!
//! EL2 has two translation regimes, and they differ in two bits of a leaf (Arm ARM, "Data access permission controls"
//! and "Instruction execution permission controls"):
//!
//! | bit | EL2, without VHE (E2H = 0) | EL2&0, with VHE (E2H = 1) |
//! |---|---|---|
//! | 6, AP[1] | RES1 | EL0 may access it: 0, as the guest's PSTATE.PAN outlives an exception and would lock us out |
//! | 53 | RES0 | PXN: EL2 may not execute it |
//! | 54 | XN | UXN: EL0 may not execute it |
//!
//! Until [`super::set_up`] is called, entries are those of VHE, which do without VHE too: a regime of one level gives
//! neither bit a meaning.

use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Hpa, Hva};

use super::descriptor;

/// MAIR_EL2: attribute 0 is Device-nGnRE, attribute 1 normal write-back, read- and write-allocate.
pub const MAIR: u64 = 0x04 | 0xff << 8;
/// AttrIndx of RAM.
const NORMAL: u64 = 1 << 2;
/// AttrIndx, the whole field.
const ATTRIBUTE: u64 = 7 << 2;
/// AP[1] where there is no EL0.
const ONE_LEVEL: u64 = 1 << 6;
/// AP[2].
const READ_ONLY: u64 = 1 << 7;
/// PXN.
const NO_PRIVILEGED_EXECUTE: u64 = 1 << 53;
/// XN or UXN.
const NO_EXECUTE: u64 = 1 << 54;

/// Tables are for the EL2&0 regime.
static VHE: AtomicBool = AtomicBool::new(true);

/// Says in which regime the tables are used: HCR_EL2.E2H.
pub(super) fn configure(vhe: bool) {
    VHE.store(vhe, Ordering::Relaxed);
}

/// Stage-1 tables of EL2.
#[derive(Debug)]
pub enum HostPaging {}

impl TableFormat for HostPaging {
    type Input = Hva;
    const OUTPUT_BITS: u32 = descriptor::ADDRESS_BITS;
    const NEEDS_BREAK_BEFORE_MAKE: bool = true;

    fn largest_leaf() -> Level {
        Level::L3
    }

    fn encode_table(table: Hpa) -> u64 {
        descriptor::table(table)
    }

    fn encode_leaf(level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        encode_leaf(VHE.load(Ordering::Relaxed), level, output, permissions, memory_type)
    }

    fn decode(level: Level, value: u64) -> Entry {
        descriptor::decode(level, value, |value| {
            let permissions =
                Permissions { read: true, write: value & READ_ONLY == 0, execute: value & NO_EXECUTE == 0 };
            let normal = value & ATTRIBUTE == NORMAL;
            (permissions, if normal { MemoryType::WriteBack } else { MemoryType::Uncached })
        })
    }
}

/// A leaf of one of the two regimes.
pub(super) fn encode_leaf(
    vhe: bool,
    level: Level,
    output: Hpa,
    permissions: Permissions,
    memory_type: MemoryType,
) -> u64 {
    let attribute = match memory_type {
        MemoryType::WriteBack => NORMAL,
        MemoryType::Uncached => 0,
    };
    let level_bits = if vhe { 0 } else { ONE_LEVEL };
    let write = if permissions.write { 0 } else { READ_ONLY };
    let execute = match (permissions.execute, vhe) {
        (true, _) => 0,
        (false, true) => NO_EXECUTE | NO_PRIVILEGED_EXECUTE,
        (false, false) => NO_EXECUTE,
    };
    descriptor::leaf(level, output) | attribute | level_bits | write | execute
}
