//! Adds mappings to page tables with the largest pages that fit.

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hpa, Hva};

use super::entry::{self, Access, NO_EXECUTE, PRESENT};

/// The host needs a frame and none is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfFrames;

/// Where page tables live: the machine's RAM, or a model of it in tests.
pub trait TableMemory {
    /// Takes a frame, filled with zeros, for a table.
    ///
    /// # Errors
    /// [`OutOfFrames`] where there is none.
    fn allocate_table(&mut self) -> Result<Hpa, OutOfFrames>;
    /// Reads entry `index` (0-511) of a table.
    fn read(&self, table: Hpa, index: usize) -> u64;
    /// Writes entry `index` (0-511) of a table.
    fn write(&mut self, table: Hpa, index: usize, value: u64);
}

/// What the processor's tables can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Pages of 1 GiB (CPUID 0x8000_0001, EDX bit 26).
    pub gigabyte_pages: bool,
    /// Pages that hold no code (CPUID 0x8000_0001, EDX bit 20).
    pub no_execute: bool,
}

/// One contiguous mapping. Addresses and length are multiples of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First address.
    pub virt: Hva,
    /// First frame's address.
    pub phys: Hpa,
    /// Bytes.
    pub length: u64,
    /// What may be done there.
    pub access: Access,
}

/// Why a mapping was not made, or made in part only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No frame for a table.
    OutOfFrames,
    /// The address already belongs to another frame.
    Conflict(Hva),
    /// An address or the length is not a multiple of 4 KiB.
    Unaligned(Hva),
}

impl From<OutOfFrames> for MapError {
    fn from(_: OutOfFrames) -> Self {
        Self::OutOfFrames
    }
}

/// Bytes that one entry at `level` covers (1 = page table, 4 = root).
pub(super) const fn span(level: u32) -> u64 {
    FRAME_SIZE << (9 * (level - 1))
}

/// Adds `mapping` to the tables at `root`.
///
/// A page that is mapped to the same frame already keeps the access it has: so map what is strict first, and what
/// surrounds it afterwards. Only absent entries are written, so nothing has to be flushed.
///
/// # Errors
/// See [`MapError`]; pages before the failing one stay mapped.
pub fn map<M: TableMemory>(memory: &mut M, root: Hpa, features: Features, mapping: Mapping) -> Result<(), MapError> {
    if !(mapping.virt.as_u64() | mapping.phys.as_u64() | mapping.length).is_multiple_of(FRAME_SIZE) {
        return Err(MapError::Unaligned(mapping.virt));
    }
    let mut rest = mapping;
    while rest.length > 0 {
        let done = map_first(memory, root, features, rest)?.min(rest.length);
        rest.virt = Hva::new(rest.virt.as_u64() + done);
        rest.phys = Hpa::new(rest.phys.as_u64() + done);
        rest.length -= done;
    }
    Ok(())
}

/// Maps the first page of `rest`, as large as possible; returns how many bytes from its start are mapped now.
fn map_first<M: TableMemory>(memory: &mut M, root: Hpa, features: Features, rest: Mapping) -> Result<u64, MapError> {
    let mut table = root;
    for level in [4, 3, 2, 1] {
        let index = (rest.virt.as_u64() / span(level)) as usize % 512;
        let old = memory.read(table, index);
        if old & PRESENT == 0 && fits(rest, features, level) {
            let keep = if features.no_execute { u64::MAX } else { !NO_EXECUTE };
            memory.write(table, index, entry::leaf(rest.phys, rest.access, level > 1) & keep);
            return Ok(span(level));
        }
        if old & PRESENT != 0 && entry::is_leaf(old, level) {
            return already_mapped(old, level, rest);
        }
        table = if old & PRESENT != 0 {
            entry::frame(old)
        } else {
            let new = memory.allocate_table()?;
            memory.write(table, index, entry::table(new));
            new
        };
    }
    Err(MapError::Conflict(rest.virt))
}

