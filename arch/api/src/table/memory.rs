//! Where tables live.
//!
//! [`SharedTables`] is for what happens while processors use the tables and write to them.

use crate::Hfn;

/// Holds tables, and keeps the TLBs honest about them.
pub trait TableMemory<I> {
    /// Reads one entry (`index` below 512) of a table that [`TableMemory::allocate`] gave.
    fn read_entry(&self, table: Hfn, index: usize) -> u64;

    /// Writes one entry with a single store. Stores become visible to table walkers in program order.
    fn write_entry(&mut self, table: Hfn, index: usize, value: u64);

    /// A zeroed frame for a table, or `None` when the quota is used up.
    fn allocate(&mut self) -> Option<Hfn>;

    /// Takes back a table that no entry and, after [`TableMemory::invalidate`], no cached entry points to.
    fn free(&mut self, table: Hfn);

    /// Makes every processor forget what it has cached about the `bytes` from `start`, intermediate entries included.
    ///
    /// State after: no access that uses the old entries is still under way. Called between break and make, after
    /// rights were taken away, and before a table is freed.
    fn invalidate(&mut self, start: I, bytes: u64);
}

/// Tables that the hardware changes while the hypervisor looks on.
pub trait SharedTables<I>: TableMemory<I> {
    /// Clears `bits` of one entry and returns what it was before, as one atomic operation: what a processor sets in the
    /// entry meanwhile is neither lost nor taken for cleared.
    fn clear_bits(&self, table: Hfn, index: usize, bits: u64) -> u64;
}
