//! A domain's second-level address space: what its guest-physical addresses reach.

use phalanx_arch_api::table::{Level, page_tables_bound, tables_bound};
use phalanx_arch_api::table::{MapError, Mapper, Mapping, MemoryType, Permissions, TableFormat, Translation};
use phalanx_arch_api::{Gpa, Hpa};

use super::allocator::{AllocError, FrameAllocator};
use super::guest_ram::GuestRam;
use super::table_pool::TablePool;

/// Second-level tables in format `F` that map exactly the RAM of one domain, readable, writable and executable, and
/// the windows into hardware that every domain has.
#[derive(Debug)]
pub struct AddressSpace<F> {
    mapper: Mapper<F>,
    tables: TablePool,
}

/// Why an address space could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// No memory for the tables.
    Tables(AllocError),
    /// The RAM cannot be mapped.
    Map(MapError),
}

impl<F: TableFormat<Input = Gpa>> AddressSpace<F> {
    /// Builds the tables for `ram` and `windows`, with frames for all that they need. Where the RAM keeps a log, the tables
    /// tell which pages are written.
    ///
    /// # Errors
    /// [`BuildError`]; `allocator` is then as before.
    pub fn build<W: Iterator<Item = Mapping<Gpa>>>(
        ram: &GuestRam,
        windows: impl Fn() -> W,
        allocator: &mut FrameAllocator,
    ) -> Result<Self, BuildError> {
        let mappings = || mappings(ram).chain(windows());
        let bound = if ram.keeps_log() { page_tables_bound::<F> } else { tables_bound::<F> };
        let frames = 1 + mappings().map(|mapping| bound(&mapping)).sum::<u64>();
        let extent = allocator.allocate(frames, Level::L1).map_err(BuildError::Tables)?;
        let mut tables = TablePool::new(extent.into_hypervisor());
        match map_all(mappings(), ram.keeps_log(), &mut tables) {
            Ok(mapper) => Ok(Self { mapper, tables }),
            Err(error) => {
                give_back(tables, allocator);
                Err(BuildError::Map(error))
            }
        }
    }

    /// The root table.
    #[must_use]
    pub const fn root(&self) -> Hpa {
        self.mapper.root()
    }

    /// What `gpa` reaches.
    #[must_use]
    pub fn translate(&self, gpa: Gpa) -> Option<Translation> {
        self.mapper.translate(&self.tables, gpa)
    }

    /// Tables in use, the root included.
    #[must_use]
    pub const fn tables_used(&self) -> usize {
        self.mapper.tables_used()
    }

    /// Calls `found` for every page of the range that a guest wrote since the last call for it. Processors may go on
    /// writing by what they have cached: see [`Mapper::harvest`].
    ///
    /// # Errors
    /// [`MapError::NotTracked`] where the RAM keeps no log, [`MapError::Misaligned`], [`MapError::OutOfRange`].
    pub fn harvest(&self, gpa: Gpa, bytes: u64, found: impl FnMut(Gpa)) -> Result<(), MapError> {
        self.mapper.harvest(&self.tables, gpa, bytes, found)
    }

    /// Gives the tables back. State before: no processor uses them or has cached any of them.
    pub fn destroy(self, allocator: &mut FrameAllocator) {
        give_back(self.tables, allocator);
    }
}

/// The mappings that make `ram` visible.
fn mappings(ram: &GuestRam) -> impl Iterator<Item = Mapping<Gpa>> {
    ram.regions().map(|region| Mapping {
        input: region.gpa,
        output: region.hpa,
        bytes: region.bytes,
        permissions: Permissions::RWX,
        memory_type: MemoryType::WriteBack,
    })
}

fn map_all<F: TableFormat<Input = Gpa>>(
    mut mappings: impl Iterator<Item = Mapping<Gpa>>,
    tracked: bool,
    tables: &mut TablePool,
) -> Result<Mapper<F>, MapError> {
    let mut mapper = if tracked { Mapper::new_tracked(tables)? } else { Mapper::new(tables)? };
    mappings.try_for_each(|mapping| mapper.map(tables, mapping))?;
    Ok(mapper)
}

fn give_back(tables: TablePool, allocator: &mut FrameAllocator) {
    // A full list keeps the frames out of use; the accounts show them as allocated.
    allocator.free(tables.into_frames().release()).unwrap_or(());
}
