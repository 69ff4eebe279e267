//! The rule that no page is both writable and executable, checked on the tables as the processor sees them.

use phalanx_arch_api::{Hpa, Hva};

use super::entry::{self, NO_EXECUTE, PRESENT, USER, WRITABLE};
use super::mapper::TableMemory;

/// What is wrong with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// Code could be written there and run.
    WritableAndExecutable,
    /// User mode could use it; the kernel has no user mode.
    UserAccessible,
}

/// A page that breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Its first address.
    pub address: Hva,
    /// What is wrong.
    pub kind: FlawKind,
}

/// Walks all tables at `root`: rights are what all levels of the walk allow together.
///
/// # Errors
/// The first [`Flaw`] in the order of addresses.
pub fn check(memory: &impl TableMemory, root: Hpa) -> Result<(), Flaw> {
    walk(memory, root, 4, 0, WRITABLE | USER)
}

/// Checks one table. `allowed` holds what the levels above allow, as bits of an entry: writes and user mode only where
/// every level says so, no execution as soon as one level forbids it.
fn walk(memory: &impl TableMemory, table: Hpa, level: u32, base: u64, allowed: u64) -> Result<(), Flaw> {
    for index in 0..512_u64 {
        let value = memory.read(table, index as usize);
        if value & PRESENT == 0 {
            continue;
        }
        let address = base | index << (12 + 9 * (level - 1));
        let rights = allowed & value & (WRITABLE | USER) | (allowed | value) & NO_EXECUTE;
        if entry::is_leaf(value, level) {
            check_leaf(canonical(address), rights)?;
        } else {
            walk(memory, entry::frame(value), level - 1, address, rights)?;
        }
    }
    Ok(())
}

fn check_leaf(address: Hva, rights: u64) -> Result<(), Flaw> {
    if rights & USER != 0 {
        return Err(Flaw { address, kind: FlawKind::UserAccessible });
    }
    if rights & WRITABLE != 0 && rights & NO_EXECUTE == 0 {
        return Err(Flaw { address, kind: FlawKind::WritableAndExecutable });
    }
    Ok(())
}

/// Copies bit 47 into the bits above it.
const fn canonical(address: u64) -> Hva {
    Hva::new(((address << 16) as i64 >> 16) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::super::{Access, Features, Mapping, map};
    use super::*;

    const ROOT: Hpa = Hpa::new(0);

    fn model_with(access: Access) -> Model {
        let mut model = Model::new();
        let features = Features { gigabyte_pages: true, no_execute: true };
        let mapping = Mapping { virt: Hva::new(0xffff_ffff_8000_0000), phys: Hpa::new(0), length: 0x3000, access };
        map(&mut model, ROOT, features, mapping).unwrap();
        model
    }

    #[test]
    fn every_access_kind_passes() {
        for access in [Access::ReadOnly, Access::ReadWrite, Access::ReadExecute, Access::Device] {
            assert_eq!(check(&model_with(access), ROOT), Ok(()));
        }
    }

    #[test]
    fn a_writable_executable_page_is_found() {
        let mut model = model_with(Access::ReadExecute);
        model.tables[3][1] |= WRITABLE;
        let flaw = Flaw { address: Hva::new(0xffff_ffff_8000_1000), kind: FlawKind::WritableAndExecutable };
        assert_eq!(check(&model, ROOT), Err(flaw));
        model.tables[2][0] |= NO_EXECUTE;
        assert_eq!(check(&model, ROOT), Ok(()));
    }

    #[test]
    fn a_user_page_is_found_only_if_all_levels_agree() {
        let mut model = model_with(Access::ReadOnly);
        model.tables[3][0] |= USER;
        assert_eq!(check(&model, ROOT), Ok(()));
        model.tables[0][511] |= USER;
        model.tables[1][510] |= USER;
        model.tables[2][0] |= USER;
        let flaw = Flaw { address: Hva::new(0xffff_ffff_8000_0000), kind: FlawKind::UserAccessible };
        assert_eq!(check(&model, ROOT), Err(flaw));
    }

    #[test]
    fn tables_without_no_execute_fail() {
        let mut model = Model::new();
        let features = Features { gigabyte_pages: true, no_execute: false };
        let mapping = Mapping { virt: Hva::new(0), phys: Hpa::new(0), length: 1 << 30, access: Access::ReadWrite };
        map(&mut model, ROOT, features, mapping).unwrap();
        assert!(check(&model, ROOT).is_err());
    }
}
