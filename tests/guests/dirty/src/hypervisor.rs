//! What the hypervisor writes on the guest's behalf: the clock, input from ports, strings from where no memory is, and the
//! log itself.

use crate::log::{self, Expected};
use crate::pages::{FRAMES, PAGE, area};
use core::arch::asm;
use guest_rt::paging::{self, UNCACHED};
use guest_rt::{msr, report};

const SYSTEM_TIME: u32 = 0x4b56_4d01;
const WALL_CLOCK: u32 = 0x4b56_4d00;
const UNOWNED_PORT: u16 = 0x80;
/// An address behind which nothing is.
const NOWHERE: u64 = 0xd000_0000;

pub(crate) fn run() {
    clock();
    input();
    emulated();
    own_bitmap();
}

fn clock() {
    let mut expected = Expected::new("clock");
    let (system, wall) = (area(800), area(802) + 64);
    // SAFETY: the hypervisor writes a few bytes of these pages, now.
    unsafe {
        msr::write(SYSTEM_TIME, system | 1);
        msr::write(WALL_CLOCK, wall);
        msr::write(SYSTEM_TIME, 0);
    }
    expected.page(system);
    expected.page(wall);
    expected.compare();
}

/// REP INSB over a page end.
fn input() {
    let mut expected = Expected::new("port-input");
    let to = area(810) + PAGE - 5;
    // SAFETY: memory of this test.
    unsafe {
        asm!("rep insb", in("dx") UNOWNED_PORT, inout("rdi") to => _, inout("rcx") 9_u64 => _, options(nostack));
    }
    expected.range(to, 9);
    expected.compare();
}

/// REP MOVSB out of an address without memory, over a page end.
fn emulated() {
    let mut expected = Expected::new("emulated-string");
    let (from, to) = (paging::window(0, NOWHERE, UNCACHED) as u64, area(820) + PAGE - 8);
    // SAFETY: memory of this test.
    unsafe {
        asm!("rep movsb", inout("rsi") from => _, inout("rdi") to => _, inout("rcx") 24_u64 => _, options(nostack));
    }
    paging::close_window(0);
    expected.range(to, 24);
    expected.compare();
}

/// The bitmap's page counts as written for the next reading, and a part that is read leaves the rest.
fn own_bitmap() {
    let mut expected = Expected::new("own-bitmap");
    let (bitmap, near, far) = (area(830) + PAGE - 16, area(0), area(900));
    for address in [near, far] {
        // SAFETY: memory of this test.
        unsafe { (address as *mut u64).write_volatile(1) };
    }
    report::check("part", log::read(near / PAGE, 65, bitmap), 1);
    // SAFETY: the hypervisor wrote two words there.
    let words = unsafe { [(bitmap as *const u64).read_volatile(), ((bitmap + 8) as *const u64).read_volatile()] };
    report::check("part-bitmap", words, [1, 0]);
    expected.page(bitmap);
    expected.page(far);
    expected.compare();
    report::check("all-ram-is-16-mib", log::read(FRAMES, 1, bitmap), guest_rt::hypercall::EINVAL);
}
