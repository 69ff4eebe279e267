//! Time: the TSC as the machine's counter, and the local APIC's timer as an alarm for one deadline on each CPU.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Ticks;

use super::apic::{self, TimerMode};
use super::convert::TscToApic;
use super::instr::{self, Msr};
use super::percpu::{NOT_ARMED, PerCpu, this_cpu};

/// Ticks in a second; 0 before [`set_up`].
static FREQUENCY: AtomicU64 = AtomicU64::new(0);
/// The factor of [`TscToApic`]; 0 where the timer compares with the TSC itself.
static FACTOR: AtomicU64 = AtomicU64::new(0);

/// The counter's value.
#[inline]
#[must_use]
pub fn now() -> Ticks {
    instr::rdtsc()
}

/// Ticks in a second, constant after [`super::init_boot_cpu`].
#[inline]
#[must_use]
pub fn frequency() -> u64 {
    FREQUENCY.load(Ordering::Relaxed)
}

/// Sets what all CPUs' timers need: the TSC's frequency, and the conversion unless the timer takes TSC values.
pub(super) fn set_up(tsc_hz: u64, conversion: Option<TscToApic>) {
    FREQUENCY.store(tsc_hz, Ordering::Relaxed);
    FACTOR.store(conversion.map_or(0, TscToApic::factor), Ordering::Relaxed);
}

/// Prepares this CPU's timer. It is not armed then.
pub(super) fn enable() {
    apic::enable_timer(if FACTOR.load(Ordering::Relaxed) == 0 { TimerMode::TscDeadline } else { TimerMode::OneShot });
    write_hardware(this_cpu(), NOT_ARMED);
}

/// Makes the timer interrupt this CPU at `deadline`; it replaces what was armed. A deadline that has passed fires at
/// once; one that is further away than the hardware counts fires early, and the caller finds that it is not time yet.
///
/// Where the same deadline is armed already, nothing is written. Interrupts are disabled.
#[inline]
pub fn arm(deadline: Ticks) {
    let cpu = this_cpu();
    if cpu.armed.load(Ordering::Relaxed) != deadline {
        write_hardware(cpu, deadline);
    }
}

/// Makes the timer silent. An interrupt that is pending already may still come.
#[inline]
pub fn disarm() {
    arm(NOT_ARMED);
}

fn write_hardware(cpu: &PerCpu, deadline: Ticks) {
    cpu.armed.store(deadline, Ordering::Relaxed);
    match FACTOR.load(Ordering::Relaxed) {
        // SAFETY: the register only decides when the timer's vector, which has a handler, is raised.
        0 => unsafe { instr::wrmsr(Msr::TSC_DEADLINE, deadline_register(deadline)) },
        factor => apic::set_initial_count(initial_count(TscToApic::from_factor(factor), deadline, now())),
    }
}

/// The deadline register for a deadline: 0 would switch the timer off.
const fn deadline_register(deadline: Ticks) -> u64 {
    match deadline {
        NOT_ARMED => 0,
        0 => 1,
        _ => deadline,
    }
}

/// The count to start with for a deadline: 0 would switch the timer off.
const fn initial_count(conversion: TscToApic, deadline: Ticks, now: Ticks) -> u32 {
    match deadline {
        NOT_ARMED => 0,
        _ => match conversion.convert(deadline.saturating_sub(now)) {
            0 => 1,
            count => count,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_deadlines_fire_at_once_and_far_ones_are_clamped() {
        let conversion = TscToApic::new(2_000_000_000, 1_000_000_000).unwrap();
        assert_eq!(initial_count(conversion, 0, 1000), 1);
        assert_eq!(initial_count(conversion, 1000, 1000), 1);
        assert_eq!(initial_count(conversion, 3000, 1000), 1000);
        assert_eq!(initial_count(conversion, u64::MAX - 1, 1000), u32::MAX);
        assert_eq!(initial_count(conversion, NOT_ARMED, 1000), 0);
    }

    #[test]
    fn the_deadline_register_is_zero_only_to_disarm() {
        assert_eq!((deadline_register(0), deadline_register(5), deadline_register(NOT_ARMED)), (1, 5, 0));
    }
}
