//! The early page tables: blocks of 2 MiB and 1 GiB, every address mapped to itself.
//!
//! They hold the image (writable and executable: it relocates itself), the device tree, then all usable memory and the
//! console's registers, until the kernel makes its own (Arm ARM, section D8.3, 4 KiB granule, 48 bits).

use phalanx_handoff::PhysRange;

/// Entries of a table.
const ENTRIES: usize = 512;
/// Tables that there are: the root, and for each gigabyte that is mapped in parts one, and one for each 512 GiB.
pub(crate) const TABLES: usize = 32;
/// Bytes of the largest block.
const GIGABYTE: u64 = 1 << 30;
/// Bytes of the smallest block.
const BLOCK: u64 = 1 << 21;
/// The end of what the tables can reach.
const REACH: u64 = 1 << 48;

const VALID: u64 = 1 << 0;
const TABLE: u64 = 1 << 1;
const DEVICE: u64 = 1 << 2;
/// AP[1], which must be set where there is no lower level in the same regime.
const SINGLE: u64 = 1 << 6;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const PRIVILEGED_EXECUTE_NEVER: u64 = 1 << 53;
const EXECUTE_NEVER: u64 = 1 << 54;
/// The next table's address in an entry.
const ADDRESS: u64 = 0xffff_ffff_f000;

/// What lies in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The kernel's image.
    Image,
    /// Memory.
    Memory,
    /// A device's registers.
    Device,
}

/// How the translation regime writes permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Format {
    /// One privilege level: EL2 without VHE, EL3.
    Single = 0,
    /// Two privilege levels: EL1, EL2 with VHE.
    El1 = 1,
}

impl Format {
    /// The attributes of a block, without its address.
    const fn attributes(self, kind: Kind) -> u64 {
        let memory = match kind {
            Kind::Image | Kind::Memory => INNER_SHAREABLE,
            Kind::Device => DEVICE,
        };
        let permissions = match (self, kind) {
            (Self::Single, Kind::Image) => SINGLE,
            (Self::Single, _) => SINGLE | EXECUTE_NEVER,
            (Self::El1, Kind::Image) => EXECUTE_NEVER,
            (Self::El1, _) => EXECUTE_NEVER | PRIVILEGED_EXECUTE_NEVER,
        };
        VALID | ACCESSED | memory | permissions
    }
}

/// The range does not fit into what is left of the tables, lies beyond 48 bits, or is mapped as something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CannotMap;

/// One table.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
pub(crate) struct Table([u64; ENTRIES]);

/// All tables; the first is the root.
///
/// Everything is written as the table walk may see it at once: whole entries, and tables before the entries that lead
/// to them.
#[repr(C)]
pub(crate) struct Tables {
    used: usize,
    format: Format,
    tables: [Table; TABLES],
}

/// Where a table's entry leads.
enum Entry {
    Nothing,
    Block(u64),
    Table(usize),
}

impl Tables {
    /// What is to be started.
    pub(crate) const UNUSED: Self = Self { used: 0, format: Format::Single, tables: [Table([0; ENTRIES]); TABLES] };

    /// Starts with an empty root, and tells its address.
    pub(crate) fn start(&mut self, format: Format) -> u64 {
        self.format = format;
        self.used = 0;
        let _ = self.allocate();
        self.address(0)
    }

    /// Bytes from the start of this structure to the end of the last table in use.
    pub(crate) const fn bytes_in_use(&self) -> usize {
        size_of::<Self>() - (TABLES - self.used) * size_of::<Table>()
    }

    /// Maps every block that `range` touches. What is mapped stays as it is.
    ///
    /// # Errors
    /// [`CannotMap`]; a part may be mapped then.
    pub(crate) fn map(&mut self, range: PhysRange, kind: Kind) -> Result<(), CannotMap> {
        let end = range.end().align_up(BLOCK).ok_or(CannotMap)?.as_u64();
        let mut at = range.start().align_down(BLOCK).as_u64();
        if end > REACH {
            return Err(CannotMap);
        }
        while at < end {
            at = self.map_gigabyte(at, end, self.format.attributes(kind))?;
        }
        Ok(())
    }

    /// Maps from `at` up to `end` or the end of the gigabyte, whichever comes first, and tells which.
    fn map_gigabyte(&mut self, at: u64, end: u64, attributes: u64) -> Result<u64, CannotMap> {
        let gigabytes = self.next(0, index(at, 39))?;
        let slot = index(at, 30);
        let gigabyte_end = (at | (GIGABYTE - 1)) + 1;
        match self.entry(gigabytes, slot) {
            Entry::Nothing if at.is_multiple_of(GIGABYTE) && gigabyte_end <= end => {
                self.write(gigabytes, slot, at | attributes);
            }
            Entry::Block(held) if is_same_memory(held, attributes) => {}
            Entry::Block(_) => return Err(CannotMap),
            Entry::Nothing | Entry::Table(_) => {
                let blocks = self.next(gigabytes, slot)?;
                self.map_blocks(blocks, at, end.min(gigabyte_end), attributes)?;
            }
        }
        Ok(end.min(gigabyte_end))
    }

    /// Maps the blocks from `at` up to `end`, which all lie in one table.
    fn map_blocks(&mut self, table: usize, at: u64, end: u64, attributes: u64) -> Result<(), CannotMap> {
        let slots = self.tables[table].0[index(at, 21)..].iter_mut();
        for (slot, at) in slots.zip((at..end).step_by(BLOCK as usize)) {
            if *slot == 0 {
                write(slot, at | attributes);
            } else if !is_same_memory(*slot, attributes) {
                return Err(CannotMap);
            }
        }
        Ok(())
    }

    /// The table behind an entry; a new one where there is nothing.
    fn next(&mut self, table: usize, slot: usize) -> Result<usize, CannotMap> {
        match self.entry(table, slot) {
            Entry::Table(next) => Ok(next),
            Entry::Block(_) => Err(CannotMap),
            Entry::Nothing => {
                let next = self.allocate().ok_or(CannotMap)?;
                self.write(table, slot, self.address(next) | TABLE | VALID);
                Ok(next)
            }
        }
    }

    fn allocate(&mut self) -> Option<usize> {
        let next = self.used;
        let table = self.tables.get_mut(next)?;
        for entry in &mut table.0 {
            write(entry, 0);
        }
        self.used += 1;
        Some(next)
    }

    fn entry(&self, table: usize, slot: usize) -> Entry {
        match self.tables[table].0[slot] {
            0 => Entry::Nothing,
            entry if entry & TABLE == 0 => Entry::Block(entry),
            entry => Entry::Table(((entry & ADDRESS) - self.address(0)) as usize / size_of::<Table>()),
        }
    }

    fn write(&mut self, table: usize, slot: usize, entry: u64) {
        write(&mut self.tables[table].0[slot], entry);
    }

    /// Tables lie where the table walk finds them.
    fn address(&self, table: usize) -> u64 {
        (&raw const self.tables[table]).addr() as u64
    }
}

/// Volatile: the table walk reads what is written; and it is no `memset`, which may need the MMU.
fn write(entry: &mut u64, value: u64) {
    // SAFETY: the caller's own `u64`.
    unsafe { (&raw mut *entry).write_volatile(value) };
}

const fn index(at: u64, shift: u32) -> usize {
    (at >> shift) as usize % ENTRIES
}

/// Whether memory is to be mapped where memory is, or a device where a device is.
const fn is_same_memory(held: u64, wanted: u64) -> bool {
    (held ^ wanted) & DEVICE == 0
}

#[cfg(test)]
mod tests;
