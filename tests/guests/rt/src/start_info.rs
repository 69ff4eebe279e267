//! What the loader says about the machine: command line, memory map, ACPI.
//!
//! Copied out of `hvm_start_info` (Xen, public/arch-x86/hvm/start_info.h) before anything else, so that the guest may
//! overwrite all RAM but its own image.

use crate::racy::Racy;
use core::str::FromStr;

/// Most entries of the memory map that are kept.
const MAX_RANGES: usize = 16;
const MAX_CMDLINE: usize = 512;
const MAGIC: u32 = 0x336e_c578;
const TYPE_RAM: u32 = 1;

/// `hvm_start_info`, version 1.
#[repr(C)]
struct HvmStartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    cmdline: u64,
    rsdp: u64,
    memmap: u64,
    memmap_entries: u32,
    reserved: u32,
}

/// `hvm_memmap_table_entry`.
#[repr(C)]
struct MemmapEntry {
    address: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

/// A range of physical addresses in bytes, `end` excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First address.
    pub start: u64,
    /// First address after the range.
    pub end: u64,
}

struct Kept {
    cmdline: [u8; MAX_CMDLINE],
    length: usize,
    ram: [Range; MAX_RANGES],
    ranges: usize,
    rsdp: u64,
}

static KEPT: Racy<Kept> = Racy::new(Kept {
    cmdline: [0; MAX_CMDLINE],
    length: 0,
    ram: [Range { start: 0, end: 0 }; MAX_RANGES],
    ranges: 0,
    rsdp: 0,
});

/// Copies the start information at physical address `info`; an address that holds none leaves everything empty.
pub(crate) fn keep(info: u64) {
    // SAFETY: called once, before any reader exists.
    let kept = unsafe { &mut *KEPT.get() };
    // SAFETY: the loader's contract: RDI holds the address of an hvm_start_info in identity-mapped RAM.
    let info = unsafe { &*(info as *const HvmStartInfo) };
    if info.magic != MAGIC {
        return;
    }
    kept.rsdp = info.rsdp;
    keep_cmdline(kept, info.cmdline);
    if info.version >= 1 {
        keep_memory(kept, info);
    }
}

fn keep_cmdline(kept: &mut Kept, address: u64) {
    while address != 0 && kept.length < MAX_CMDLINE {
        // SAFETY: the command line is a NUL-terminated string in RAM; the loop stops at the NUL.
        let byte = unsafe { *((address + kept.length as u64) as *const u8) };
        if byte == 0 {
            break;
        }
        kept.cmdline[kept.length] = byte;
        kept.length += 1;
    }
}

fn keep_memory(kept: &mut Kept, info: &HvmStartInfo) {
    for index in 0..u64::from(info.memmap_entries) {
        // SAFETY: the table has `memmap_entries` entries in RAM.
        let entry = unsafe { &*((info.memmap + index * 24) as *const MemmapEntry) };
        if entry.kind == TYPE_RAM && kept.ranges < MAX_RANGES {
            kept.ram[kept.ranges] = Range { start: entry.address, end: entry.address + entry.size };
            kept.ranges += 1;
        }
    }
}

fn kept() -> &'static Kept {
    // SAFETY: written only by `keep`, before the guest's main runs.
    unsafe { &*KEPT.get() }
}

/// The command line.
pub fn cmdline() -> &'static str {
    core::str::from_utf8(&kept().cmdline[..kept().length]).unwrap_or("")
}

/// Whether `word` stands alone on the command line.
pub fn has_word(word: &str) -> bool {
    cmdline().split_ascii_whitespace().any(|w| w == word)
}

/// The text after `name=` on the command line.
pub fn text(name: &str) -> Option<&'static str> {
    let values = cmdline().split_ascii_whitespace().filter_map(|w| w.split_once('='));
    values.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back()
}

/// The value after `name=` on the command line, or `default`.
pub fn value<T: FromStr>(name: &str, default: T) -> T {
    text(name).and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The RAM ranges of the memory map.
pub fn ram() -> &'static [Range] {
    &kept().ram[..kept().ranges]
}

/// Physical address of the ACPI RSDP, 0 if the loader gave none.
pub fn rsdp() -> u64 {
    kept().rsdp
}

/// The bytes that the guest's own image, with its stacks and tables, takes.
pub fn image() -> Range {
    unsafe extern "C" {
        static __image_start: u8;
        static __image_end: u8;
    }
    Range { start: &raw const __image_start as u64, end: &raw const __image_end as u64 }
}
