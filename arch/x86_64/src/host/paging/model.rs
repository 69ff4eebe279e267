//! Page tables in a vector, for tests: no entry that is present may ever change.

extern crate std;
use std::vec::Vec;

use phalanx_arch_api::Hpa;
use phalanx_arch_api::addr::FRAME_SIZE;

use super::entry::{self, PRESENT};
use super::mapper::{OutOfFrames, TableMemory, span};

/// Tables in a vector: the table at physical address `n * 4 KiB` is element `n`.
pub(crate) struct Model {
    pub(crate) tables: Vec<[u64; 512]>,
    pub(crate) limit: usize,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { tables: std::vec![[0; 512]], limit: 100 }
    }

    /// The leaf for `virt` and its level, found as the processor would.
    pub(crate) fn lookup(&self, virt: u64) -> Option<(u64, u32)> {
        let mut table = Hpa::new(0);
        for level in [4, 3, 2, 1] {
            let value = self.read(table, (virt / span(level)) as usize % 512);
            if value & PRESENT == 0 {
                return None;
            }
            if entry::is_leaf(value, level) {
                return Some((value, level));
            }
            table = entry::frame(value);
        }
        None
    }
}

impl TableMemory for Model {
    fn allocate_table(&mut self) -> Result<Hpa, OutOfFrames> {
        if self.tables.len() == self.limit {
            return Err(OutOfFrames);
        }
        self.tables.push([0; 512]);
        Ok(Hpa::new((self.tables.len() as u64 - 1) * FRAME_SIZE))
    }

    fn read(&self, table: Hpa, index: usize) -> u64 {
        self.tables[(table.as_u64() / FRAME_SIZE) as usize][index]
    }

    fn write(&mut self, table: Hpa, index: usize, value: u64) {
        let slot = &mut self.tables[(table.as_u64() / FRAME_SIZE) as usize][index];
        assert_eq!(*slot & PRESENT, 0, "a present entry must not change");
        *slot = value;
    }
}
