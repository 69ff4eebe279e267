//! Second-level tables that show exactly a domain's RAM.

use std::vec::Vec;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::table::{Entry, Level, MapError, Mapping, MemoryType, Permissions, TableFormat};
use phalanx_arch_api::{Gpa, Hpa};

use super::{GIB, MIB, imaginary, physical};
use crate::mem::{AddressSpace, BuildError, FrameAllocator, GuestRam};

/// A format with leaves of 2 MiB: bit 0 present, bit 1 leaf, bit 2 an uncached one that cannot be executed. All others
/// grant everything.
#[derive(Debug)]
enum Toy {}

impl TableFormat for Toy {
    type Input = Gpa;
    const OUTPUT_BITS: u32 = 52;
    const NEEDS_BREAK_BEFORE_MAKE: bool = false;

    fn largest_leaf() -> Level {
        Level::L2
    }

    fn encode_table(table: Hpa) -> u64 {
        table.as_u64() | 1
    }

    fn encode_leaf(_: Level, output: Hpa, permissions: Permissions, memory_type: MemoryType) -> u64 {
        match (permissions, memory_type) {
            (Permissions::RWX, MemoryType::WriteBack) => output.as_u64() | 3,
            (Permissions::RW, MemoryType::Uncached) => output.as_u64() | 7,
            other => panic!("neither RAM nor a window: {other:?}"),
        }
    }

    fn decode(_: Level, value: u64) -> Entry {
        let output = Hpa::new(value).align_down(FRAME_SIZE);
        match value & 7 {
            1 => Entry::Table(output),
            7 => Entry::Leaf { output, permissions: Permissions::RW, memory_type: MemoryType::Uncached },
            3 => Entry::Leaf { output, permissions: Permissions::RWX, memory_type: MemoryType::WriteBack },
            _ => Entry::Absent,
        }
    }
}

/// Memory for tables, and imaginary RAM above it.
fn machine() -> FrameAllocator {
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(MIB, MIB)).unwrap();
    allocator.add(imaginary(2 * GIB / FRAME_SIZE, GIB / FRAME_SIZE)).unwrap();
    allocator
}

fn build(allocator: &mut FrameAllocator, regions: &[(u64, u64)]) -> (GuestRam, AddressSpace<Toy>) {
    let regions = regions.iter().map(|(at, bytes)| (Gpa::new(*at), *bytes));
    let ram = GuestRam::allocate(allocator, regions).unwrap();
    let space = AddressSpace::build(&ram, core::iter::empty, allocator).unwrap();
    (ram, space)
}

#[test]
fn every_region_and_nothing_else_is_mapped() {
    let mut allocator = machine();
    let (ram, space) = build(&mut allocator, &[(0, 6 * MIB), (4 * GIB, 4 * MIB + 3 * FRAME_SIZE)]);
    for place in ram.regions() {
        for offset in [0, 0x123, FRAME_SIZE, 2 * MIB, place.bytes - 1] {
            let found = space.translate(Gpa::new(place.gpa.as_u64() + offset)).unwrap();
            assert_eq!(found.output.as_u64(), place.hpa.as_u64() + offset);
        }
        assert_eq!(space.translate(place.gpa).unwrap().level, Level::L2);
        assert_eq!(space.translate(place.end()), None);
    }
    assert_eq!(space.translate(Gpa::new(4 * GIB - 1)), None);
    assert_eq!(space.translate(Gpa::new(u64::MAX)), None);
    assert!(space.root().is_aligned(FRAME_SIZE));
    // The root, one of level 3 for all, one of level 2 each, and one for the three pages at the end.
    assert_eq!(space.tables_used(), 5);
}

/// A window of two pages.
const WINDOW: Mapping<Gpa> = Mapping {
    input: Gpa::new(0x801_0000),
    output: Hpa::new(0x1_2345_6000),
    bytes: 2 * FRAME_SIZE,
    permissions: Permissions::RW,
    memory_type: MemoryType::Uncached,
};

#[test]
fn windows_into_hardware_are_mapped_as_they_are_given() {
    let mut allocator = machine();
    let ram = GuestRam::allocate(&mut allocator, [(Gpa::new(GIB), 4 * MIB)].into_iter()).unwrap();
    let space = AddressSpace::<Toy>::build(&ram, || core::iter::once(WINDOW), &mut allocator).unwrap();
    let found = space.translate(Gpa::new(0x801_1234)).unwrap();
    assert_eq!((found.output, found.permissions), (Hpa::new(0x1_2345_7234), Permissions::RW));
    assert_eq!(space.translate(Gpa::new(0x800_ffff)), None);
    assert_eq!(space.translate(Gpa::new(0x801_2000)), None);
    assert!(space.translate(Gpa::new(GIB)).is_some());
}

#[test]
fn a_window_over_ram_is_refused() {
    let mut allocator = machine();
    let ram = GuestRam::allocate(&mut allocator, [(Gpa::new(0), 256 * MIB)].into_iter()).unwrap();
    let before = allocator.memory();
    let error = AddressSpace::<Toy>::build(&ram, || core::iter::once(WINDOW), &mut allocator).unwrap_err();
    assert_eq!((error, allocator.memory()), (BuildError::Map(MapError::AlreadyMapped), before));
}

#[test]
fn destroy_gives_the_tables_back() {
    let mut allocator = machine();
    let (_ram, space) = build(&mut allocator, &[(0, 64 * MIB)]);
    let with_tables = allocator.memory();
    space.destroy(&mut allocator);
    let without = allocator.memory();
    assert!((1..=10).contains(&((without.free - with_tables.free) / FRAME_SIZE)));
    assert_eq!(without.free, without.total - 64 * MIB);
}

#[test]
fn no_memory_for_tables_is_said() {
    let mut allocator = machine();
    let regions = [(Gpa::new(0), GIB)];
    let ram = GuestRam::allocate(&mut allocator, regions.into_iter()).unwrap();
    let mut full = FrameAllocator::new();
    full.add(physical(0, FRAME_SIZE)).unwrap();
    let error = AddressSpace::<Toy>::build(&ram, core::iter::empty, &mut full).unwrap_err();
    assert!(matches!(error, BuildError::Tables(error) if error.memory.free == FRAME_SIZE && error.asked > FRAME_SIZE));
}

#[test]
fn a_range_that_cannot_be_mapped_costs_no_memory() {
    let mut allocator = machine();
    let regions = [(Gpa::new(1 << 48), 2 * MIB)];
    let ram = GuestRam::allocate(&mut allocator, regions.into_iter()).unwrap();
    let before = allocator.memory();
    assert!(matches!(AddressSpace::<Toy>::build(&ram, core::iter::empty, &mut allocator), Err(BuildError::Map(_))));
    assert_eq!(allocator.memory(), before);
}

#[test]
fn small_pages_where_the_machine_gives_no_more() {
    let mut allocator = FrameAllocator::new();
    allocator.add(physical(MIB, 2 * MIB)).unwrap();
    let scattered: Vec<_> = (0..2).map(|number| (number * 8 * MIB, MIB / 2)).collect();
    let (ram, space) = build(&mut allocator, &scattered);
    for place in ram.regions() {
        let found = space.translate(Gpa::new(place.end().as_u64() - 1)).unwrap();
        assert_eq!((found.level, found.output.as_u64()), (Level::L1, place.hpa.as_u64() + place.bytes - 1));
    }
}
