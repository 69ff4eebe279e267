//! Requests that cannot be: each has its error, and none costs a mark.

use crate::log::{self, Expected};
use crate::pages::{FRAMES, PAGE, area};
use guest_rt::hypercall::{EFAULT, EINVAL};
use guest_rt::report::Sweep;

pub(crate) fn run() {
    let mut expected = Expected::new("errors-cost-nothing");
    let (page, buffer) = (area(5), area(6));
    // SAFETY: memory of this test.
    unsafe { (page as *mut u64).write_volatile(1) };
    expected.page(page);
    let mut sweep = Sweep::new("errors");
    let ranges = [
        (0, 0),
        (0, FRAMES + 1),
        (FRAMES, 1),
        (FRAMES - 1, 2),
        (0, 32769),
        (0, u64::MAX),
        (u64::MAX, 1),
        (1 << 52, 1),
        ((1 << 52) - 1, 1),
    ];
    for (first, frames) in ranges {
        sweep.expect(format_args!("{frames:#x} frames from {first:#x}"), log::read(first, frames, buffer), EINVAL);
    }
    let end = FRAMES * PAGE;
    for bad in [buffer + 1, buffer + 4, end, end - 4, 0xd000_0000, 0xfee0_0000, 1 << 63, u64::MAX - 7, u64::MAX] {
        sweep.expect(format_args!("bitmap at {bad:#x}"), log::read(0, 1, bad), EFAULT);
    }
    sweep.expect("bitmap over the end", log::read(0, 65, end - 8), EFAULT);
    sweep.finish();
    expected.compare();
}
