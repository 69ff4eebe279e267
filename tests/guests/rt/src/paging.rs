//! The guest's own page tables.
//!
//! Identity map: the first 4 GiB in 2 MiB pages (uncached from 3 GiB up, where the devices are), the rest up to 512 GiB
//! in 1 GiB pages where the processor has them. The same tables serve ring 3 at [`USER_ALIAS`]. A window of 4 KiB pages
//! shows any other physical address.

use crate::racy::Racy;
use crate::{cpu, cpuid};

/// Ring 3 sees physical address `a` at `USER_ALIAS + a`.
pub const USER_ALIAS: u64 = 2 << 39;
/// Where the window begins.
const WINDOW: u64 = 1 << 39;
/// Number of 4 KiB pages in the window.
pub const WINDOW_PAGES: usize = 512;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// PWT and PCD: uncached.
pub const UNCACHED: u64 = 1 << 3 | 1 << 4;
const LARGE: u64 = 1 << 7;
const GIB: u64 = 1 << 30;

#[repr(C, align(4096))]
struct Table([u64; 512]);

const EMPTY: Table = Table([0; 512]);
static PML4: Racy<Table> = Racy::new(EMPTY);
static IDENTITY_PDPT: Racy<Table> = Racy::new(EMPTY);
static IDENTITY_PD: [Racy<Table>; 4] = [const { Racy::new(EMPTY) }; 4];
static WINDOW_PDPT: Racy<Table> = Racy::new(EMPTY);
static WINDOW_PD: Racy<Table> = Racy::new(EMPTY);
static WINDOW_PT: Racy<Table> = Racy::new(EMPTY);

fn set(table: &Racy<Table>, index: usize, entry: u64) {
    // SAFETY: tables are written by the first CPU only; stale translations are dropped by the callers.
    unsafe { (&raw mut (*table.get()).0[index]).write_volatile(entry) };
}

fn link(table: &Racy<Table>, index: usize, next: &Racy<Table>, flags: u64) {
    set(table, index, next.get() as u64 | PRESENT | WRITABLE | flags);
}

/// Builds the tables and switches to them.
pub(crate) fn init() {
    for (gib, directory) in IDENTITY_PD.iter().enumerate() {
        link(&IDENTITY_PDPT, gib, directory, USER);
        let cache = if gib == 3 { UNCACHED } else { 0 };
        for index in 0..512 {
            let address = gib as u64 * GIB + index as u64 * 0x20_0000;
            set(directory, index, address | LARGE | PRESENT | WRITABLE | USER | cache);
        }
    }
    if cpuid::has_gigabyte_pages() {
        for gib in 4..512 {
            set(&IDENTITY_PDPT, gib, (gib as u64 * GIB) | LARGE | PRESENT | WRITABLE | USER);
        }
    }
    link(&PML4, 0, &IDENTITY_PDPT, 0);
    link(&PML4, (WINDOW >> 39) as usize, &WINDOW_PDPT, 0);
    link(&PML4, (USER_ALIAS >> 39) as usize, &IDENTITY_PDPT, USER);
    link(&WINDOW_PDPT, 0, &WINDOW_PD, 0);
    link(&WINDOW_PD, 0, &WINDOW_PT, 0);
    // SAFETY: the identity map covers the image, its stack and its data.
    unsafe { cpu::write_cr3(root()) };
}

/// Physical address of the top table.
pub fn root() -> u64 {
    PML4.get() as u64
}

/// First physical address that the identity map does not reach.
pub fn identity_end() -> u64 {
    if cpuid::has_gigabyte_pages() { 512 * GIB } else { 4 * GIB }
}

/// Shows the page of physical address `pa` in `slot` of the window, with extra entry bits `flags` (such as
/// [`UNCACHED`]); returns where `pa` is seen.
pub fn window(slot: usize, pa: u64, flags: u64) -> *mut u8 {
    let slot = slot % WINDOW_PAGES;
    set(&WINDOW_PT, slot, (pa & !0xfff) | PRESENT | WRITABLE | flags);
    let va = WINDOW + slot as u64 * 4096;
    cpu::invalidate_page(va);
    (va | pa & 0xfff) as *mut u8
}

/// Removes what `slot` of the window shows.
pub fn close_window(slot: usize) {
    let slot = slot % WINDOW_PAGES;
    set(&WINDOW_PT, slot, 0);
    cpu::invalidate_page(WINDOW + slot as u64 * 4096);
}

/// Sets a raw entry in `slot` of the window, for tests of malformed ones; returns the page's address.
pub fn raw_window(slot: usize, entry: u64) -> *mut u8 {
    let slot = slot % WINDOW_PAGES;
    set(&WINDOW_PT, slot, entry);
    let va = WINDOW + slot as u64 * 4096;
    cpu::invalidate_page(va);
    va as *mut u8
}
