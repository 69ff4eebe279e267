use phalanx_arch_api::Hpa;

use super::*;

extern crate std;
use std::boxed::Box;

fn tables(format: Format) -> Box<Tables> {
    let mut tables = Box::new(Tables::UNUSED);
    tables.start(format);
    tables
}

fn range(start: u64, len: u64) -> PhysRange {
    PhysRange::new(Hpa::new(start), len).unwrap()
}

/// What the table walk finds for an address: the block's start, its size, its attributes.
fn walk(tables: &Tables, address: u64) -> Option<(u64, u64, u64)> {
    let mut table = 0;
    for shift in [39, 30, 21] {
        match tables.entry(table, index(address, shift)) {
            Entry::Nothing => return None,
            Entry::Block(entry) => {
                let size = 1 << shift;
                assert!(size <= GIGABYTE);
                let start = entry & ADDRESS & !(size - 1);
                return Some((start, size, entry & !start));
            }
            Entry::Table(next) => table = next,
        }
    }
    None
}

#[test]
fn every_address_is_itself() {
    let mut tables = tables(Format::Single);
    tables.map(range(0x4020_0000, 0x1_2345), Kind::Image).unwrap();
    tables.map(range(0x4000_1000, 0x8000_0000), Kind::Memory).unwrap();
    tables.map(range(0x80_0900_0000, 0x1000), Kind::Device).unwrap();
    let memory = Format::Single.attributes(Kind::Memory);
    let device = Format::Single.attributes(Kind::Device);
    assert_eq!(walk(&tables, 0x4020_1234), Some((0x4020_0000, BLOCK, Format::Single.attributes(Kind::Image))));
    assert_eq!(walk(&tables, 0x4040_0000), Some((0x4040_0000, BLOCK, memory)));
    assert_eq!(walk(&tables, 0x9000_0000), Some((0x8000_0000, GIGABYTE, memory)));
    assert_eq!(walk(&tables, 0xc000_0fff), Some((0xc000_0000, BLOCK, memory)));
    assert_eq!(walk(&tables, 0x80_0900_0000), Some((0x80_0900_0000, BLOCK, device)));
    assert_eq!([walk(&tables, 0xc020_0000), walk(&tables, 0x3fff_ffff), walk(&tables, 0x80_0920_0000)], [None; 3]);
}

#[test]
fn permissions_fit_the_regime() {
    assert_eq!(Format::Single.attributes(Kind::Image), 0x741);
    assert_eq!(Format::Single.attributes(Kind::Device), 1 << 54 | 0x445);
    assert_eq!(Format::El1.attributes(Kind::Image), 1 << 54 | 0x701);
    assert_eq!(Format::El1.attributes(Kind::Memory), 3 << 53 | 0x701);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut tables = tables(Format::El1);
    assert_eq!(tables.map(range(REACH - 1, 2), Kind::Memory), Err(CannotMap));
    assert_eq!(tables.map(range(REACH - 1, 1), Kind::Memory), Ok(()));
    assert_eq!(tables.map(range(REACH - BLOCK, 1), Kind::Device), Err(CannotMap));
    assert_eq!(tables.map(range(0, GIGABYTE), Kind::Memory), Ok(()));
    assert_eq!(tables.map(range(0x1000, 1), Kind::Device), Err(CannotMap));
    let scattered = (1..100).try_for_each(|piece| tables.map(range(piece * GIGABYTE, 1), Kind::Memory));
    assert_eq!(scattered, Err(CannotMap));
    assert_eq!(tables.bytes_in_use(), size_of::<Tables>());
}
