//! The information that the kernel gets (3.3), with its tables: memory map, modules, names.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromZeros, Immutable, IntoBytes};

use crate::program::Program;
use crate::ram::Ram;
use crate::x86_64::layout::{BOOT_INFO, CMDLINE, HIGH, LOW_END};
use crate::x86_64::memory_map::{self, MapEntry};

/// Information flags: memory, command line, modules, memory map, loader name (3.3).
const INFO_FLAGS: u32 = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
const LOADER_NAME: &[u8] = b"phalanx\0";

/// The information up to the loader's name; what would follow is not there.
#[derive(FromZeros, IntoBytes, Immutable)]
#[repr(C)]
struct Info {
    flags: U32,
    mem_lower: U32,
    mem_upper: U32,
    boot_device: U32,
    cmdline: U32,
    mods_count: U32,
    mods_addr: U32,
    syms: [U32; 4],
    mmap_length: U32,
    mmap_addr: U32,
    drives_length: U32,
    drives_addr: U32,
    config_table: U32,
    boot_loader_name: U32,
    rest: [U32; 12],
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Module {
    start: U32,
    end: U32,
    string: U32,
    reserved: U32,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct MapLine {
    size: U32,
    addr: U64,
    length: U64,
    kind: U32,
}

/// The information with its tables behind it: modules, memory map, names.
pub(super) fn information(program: &Program<'_>, initrd: Option<(u64, u64)>, ram: &Ram) -> Vec<u8> {
    let map: Vec<_> = memory_map::entries(ram.size()).into_iter().map(line).collect();
    let map_at = BOOT_INFO + size_of::<Info>() as u64;
    let loader_at = map_at + size_of_val(map.as_slice()) as u64;
    let modules_at = loader_at + LOADER_NAME.len() as u64;
    let string_at = modules_at + size_of::<Module>() as u64;
    let modules: Vec<_> = initrd
        .into_iter()
        .map(|(start, size)| Module {
            start: low(start),
            end: low(start + size),
            string: low(string_at),
            reserved: U32::ZERO,
        })
        .collect();
    let info = Info {
        flags: INFO_FLAGS.into(),
        mem_lower: low(LOW_END >> 10),
        mem_upper: low((memory_map::low_end(ram.size()) - HIGH) >> 10),
        cmdline: low(CMDLINE),
        mods_count: (modules.len() as u32).into(),
        mods_addr: low(modules_at),
        mmap_length: (size_of_val(map.as_slice()) as u32).into(),
        mmap_addr: low(map_at),
        boot_loader_name: low(loader_at),
        ..Info::new_zeroed()
    };
    let name = program.initrd.map(|initrd| format!("{:.255}\0", initrd.name)).unwrap_or_default();
    [info.as_bytes(), map.as_bytes(), LOADER_NAME, modules.as_bytes(), name.as_bytes()].concat()
}

fn line(entry: MapEntry) -> MapLine {
    MapLine {
        size: 20.into(),
        addr: entry.start.into(),
        length: entry.size.into(),
        kind: if entry.usable { 1 } else { 2 }.into(),
    }
}

/// A number that is known to fit into 32 bits.
fn low(value: u64) -> U32 {
    U32::new(u32::try_from(value).unwrap_or(u32::MAX))
}
