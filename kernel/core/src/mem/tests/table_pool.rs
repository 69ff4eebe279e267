//! A domain's quota of tables.

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::{ENTRIES, TableMemory};
use phalanx_arch_api::{Hfn, Hpa};

use super::{MIB, physical};
use crate::mem::table_pool::TablePool;

fn pool(tables: u64) -> TablePool {
    TablePool::new(physical(MIB, tables * FRAME_SIZE).into_hypervisor())
}

#[test]
fn the_quota_is_exact_and_tables_are_apart() {
    let mut pool = pool(3);
    let tables = [(); 3].map(|()| pool.allocate().unwrap());
    assert_eq!(pool.allocate(), None);
    for (number, table) in tables.into_iter().enumerate() {
        pool.write_entry(table, 0, number as u64 + 1);
        pool.write_entry(table, ENTRIES - 1, number as u64 + 10);
    }
    for (number, table) in tables.into_iter().enumerate() {
        assert_eq!(table.start(), Hpa::new(MIB + number as u64 * FRAME_SIZE));
        assert_eq!(pool.read_entry(table, 0), number as u64 + 1);
        assert_eq!(pool.read_entry(table, ENTRIES - 1), number as u64 + 10);
    }
}

#[test]
fn freed_tables_come_back_zeroed() {
    let mut pool = pool(3);
    let tables = [(); 3].map(|()| pool.allocate().unwrap());
    for table in tables {
        (0..ENTRIES).for_each(|index| pool.write_entry(table, index, u64::MAX));
    }
    pool.free(tables[1]);
    pool.free(tables[0]);
    assert_eq!([pool.allocate(), pool.allocate(), pool.allocate()], [Some(tables[0]), Some(tables[1]), None]);
    for table in &tables[..2] {
        assert!((0..ENTRIES).all(|index| pool.read_entry(*table, index) == 0));
    }
    assert_eq!(pool.read_entry(tables[2], 5), u64::MAX);
}

#[test]
fn frames_of_others_are_out_of_reach() {
    let mut pool = pool(1);
    let table = pool.allocate().unwrap();
    for other in [table.number() - 1, table.number() + 1, 0, u64::MAX].map(Hfn::new) {
        pool.write_entry(other, 0, 7);
        pool.free(other);
        assert_eq!(pool.read_entry(other, 0), 0);
    }
    pool.write_entry(table, ENTRIES, 7);
    assert_eq!(pool.read_entry(table, ENTRIES), 0);
    assert_eq!(pool.allocate(), None);
}
