//! The mapper: a tree of tables and what can be asked of it.

use core::marker::PhantomData;

use super::span::Span;
use super::{Entry, InputAddress, Level, MemoryType, Permissions, TableFormat, TableMemory};
use crate::{Hfn, Hpa};

/// Why an operation was refused. The translations are then as they were before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// [`TableMemory::allocate`] had no more.
    OutOfTables,
    /// An address or a length is not a multiple of 4 KiB, or the length is 0.
    Misaligned,
    /// A part of the range is mapped already.
    AlreadyMapped,
    /// A part of the range is not mapped.
    NotMapped,
    /// The format cannot translate these addresses or cannot hold this output.
    OutOfRange,
    /// The format cannot grant exactly these permissions.
    NotExpressible,
    /// The tree or the machine keeps no marks of what is written.
    NotTracked,
}

/// A contiguous range to map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping<I> {
    /// First address to translate.
    pub input: I,
    /// What it translates to.
    pub output: Hpa,
    /// Length, a multiple of 4 KiB.
    pub bytes: u64,
    /// What is allowed.
    pub permissions: Permissions,
    /// How it is cached.
    pub memory_type: MemoryType,
}

/// What an address translates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The byte's address.
    pub output: Hpa,
    /// What is allowed.
    pub permissions: Permissions,
    /// How it is cached.
    pub memory_type: MemoryType,
    /// The level of the leaf.
    pub level: Level,
}

/// A tree of tables of format `F`. Every call must be given the [`TableMemory`] that holds the tree.
#[derive(Debug)]
pub struct Mapper<F> {
    pub(super) root: Hfn,
    pub(super) tables: usize,
    /// The largest leaf that may be used.
    pub(super) largest: Level,
    /// The bit that new leaves lack: what marks them as written.
    pub(super) unmarked: u64,
    format: PhantomData<F>,
}

impl<F: TableFormat> Mapper<F> {
    /// An empty tree: one table.
    ///
    /// # Errors
    /// [`MapError::OutOfTables`].
    pub fn new(memory: &mut impl TableMemory<F::Input>) -> Result<Self, MapError> {
        let root = memory.allocate().ok_or(MapError::OutOfTables)?;
        Ok(Self { root, tables: 1, largest: F::largest_leaf(), unmarked: 0, format: PhantomData })
    }

    /// An empty tree that tells which pages are written: all its leaves are of 4 KiB, and [`Self::map`] makes them without
    /// the mark. [`Self::protect`] marks what it changes.
    ///
    /// # Errors
    /// [`MapError::NotTracked`] where the format has no mark, [`MapError::OutOfTables`].
    pub fn new_tracked(memory: &mut impl TableMemory<F::Input>) -> Result<Self, MapError> {
        let unmarked = F::dirty_mark();
        if unmarked == 0 {
            return Err(MapError::NotTracked);
        }
        Ok(Self { largest: Level::L1, unmarked, ..Self::new(memory)? })
    }

    /// The root table, for the register that starts a walk.
    #[must_use]
    pub const fn root(&self) -> Hpa {
        self.root.start()
    }

    /// Tables in the tree, the root included.
    #[must_use]
    pub const fn tables_used(&self) -> usize {
        self.tables
    }

    /// What a walk from the root finds for `input`.
    #[must_use]
    pub fn translate(&self, memory: &impl TableMemory<F::Input>, input: F::Input) -> Option<Translation> {
        if !F::reaches(input, input) {
            return None;
        }
        let address = input.to_bits();
        let (mut table, mut level) = (self.root, F::root());
        loop {
            match read::<F>(memory, table, level, level.index(address)) {
                Entry::Absent => return None,
                Entry::Table(next) => (table, level) = (Hfn::containing(next), level.below()?),
                Entry::Leaf { output, permissions, memory_type } => {
                    let output = Hpa::new(output.as_u64() | (address & (level.bytes() - 1)));
                    return Some(Translation { output, permissions, memory_type, level });
                }
            }
        }
    }

    /// Gives every table back. State before: no processor uses the tree or has cached any of it.
    pub fn destroy(mut self, memory: &mut impl TableMemory<F::Input>) {
        self.free_tree(memory, self.root, F::root());
    }

    /// Allocates a table and counts it.
    pub(super) fn new_table(&mut self, memory: &mut impl TableMemory<F::Input>) -> Result<Hfn, MapError> {
        let table = memory.allocate().ok_or(MapError::OutOfTables)?;
        self.tables += 1;
        Ok(table)
    }
}

/// Reads and decodes one entry.
pub(super) fn read<F: TableFormat>(
    memory: &impl TableMemory<F::Input>,
    table: Hfn,
    level: Level,
    index: usize,
) -> Entry {
    F::decode(level, memory.read_entry(table, index))
}

/// Tells the TLBs about a span.
pub(super) fn invalidate<F: TableFormat>(memory: &mut impl TableMemory<F::Input>, span: Span) {
    memory.invalidate(F::Input::from_bits(span.first), span.bytes());
}
