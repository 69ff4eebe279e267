//! The start info of PVH, which kernels in long mode and flat binaries get too (Xen, `public/arch-x86/hvm/start_info.h`).

use zerocopy::little_endian::{U32, U64};
use zerocopy::{Immutable, IntoBytes};

use super::place_cmdline;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::x86_64::layout::{ACPI, BOOT_INFO, CMDLINE, CMDLINE_MAX, HOLE};
use crate::x86_64::memory_map::{self, MapEntry};

const MAGIC: u32 = 0x336e_c578;
const VERSION: u32 = 1;
/// Types of the memory map are those of E820.
const USABLE: u32 = 1;
const RESERVED: u32 = 2;

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct StartInfo {
    magic: U32,
    version: U32,
    flags: U32,
    nr_modules: U32,
    modlist_paddr: U64,
    cmdline_paddr: U64,
    rsdp_paddr: U64,
    memmap_paddr: U64,
    memmap_entries: U32,
    reserved: U32,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Module {
    paddr: U64,
    size: U64,
    cmdline_paddr: U64,
    reserved: U64,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct MapLine {
    addr: U64,
    size: U64,
    kind: U32,
    reserved: U32,
}

/// Puts command line, initrd and start info into RAM; the start info is at [`BOOT_INFO`].
pub(super) fn place(program: &Program<'_>, ram: &mut Ram) -> Result<(), Refusal> {
    place_cmdline(program, program.cmdline, CMDLINE_MAX, ram)?;
    let modules: Vec<_> = program.place_initrd(HOLE, ram)?.into_iter().map(module).collect();
    let map: Vec<_> = memory_map::entries(ram.size()).into_iter().map(line).collect();
    let modules_at = BOOT_INFO + size_of::<StartInfo>() as u64;
    let map_at = modules_at + size_of_val(modules.as_slice()) as u64;
    let info = StartInfo {
        magic: MAGIC.into(),
        version: VERSION.into(),
        flags: U32::ZERO,
        nr_modules: (modules.len() as u32).into(),
        modlist_paddr: if modules.is_empty() { U64::ZERO } else { modules_at.into() },
        cmdline_paddr: CMDLINE.into(),
        rsdp_paddr: ACPI.into(),
        memmap_paddr: map_at.into(),
        memmap_entries: (map.len() as u32).into(),
        reserved: U32::ZERO,
    };
    let bytes = [info.as_bytes(), modules.as_bytes(), map.as_bytes()].concat();
    ram.place(About::Memory, "the start info", BOOT_INFO, bytes)
}

fn module((paddr, size): (u64, u64)) -> Module {
    Module { paddr: paddr.into(), size: size.into(), cmdline_paddr: U64::ZERO, reserved: U64::ZERO }
}

fn line(entry: MapEntry) -> MapLine {
    let kind = if entry.usable { USABLE } else { RESERVED };
    MapLine { addr: entry.start.into(), size: entry.size.into(), kind: kind.into(), reserved: U32::ZERO }
}
