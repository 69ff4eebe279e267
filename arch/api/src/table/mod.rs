//! Translation tables: one mapper for every format.
//!
//! Host paging, NPT, EPT and stage-2 differ in how an entry is spelt, not in what a tree of tables is. A
//! [`TableFormat`] spells one entry, a [`TableMemory`] holds the tables, and [`Mapper`] does the rest:
//!
//! ```text
//! Mapper::map / unmap / protect / translate
//!    │ which entry, in which order, with which TLB maintenance
//!    ├── TableFormat: Entry ⇄ u64
//!    └── TableMemory: read, write, allocate, free, invalidate
//! Mapper::harvest
//!    └── SharedTables: clear bits that the hardware sets
//! ```
//!
//! The hardware may walk the tables at any moment. After every single write each input address translates as it did
//! before the operation or as it will after it; where the format needs break-before-make it may also translate to
//! nothing for a while. `tests/` checks that over the whole history of writes.

mod change;
mod entry;
mod format;
mod harvest;
mod level;
mod map;
mod mapper;
mod memory;
mod plan;
mod span;
mod unmap;

#[cfg(test)]
mod tests;

pub use entry::{Entry, MemoryType, Permissions};
pub use format::{InputAddress, TableFormat};
pub use level::{ENTRIES, Level};
pub use mapper::{MapError, Mapper, Mapping, Translation};
pub use memory::{SharedTables, TableMemory};
pub use plan::{page_tables_bound, tables_bound};
