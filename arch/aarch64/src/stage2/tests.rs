//! Descriptors and registers against the manual, trees of descriptors against a walk of their own.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use proptest::prelude::*;

use super::*;

mod history;

const LEVELS: [Level; 3] = [Level::L1, Level::L2, Level::L3];
const PERMISSIONS: [Permissions; 4] = [Permissions::R, Permissions::RW, Permissions::RX, Permissions::RWX];
const TYPES: [MemoryType; 2] = [MemoryType::WriteBack, MemoryType::Uncached];

fn leaves() -> impl Iterator<Item = (Level, Permissions, MemoryType)> {
    LEVELS.into_iter().flat_map(|level| {
        PERMISSIONS.into_iter().flat_map(move |permissions| TYPES.map(|memory| (level, permissions, memory)))
    })
}

#[test]
fn leaves_round_trip() {
    for (level, permissions, memory_type) in leaves() {
        let output = Hpa::new(5 * level.bytes());
        let leaf = Entry::Leaf { output, permissions, memory_type };
        assert_eq!(Stage2::decode(level, Stage2::encode_leaf(level, output, permissions, memory_type)), leaf);
        for vhe in [false, true] {
            let value = host::encode_leaf(vhe, level, output, permissions, memory_type);
            assert_eq!(HostPaging::decode(level, value), leaf);
        }
    }
}

#[test]
fn golden_values_of_stage_2() {
    let (page, block) = (Hpa::new(0x4123_5000), Hpa::new(0x4020_0000));
    assert_eq!(Stage2::encode_table(page), 0x4123_5003);
    let leaf = Stage2::encode_leaf(Level::L1, page, Permissions::RWX, MemoryType::WriteBack);
    assert_eq!(leaf, 0x4123_57ff);
    let leaf = Stage2::encode_leaf(Level::L2, block, Permissions::RWX, MemoryType::WriteBack);
    assert_eq!(leaf, 0x4020_07fd);
    let leaf = Stage2::encode_leaf(Level::L2, block, Permissions::RX, MemoryType::WriteBack);
    assert_eq!(leaf, 0x4020_077d);
    let leaf = Stage2::encode_leaf(Level::L1, page, Permissions::RW, MemoryType::Uncached);
    assert_eq!(leaf, 0x40_0000_4123_57c7);
}

#[test]
fn memory_attributes_with_forced_write_back() {
    assert_eq!((normal(false), normal(true)), (0x3c, 0x18));
    let leaf = Stage2::encode_leaf(Level::L1, Hpa::new(0x1000), Permissions::RWX, MemoryType::WriteBack);
    assert_eq!(Stage2::decode(Level::L1, leaf & !ATTRIBUTES | FORCED_NORMAL), Stage2::decode(Level::L1, leaf));
}

#[test]
fn golden_values_of_the_host() {
    let (page, block) = (Hpa::new(0x4123_5000), Hpa::new(0x4020_0000));
    let leaf = |vhe, permissions, memory| host::encode_leaf(vhe, Level::L1, page, permissions, memory);
    let normal = MemoryType::WriteBack;
    assert_eq!(leaf(false, Permissions::RX, normal), 0x4123_57c7);
    assert_eq!(leaf(true, Permissions::RX, normal), 0x4123_5787);
    assert_eq!(leaf(false, Permissions::RW, normal), 0x40_0000_4123_5747);
    assert_eq!(leaf(true, Permissions::RW, normal), 0x60_0000_4123_5707);
    assert_eq!(leaf(true, Permissions::RW, MemoryType::Uncached), 0x60_0000_4123_5703);
    let leaf = host::encode_leaf(true, Level::L2, block, Permissions::R, normal);
    assert_eq!(leaf, 0x60_0000_4020_0785);
    assert_eq!(HostPaging::encode_table(page), 0x4123_5003);
    assert_eq!(HOST_MAIR, 0xff04);
}

#[test]
fn tables_and_what_translates_nothing() {
    for level in [Level::L2, Level::L3, Level::L4] {
        let table = Hpa::new(0x7000);
        assert_eq!(Stage2::decode(level, Stage2::encode_table(table)), Entry::Table(table));
        assert_eq!(HostPaging::decode(level, 0), Entry::Absent);
    }
    // Reserved: a block at the last level, and a block of 512 GiB.
    assert_eq!(Stage2::decode(Level::L1, 1), Entry::Absent);
    assert_eq!(Stage2::decode(Level::L4, 1), Entry::Absent);
    assert_eq!(Stage2::decode(Level::L1, !1), Entry::Absent);
}

#[test]
fn depth_and_width() {
    let of = |bits| (Geometry::new(bits).root(), Geometry::new(bits).bits());
    assert_eq!(of(0), (Level::L3, 32));
    assert_eq!(of(36), (Level::L3, 36));
    assert_eq!(of(40), (Level::L3, 39));
    assert_eq!(of(42), (Level::L3, 39));
    assert_eq!(of(44), (Level::L4, 44));
    assert_eq!(of(48), (Level::L4, 48));
    assert_eq!(of(52), (Level::L4, 48));
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(address_bits), [32, 36, 40, 42, 44, 48, 48, 48]);
}

#[test]
fn golden_values_of_vtcr() {
    // cortex-a53 (40 bits), cortex-a72 (44 bits), neoverse-n1 and max (48 bits).
    assert_eq!(Geometry::new(36).vtcr(), 0x8001_355c);
    assert_eq!(Geometry::new(40).vtcr(), 0x8002_3559);
    assert_eq!(Geometry::new(44).vtcr(), 0x8004_3594);
    assert_eq!(Geometry::new(48).vtcr(), 0x8005_3590);
}

#[test]
fn reach() {
    let reaches = |bits, first, last| Geometry::new(bits).reaches(Gpa::new(first), Gpa::new(last));
    assert!(reaches(40, 0, (1 << 39) - 1));
    assert!(!reaches(40, 0, 1 << 39));
    assert!(reaches(44, 0, (1 << 44) - 1));
    assert!(!reaches(44, 0, 1 << 44));
    assert!(!reaches(48, 2, 1));
    assert!(HostPaging::reaches(phalanx_arch_api::Hva::new(0), phalanx_arch_api::Hva::new((1 << 48) - 1)));
}

#[test]
fn the_chosen_geometry_is_used() {
    // Not changed here: other tests run at the same time.
    assert_eq!((Stage2::root(), vtcr()), (geometry().root(), geometry().vtcr()));
    assert!(!Stage2::reaches(Gpa::new(0), Gpa::new(1 << 48)));
}

proptest! {
    /// Decoding is total, and what it calls a leaf or a table has an address that an entry can hold.
    #[test]
    fn decoding_is_total(value in any::<u64>(), level in 0..4_usize) {
        let level = [Level::L1, Level::L2, Level::L3, Level::L4][level];
        for entry in [Stage2::decode(level, value), HostPaging::decode(level, value)] {
            match entry {
                Entry::Absent => {}
                Entry::Table(table) => prop_assert!(table.is_aligned(4096) && table.as_u64() >> 48 == 0),
                Entry::Leaf { output, .. } => {
                    prop_assert!(output.is_aligned(level.bytes()) && output.as_u64() >> 48 == 0);
                }
            }
        }
    }
}
