//! The guest's own page tables: the processor writes accessed and dirty bits into them.

use crate::log::Expected;
use crate::pages::area;
use guest_rt::{cpu, paging};

/// The slot of the top table that the tables of this test hang in; the runtime uses it for nothing.
const SLOT: u64 = 7;
const PRESENT_WRITABLE: u64 = 3;

/// Pages: three tables, and two that they show.
struct Tree {
    pointers: u64,
    directory: u64,
    table: u64,
    read: u64,
    written: u64,
}

impl Tree {
    fn all(&self) -> [u64; 3] {
        [self.pointers, self.directory, self.table]
    }
}

fn set(table: u64, index: u64, entry: u64) {
    // SAFETY: tables of this test, or a slot that is not in use.
    unsafe { ((table + 8 * index) as *mut u64).write_volatile(entry) };
}

pub(crate) fn run() {
    let [pointers, directory, table, read, written] = core::array::from_fn(|index| area(700 + index as u64));
    let tree = Tree { pointers, directory, table, read, written };
    build(&tree);
    first_access(&tree);
    further_reads(&tree);
    first_write(&tree);
    set(paging::root(), SLOT, 0);
    flush();
    Expected::new("tables-gone").compare();
}

fn build(tree: &Tree) {
    let mut expected = Expected::new("tables-built");
    set(tree.table, 0, tree.read | PRESENT_WRITABLE);
    set(tree.table, 1, tree.written | PRESENT_WRITABLE);
    set(tree.directory, 0, tree.table | PRESENT_WRITABLE);
    set(tree.pointers, 0, tree.directory | PRESENT_WRITABLE);
    set(paging::root(), SLOT, tree.pointers | PRESENT_WRITABLE);
    tree.all().into_iter().for_each(|table| expected.page(table));
    expected.compare();
}

/// Forgets what the processor has cached of the guest's tables.
fn flush() {
    // SAFETY: the same tables.
    unsafe { cpu::write_cr3(cpu::read_cr3()) };
}

fn window(page: u64) -> *mut u64 {
    (SLOT << 39 | page << 12) as *mut u64
}

/// The first read sets an accessed bit in each table, and writes nothing else.
fn first_access(tree: &Tree) {
    let mut expected = Expected::new("tables-accessed");
    // SAFETY: the tables show a page of this test there.
    unsafe { window(0).read_volatile() };
    tree.all().into_iter().for_each(|table| expected.page(table));
    expected.compare();
}

/// Further walks have nothing to write, but processors count them as writes.
fn further_reads(tree: &Tree) {
    let mut expected = Expected::new("tables-walked");
    flush();
    // SAFETY: as above.
    unsafe { window(0).read_volatile() };
    tree.all().into_iter().for_each(|table| expected.walked(table));
    expected.compare();
}

/// A write sets the dirty bit in the last table, and writes the page.
fn first_write(tree: &Tree) {
    let mut expected = Expected::new("tables-dirtied");
    // SAFETY: as above.
    unsafe { window(1).write_volatile(1) };
    expected.walked(tree.pointers);
    expected.walked(tree.directory);
    expected.page(tree.table);
    expected.page(tree.written);
    expected.compare();
}
