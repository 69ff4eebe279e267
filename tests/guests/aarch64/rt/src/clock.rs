//! Time by the generic timer's virtual counter.

use crate::{cpu, read_register};

/// Ticks of the counters in one second, as CNTFRQ_EL0 says.
pub fn hz() -> u64 {
    read_register!("cntfrq_el0").max(1)
}

/// Ticks in `micros` µs.
pub fn ticks_in(micros: u64) -> u64 {
    hz() / 1000 * micros / 1000
}

/// Spins for `micros` µs.
pub fn delay(micros: u64) {
    within(micros, || false);
}

/// Whether `condition` becomes true within `micros` µs.
pub fn within(micros: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = cpu::ticks() + ticks_in(micros);
    loop {
        if condition() {
            return true;
        }
        if cpu::ticks() >= end {
            return false;
        }
        cpu::pause();
    }
}
