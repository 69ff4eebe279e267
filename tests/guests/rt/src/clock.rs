//! Time: the ACPI PM timer as reference, the TSC measured against it.

use crate::{cpu, port};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Port of the PM timer.
pub const PM_TIMER: u16 = 0x608;
/// Frequency of the PM timer in Hz (ACPI 6.5, 4.8.3.3).
pub const PM_HZ: u64 = 3_579_545;
/// The counter has at least these bits.
const PM_MASK: u32 = 0xff_ffff;
/// PM ticks over which the TSC is measured: about 20 ms.
const CALIBRATION: u32 = (PM_HZ / 50) as u32;
/// TSC ticks after which a PM timer that stands still is given up.
const PATIENCE: u64 = 20_000_000_000;

/// The PM timer now, in its 24 lower bits.
pub fn pm_now() -> u32 {
    port::read32(PM_TIMER) & PM_MASK
}

/// PM ticks from `since` to now; right for spans under 4 s.
pub fn pm_since(since: u32) -> u32 {
    pm_now().wrapping_sub(since) & PM_MASK
}

/// TSC ticks in one second, measured once; 0 if the PM timer stands still.
pub fn tsc_hz() -> u64 {
    static HZ: AtomicU64 = AtomicU64::new(0);
    if HZ.load(Relaxed) == 0 {
        HZ.store(measure(), Relaxed);
    }
    HZ.load(Relaxed)
}

fn measure() -> u64 {
    let (pm, tsc) = (pm_now(), cpu::tsc());
    loop {
        let (ticks, now) = (pm_since(pm), cpu::tsc());
        if ticks >= CALIBRATION {
            return (now - tsc) * PM_HZ / u64::from(ticks);
        }
        if now - tsc > PATIENCE {
            return 0;
        }
        cpu::pause();
    }
}

/// Spins for `micros` µs by the TSC.
pub fn delay(micros: u64) {
    let end = cpu::tsc() + tsc_hz() / 1000 * micros / 1000;
    while cpu::tsc() < end {
        cpu::pause();
    }
}

/// Whether `condition` becomes true within `micros` µs.
pub fn within(micros: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = cpu::tsc() + tsc_hz() / 1000 * micros / 1000;
    loop {
        if condition() {
            return true;
        }
        if cpu::tsc() >= end {
            return false;
        }
        cpu::pause();
    }
}
