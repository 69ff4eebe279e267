//! The local APIC timer, in whichever mode the processor has.

use crate::{apic, clock, cpu, cpuid, irq};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

const CALIBRATION_MICROS: u64 = 20_000;
/// The vector that [`nap`] uses.
const NAP_VECTOR: u8 = 0x51;

/// Ticks of the count-down clock in a second, measured once against the TSC. Stops the timer.
pub fn hz() -> u64 {
    static HZ: AtomicU64 = AtomicU64::new(0);
    if HZ.load(Relaxed) == 0 {
        HZ.store(measure(), Relaxed);
    }
    HZ.load(Relaxed)
}

fn measure() -> u64 {
    apic::start_timer(NAP_VECTOR, apic::MASKED, u32::MAX);
    let start = cpu::tsc();
    clock::delay(CALIBRATION_MICROS);
    let ticks = u64::from(u32::MAX - apic::read(apic::reg::CURRENT_COUNT));
    let elapsed = cpu::tsc() - start;
    apic::stop_timer();
    (u128::from(ticks) * u128::from(clock::tsc_hz()) / u128::from(elapsed.max(1))) as u64
}

/// Arms one interrupt of `vector` in `micros` µs.
pub fn arm(vector: u8, micros: u64) {
    if cpuid::has_tsc_deadline() {
        apic::use_deadline(vector);
        apic::set_deadline(cpu::tsc() + clock::tsc_hz() / 1000 * micros / 1000);
    } else {
        let count = hz() / 1000 * micros / 1000;
        apic::start_timer(vector, 0, (count as u32).max(1));
    }
}

/// Halts for `micros` µs. Interrupts are on meanwhile and off afterwards.
pub fn nap(micros: u64) {
    let before = irq::received(NAP_VECTOR);
    arm(NAP_VECTOR, micros);
    while irq::received(NAP_VECTOR) == before {
        cpu::wait_for_interrupt();
    }
}
