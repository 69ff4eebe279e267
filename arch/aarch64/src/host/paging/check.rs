//! The rule that no page is both writable and executable, checked on the tables as the processor sees them.

use phalanx_arch_api::table::{ENTRIES, Entry, Level, TableFormat, TableMemory};
use phalanx_arch_api::{Hfn, Hpa, Hva};

/// A page, by its first address, that is writable and executable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writable(pub Hva);

/// Walks all tables at `root`. The tables of this format restrict nothing above the leaves.
///
/// # Errors
/// The first page that breaks the rule, in the order of addresses.
pub fn check<F: TableFormat<Input = Hva>>(memory: &impl TableMemory<Hva>, root: Hpa) -> Result<(), Writable> {
    walk::<F>(memory, Hfn::containing(root), F::root(), 0)
}

fn walk<F: TableFormat<Input = Hva>>(
    memory: &impl TableMemory<Hva>,
    table: Hfn,
    level: Level,
    base: u64,
) -> Result<(), Writable> {
    for index in 0..ENTRIES {
        let value = memory.read_entry(table, index);
        if value == 0 {
            continue;
        }
        let address = base | (index as u64) << level.shift();
        match (F::decode(level, value), level.below()) {
            (Entry::Leaf { permissions, .. }, _) if permissions.write && permissions.execute => {
                return Err(Writable(Hva::new(address)));
            }
            (Entry::Table(next), Some(below)) => walk::<F>(memory, Hfn::containing(next), below, address)?,
            _ => {}
        }
    }
    Ok(())
}
