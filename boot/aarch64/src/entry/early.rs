//! The one set of early page tables.

use core::cell::UnsafeCell;

use phalanx_handoff::PhysRange;

use super::image;
use crate::cpu;
use crate::tables::{CannotMap, Format, Kind, Tables};

/// The tables; the boot CPU's alone.
struct Early(UnsafeCell<Tables>);

// SAFETY: only `build_tables` and `map` touch it, both on the boot CPU before any other runs, one after the other.
unsafe impl Sync for Early {}

#[unsafe(link_section = ".bss.early_tables")]
static EARLY: Early = Early(UnsafeCell::new(Tables::UNUSED));

/// Called by `entry.s` while the MMU is off: makes tables for the image and the device tree that X0 points to.
///
/// Tells the root table's address. Written past the caches, the tables must not be hidden by what those hold.
pub(super) extern "C" fn build_tables(x0: u64, two_levels: u64) -> u64 {
    // SAFETY: see `Early`.
    let tables = unsafe { &mut *EARLY.0.get() };
    let root = tables.start(if two_levels == 0 { Format::Single } else { Format::El1 });
    // Whoever finds something not mapped says so.
    let _ = tables.map(image::range(), Kind::Image);
    if let Some(window) = image::device_tree_window(x0) {
        let _ = tables.map(window, Kind::Memory);
    }
    cpu::invalidate_cache((&raw const *tables).addr() as u64, tables.bytes_in_use() as u64);
    root
}

/// Maps what `range` touches to itself.
///
/// # Errors
/// [`CannotMap`].
pub(super) fn map(range: PhysRange, kind: Kind) -> Result<(), CannotMap> {
    // SAFETY: see `Early`.
    let tables = unsafe { &mut *EARLY.0.get() };
    let result = tables.map(range, kind);
    cpu::publish_tables();
    result
}