/// Whether the mapping can begin with one leaf at `level`.
fn fits(rest: Mapping, features: Features, level: u32) -> bool {
    let possible = match level {
        1 | 2 => true,
        3 => features.gigabyte_pages,
        _ => false,
    };
    possible && (rest.virt.as_u64() | rest.phys.as_u64()).is_multiple_of(span(level)) && rest.length >= span(level)
}

/// Bytes up to the end of the present leaf `old`, if it is for the same frame.
fn already_mapped(old: u64, level: u32, rest: Mapping) -> Result<u64, MapError> {
    let offset = rest.virt.as_u64() % span(level);
    if entry::frame(old).align_down(span(level)).as_u64() + offset == rest.phys.as_u64() {
        Ok(span(level) - offset)
    } else {
        Err(MapError::Conflict(rest.virt))
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;

    const ROOT: Hpa = Hpa::new(0);
    const ALL: Features = Features { gigabyte_pages: true, no_execute: true };

    fn mapping(virt: u64, phys: u64, length: u64, access: Access) -> Mapping {
        Mapping { virt: Hva::new(virt), phys: Hpa::new(phys), length, access }
    }

    #[test]
    fn largest_pages_are_used_at_both_ends() {
        let mut model = Model::new();
        let start = 0x3fff_f000;
        map(&mut model, ROOT, ALL, mapping(start, start, (1 << 30) + 0x20_1000 + 0x1000, Access::ReadWrite)).unwrap();
        assert_eq!(model.lookup(start).unwrap().1, 1);
        assert_eq!(model.lookup(1 << 30).unwrap().1, 3);
        assert_eq!(model.lookup(2 << 30).unwrap().1, 2);
        assert_eq!(model.lookup((2 << 30) + 0x20_0000).unwrap().1, 1);
        assert_eq!(model.lookup((2 << 30) + 0x20_1000), None);
    }

    #[test]
    fn without_gigabyte_pages_two_mebibytes_serve() {
        let mut model = Model::new();
        let features = Features { gigabyte_pages: false, ..ALL };
        map(&mut model, ROOT, features, mapping(0, 0, 1 << 30, Access::ReadWrite)).unwrap();
        assert_eq!(model.lookup(0).unwrap().1, 2);
    }

    #[test]
    fn the_strict_mapping_made_first_stays() {
        let mut model = Model::new();
        map(&mut model, ROOT, ALL, mapping(0x20_1000, 0x20_1000, 0x2000, Access::ReadOnly)).unwrap();
        map(&mut model, ROOT, ALL, mapping(0, 0, 0x60_0000, Access::ReadWrite)).unwrap();
        let writable = |virt| model.lookup(virt).unwrap().0 & entry::WRITABLE != 0;
        assert!(writable(0) && writable(0x20_0000) && writable(0x20_3000) && writable(0x40_0000));
        assert!(!writable(0x20_1000) && !writable(0x20_2000));
        assert_eq!(model.lookup(0x40_0000).unwrap().1, 2);
    }

    #[test]
    fn another_frame_is_a_conflict() {
        let mut model = Model::new();
        map(&mut model, ROOT, ALL, mapping(0, 0, 0x20_0000, Access::ReadWrite)).unwrap();
        let error = map(&mut model, ROOT, ALL, mapping(0x1000, 0x2000, 0x1000, Access::ReadWrite));
        assert_eq!(error, Err(MapError::Conflict(Hva::new(0x1000))));
        let error = map(&mut model, ROOT, ALL, mapping(0x1001, 0, 0x1000, Access::ReadWrite));
        assert_eq!(error, Err(MapError::Unaligned(Hva::new(0x1001))));
    }

    #[test]
    fn running_out_of_frames_is_an_error() {
        let mut model = Model { limit: 2, ..Model::new() };
        assert_eq!(map(&mut model, ROOT, ALL, mapping(0, 0, 0x1000, Access::ReadWrite)), Err(MapError::OutOfFrames));
    }
}
