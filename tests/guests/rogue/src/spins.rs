//! Spinning: a loop of PAUSE, which processors with a pause filter or PAUSE-loop exiting tell the hypervisor about.

use guest_rt::hypercall::{self, EXIT_COUNT};
use guest_rt::{println, report, start_info};

/// Index of the counter of spins.
const SPIN_COUNTER: u64 = 25;
const PAUSES: u32 = 200_000;

/// Spins for a while. `hints=on` on the command line says that the hypervisor must have noticed, `hints=off` that it cannot.
pub(crate) fn run() {
    let count = || hypercall::call(EXIT_COUNT, [SPIN_COUNTER, 0, 0]);
    let before = count();
    for _ in 0..PAUSES {
        core::hint::spin_loop();
    }
    let noticed = count() - before;
    println!("row spins {noticed}");
    let wanted = start_info::text("hints") != Some("off");
    report::check("spins-noticed", noticed > 0, wanted);
}
