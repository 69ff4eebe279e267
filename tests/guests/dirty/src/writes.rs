//! Plain stores, reads, and string instructions.

use crate::log::Expected;
use crate::pages::{AREA_PAGES, PAGE, area};
use core::arch::asm;

/// Pages that a round of stores picks.
const PICKED: u64 = 100;

/// All rounds; which pages they write depends on the repetition.
pub(crate) fn run(repetition: u64) {
    Expected::new("nothing").compare();
    stores(repetition);
    again(repetition);
    reads();
    strings(repetition);
    crossing();
}

/// A store of a byte to the first or last address of pages all over the area.
fn pick(repetition: u64) -> impl Iterator<Item = u64> {
    let ends = |step: u64| if step.is_multiple_of(2) { 0 } else { PAGE - 1 };
    (0..PICKED).map(move |step| area((step * 7919 + repetition * 31) ^ (step << 3)) + ends(step))
}

fn store(address: u64) {
    // SAFETY: memory that only these rounds use.
    unsafe { (address as *mut u8).write_volatile(1) };
}

fn stores(repetition: u64) {
    let mut expected = Expected::new("stores");
    for address in pick(repetition) {
        store(address);
        expected.page(address);
    }
    expected.compare();
}

/// The same pages at once again: the processor knows them as written, and must have been made to forget.
fn again(repetition: u64) {
    let mut expected = Expected::new("stores-again");
    for address in pick(repetition) {
        store(address);
        expected.page(address);
    }
    expected.compare();
}

/// Reading all of the area is no writing.
fn reads() {
    for page in 0..AREA_PAGES {
        // SAFETY: memory that only these rounds use.
        unsafe { (area(page) as *const u64).read_volatile() };
    }
    Expected::new("reads").compare();
}

/// String instructions over page ends; what they read from stays clean.
fn strings(repetition: u64) {
    let mut expected = Expected::new("strings");
    let (set, from, to) = (area(10 + repetition), area(100), area(200 + repetition));
    // SAFETY: memory that only these rounds use.
    unsafe {
        asm!("rep stosb", inout("rdi") set + 0xff0 => _, inout("rcx") 0x2020_u64 => _, in("al") 7_u8, options(nostack));
        asm!(
            "rep movsq",
            inout("rsi") from + 8 => _, inout("rdi") to + 0x800 => _, inout("rcx") 0x300_u64 => _, options(nostack)
        );
    }
    expected.range(set + 0xff0, 0x2020);
    expected.range(to + 0x800, 0x300 * 8);
    expected.compare();
}

/// One store on two pages, a locked one that changes nothing, and a compare-exchange that fails: all of them write.
fn crossing() {
    let mut expected = Expected::new("crossing");
    let (edge, locked, failing) = (area(401), area(500), area(501));
    // SAFETY: memory that only these rounds use.
    unsafe {
        asm!("mov [{}], {}", in(reg) edge - 3, in(reg) 0x1122_u64, options(nostack));
        asm!("lock or dword ptr [{}], 0", in(reg) locked, options(nostack));
        asm!("lock cmpxchg [{}], {}", in(reg) failing, in(reg) 5_u64, inout("rax") u64::MAX => _, options(nostack));
    }
    expected.range(edge - 3, 8);
    expected.page(locked);
    expected.page(failing);
    expected.compare();
}
