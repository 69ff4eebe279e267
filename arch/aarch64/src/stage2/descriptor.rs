//! What the descriptors of both stages have in common.

use phalanx_arch_api::Hpa;
use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions};

/// Bits of an output address without FEAT_LPA2.
pub(super) const ADDRESS_BITS: u32 = 48;
/// Bits 12 to 47.
const ADDRESS: u64 = (1 << ADDRESS_BITS) - (1 << 12);
const VALID: u64 = 1 << 0;
/// A table, or at the last level a page; without it, a block.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// SH: inner shareable. Device memory is outer shareable whatever stands there.
const INNER_SHAREABLE: u64 = 3 << 8;
/// AF.
const ACCESSED: u64 = 1 << 10;

/// Points to a table, with no restriction of its own.
pub(super) const fn table(table: Hpa) -> u64 {
    table.as_u64() & ADDRESS | VALID | TABLE_OR_PAGE
}

/// Translates: without attributes and permissions.
pub(super) fn leaf(level: Level, output: Hpa) -> u64 {
    let page = if level == Level::L1 { TABLE_OR_PAGE } else { 0 };
    output.as_u64() & ADDRESS | VALID | page | INNER_SHAREABLE | ACCESSED
}

/// Decodes; `attributes` reads permissions and memory type of a leaf. Reserved forms translate nothing: a page bit
/// missing at the last level, a block in the root of four levels.
pub(super) fn decode(level: Level, value: u64, attributes: impl Fn(u64) -> (Permissions, MemoryType)) -> Entry {
    let address = value & ADDRESS;
    match (value & VALID != 0, value & TABLE_OR_PAGE != 0, level) {
        (false, ..) | (true, false, Level::L1 | Level::L4) => Entry::Absent,
        (true, true, Level::L2 | Level::L3 | Level::L4) => Entry::Table(Hpa::new(address)),
        (true, true, Level::L1) | (true, false, Level::L2 | Level::L3) => {
            let (permissions, memory_type) = attributes(value);
            Entry::Leaf { output: Hpa::new(address).align_down(level.bytes()), permissions, memory_type }
        }
    }
}
