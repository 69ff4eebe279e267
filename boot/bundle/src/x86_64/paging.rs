//! Identity-mapping page tables for kernels that start in long mode (AMD APM vol. 2, 5.3).

use zerocopy::IntoBytes;
use zerocopy::little_endian::U64;

use crate::x86_64::layout::{HOLE, PAGE_TABLES};

const ENTRIES: usize = 512;
const PAGE: u64 = 4096;
const LARGE_PAGE: u64 = 2 << 20;
/// Gigabytes that are mapped: one page directory each.
const GIGABYTES: u64 = 4;

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const WRITE_THROUGH: u64 = 1 << 3;
const CACHE_DISABLE: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;

/// The value of CR3.
pub(crate) const CR3: u64 = PAGE_TABLES;

/// The tables for [`PAGE_TABLES`]: the first 4 GiB map to themselves in 2 MiB pages, the hole below 4 GiB uncached.
pub(crate) fn tables() -> Vec<u8> {
    let first_directory = PAGE_TABLES + 2 * PAGE;
    let mut entries = vec![U64::ZERO; ENTRIES * 2];
    entries[0] = (PAGE_TABLES + PAGE + PRESENT + WRITABLE + ACCESSED).into();
    for gigabyte in 0..GIGABYTES {
        let directory = first_directory + gigabyte * PAGE;
        entries[ENTRIES + gigabyte as usize] = (directory + PRESENT + WRITABLE + ACCESSED).into();
    }
    let pages = (0..GIGABYTES << 30).step_by(LARGE_PAGE as usize);
    entries.extend(pages.map(|address| U64::new(address | leaf_attributes(address))));
    entries.as_bytes().to_vec()
}

fn leaf_attributes(address: u64) -> u64 {
    let cached = PRESENT | WRITABLE | ACCESSED | DIRTY | LARGE;
    if address < HOLE { cached } else { cached | WRITE_THROUGH | CACHE_DISABLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks the tables as a processor would, for an address below 512 GiB.
    fn translate(tables: &[u8], address: u64) -> Option<(u64, u64)> {
        let read = |table: u64, index: u64| {
            let at = (table - PAGE_TABLES + index % 512 * 8) as usize;
            let entry = u64::from_le_bytes(tables[at..at + 8].try_into().unwrap());
            (entry & PRESENT != 0).then_some(entry)
        };
        let pointers = read(CR3, address >> 39)? & !0xfff;
        let directory = read(pointers, address >> 30)? & !0xfff;
        let leaf = read(directory, address >> 21)?;
        Some(((leaf & !0x1f_ffff) + (address & 0x1f_ffff), leaf & 0xfff))
    }

    #[test]
    fn four_gigabytes_map_to_themselves() {
        let tables = tables();
        assert_eq!(tables.len(), 6 * 4096);
        for address in [0, 0x1f_ffff, 0x20_0000, 0x3fff_ffff, 0x4000_0000, 0xbfff_ffff] {
            assert_eq!(translate(&tables, address), Some((address, 0xe3)));
        }
        for address in [0xc000_0000, 0xfec0_0000, 0xfee0_0abc, 0xffff_ffff] {
            assert_eq!(translate(&tables, address), Some((address, 0xfb)), "uncached");
        }
        assert_eq!(translate(&tables, 1 << 32), None);
    }
}
