//! A domain's quota of second-level tables: one extent, taken once.

use core::sync::atomic::Ordering;

use phalanx_arch_api::table::{ENTRIES, SharedTables, TableMemory};
use phalanx_arch_api::{Gpa, Hfn};

use super::frame::{Extent, Hypervisor};

/// Words in a table.
const WORDS: u64 = ENTRIES as u64;

/// Tables of one second-level address space.
///
/// Freed tables are a list through their own first words: each holds the number of the next plus one.
#[derive(Debug)]
pub(super) struct TablePool {
    frames: Extent<Hypervisor>,
    /// Tables from here on have never been used.
    unused: u64,
    /// The number of the first freed table plus one; 0 ends the list.
    freed: u64,
}

impl TablePool {
    pub(super) const fn new(frames: Extent<Hypervisor>) -> Self {
        Self { frames, unused: 0, freed: 0 }
    }

    /// The extent, for the frame allocator.
    pub(super) fn into_frames(self) -> Extent<Hypervisor> {
        self.frames
    }

    fn store(&self, table: u64, index: u64, value: u64) {
        if let Some(word) = self.frames.word(table * WORDS + index) {
            // Release: a table's entries are visible before the entry that points to it.
            word.store(value, Ordering::Release);
        }
    }

    fn load(&self, table: u64, index: u64) -> u64 {
        self.frames.word(table * WORDS + index).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Which table of the pool this frame is.
    fn number(&self, table: Hfn) -> Option<u64> {
        let number = table.number().checked_sub(self.frames.first().number())?;
        (number < self.frames.frames()).then_some(number)
    }
}

impl TableMemory<Gpa> for TablePool {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        self.number(table).map_or(0, |table| self.load(table, index as u64))
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        if let Some(table) = self.number(table) {
            self.store(table, index as u64, value);
        }
    }

    fn allocate(&mut self) -> Option<Hfn> {
        let table = match self.freed.checked_sub(1) {
            Some(table) => {
                self.freed = self.load(table, 0);
                (0..WORDS).for_each(|index| self.store(table, index, 0));
                table
            }
            None if self.unused < self.frames.frames() => {
                self.unused += 1;
                self.unused - 1
            }
            None => return None,
        };
        self.frames.first().checked_add(table)
    }

    fn free(&mut self, table: Hfn) {
        if let Some(table) = self.number(table) {
            self.store(table, 0, self.freed);
            self.freed = table + 1;
        }
    }

    /// Nothing to tell: tables change only while their address space is built or taken down, and no processor has
    /// cached any of it then.
    fn invalidate(&mut self, _start: Gpa, _bytes: u64) {}
}

impl SharedTables<Gpa> for TablePool {
    fn clear_bits(&self, table: Hfn, index: usize, bits: u64) -> u64 {
        let word = self.number(table).and_then(|table| self.frames.word(table * WORDS + index as u64));
        word.map_or(0, |word| word.fetch_and(!bits, Ordering::AcqRel))
    }
}
