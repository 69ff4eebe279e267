//! How many tables a mapping needs, before there are any.

use super::{InputAddress, Level, Mapping, TableFormat};

/// An upper bound of the tables that mapping `mapping` adds to a tree, its root not counted.
///
/// With leaves of the largest size that both sides' alignment permits, a level above that size needs the tables that
/// the range touches; a level below it needs at most one table at each end of the range.
#[must_use]
pub fn tables_bound<F: TableFormat>(mapping: &Mapping<F::Input>) -> u64 {
    bound(mapping, F::root(), common_leaf::<F>(mapping.input.to_bits() ^ mapping.output.as_u64()))
}

/// As [`tables_bound`], for a tree that [`super::Mapper::new_tracked`] made: its leaves are all of 4 KiB.
#[must_use]
pub fn page_tables_bound<F: TableFormat>(mapping: &Mapping<F::Input>) -> u64 {
    bound(mapping, F::root(), Level::L1)
}

fn bound<I: InputAddress>(mapping: &Mapping<I>, root: Level, leaf: Level) -> u64 {
    let first = mapping.input.to_bits();
    let last = first.saturating_add(mapping.bytes.saturating_sub(1));
    let mut bound = 0;
    let mut above = root;
    while let Some(level) = above.below() {
        let touched = (last >> above.shift()) - (first >> above.shift()) + 1;
        bound += if level < leaf { touched.min(2) } else { touched };
        above = level;
    }
    bound
}

/// The largest leaf at whose multiples input and output can both begin; `difference` is the one XOR the other.
fn common_leaf<F: TableFormat>(difference: u64) -> Level {
    let mut leaf = F::largest_leaf();
    while let Some(below) = leaf.below() {
        if difference & (leaf.bytes() - 1) == 0 {
            break;
        }
        leaf = below;
    }
    leaf
}
