//! The second-level tables of the simulated hardware, and its walk through them.

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::{Entry, Level, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};

use crate::memory::Memory;

/// The mark of a leaf through which something was written.
const WRITTEN: u64 = 1 << 6;

/// The format: bit 0 present, 1 leaf, 2 to 4 rwx, 5 uncached, 6 written; four levels; entries are broken before they are
/// made.
#[derive(Debug)]
pub enum FakeTable {}

impl TableFormat for FakeTable {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = 48;
    const NEEDS_BREAK_BEFORE_MAKE: bool = true;

    fn largest_leaf() -> Level {
        Level::L2
    }

    fn encode_table(table: Hpa) -> u64 {
        table.as_u64() | 1
    }

    fn encode_leaf(_level: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        let Permissions { read, write, execute } = permissions;
        let bits = [true, true, read, write, execute, memory_type == MemoryType::Uncached, true];
        bits.iter().enumerate().fold(output.as_u64(), |value, (bit, set)| value | u64::from(*set) << bit)
    }

    fn decode(_level: Level, value: u64) -> Entry {
        let bit = |bit: u32| value >> bit & 1 != 0;
        let output = Hpa::new(value).align_down(FRAME_SIZE);
        match (bit(0), bit(1)) {
            (false, _) => Entry::Absent,
            (true, false) => Entry::Table(output),
            (true, true) => Entry::Leaf {
                output,
                permissions: Permissions { read: bit(2), write: bit(3), execute: bit(4) },
                memory_type: if bit(5) { MemoryType::Uncached } else { MemoryType::WriteBack },
            },
        }
    }

    fn dirty_mark() -> u64 {
        WRITTEN
    }
}

/// Where the guest's byte at `gpa` is, if the tables say so.
pub(crate) fn walk(memory: &Memory, root: Hpa, gpa: Gpa) -> Option<Hpa> {
    find(memory, root, gpa).map(|(_, output)| output)
}

/// As [`walk`], for a write: the leaf is marked.
pub(crate) fn walk_to_write(memory: &Memory, root: Hpa, gpa: Gpa) -> Option<Hpa> {
    let (leaf, output) = find(memory, root, gpa)?;
    memory.write_u64(leaf, memory.read_u64(leaf)? | WRITTEN)?;
    Some(output)
}

/// Where the leaf that translates `gpa` is, and what `gpa` translates to.
fn find(memory: &Memory, root: Hpa, gpa: Gpa) -> Option<(Hpa, Hpa)> {
    if !FakeTable::reaches(gpa, gpa) {
        return None;
    }
    let (mut table, mut level) = (root, FakeTable::root());
    loop {
        let at = table.checked_add(8 * level.index(gpa.as_u64()) as u64)?;
        match FakeTable::decode(level, memory.read_u64(at)?) {
            Entry::Absent => return None,
            Entry::Table(next) => (table, level) = (next, level.below()?),
            Entry::Leaf { output, .. } => return Some((at, output.checked_add(gpa.as_u64() & (level.bytes() - 1))?)),
        }
    }
}
