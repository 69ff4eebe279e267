//! TSC-deadline mode, and what ends or ignores a deadline.

use super::timer::{PERIODIC, TSC_DEADLINE, VECTOR, counting, start, take};
use super::{Effect, NOW, offset, write, x2apic};
use crate::vlapic::MSR_TSC_DEADLINE;

#[test]
fn entering_tsc_deadline_mode_disarms_and_ignores_counts() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 100_000);
    assert_eq!(apic.write(offset::LVT_TIMER, TSC_DEADLINE | VECTOR, NOW), Effect::TimerChanged);
    assert_eq!(apic.next_deadline(), None);
    write(&mut apic, offset::INITIAL_COUNT, 55);
    assert_eq!(apic.read(offset::INITIAL_COUNT, NOW), 0);
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW), 0);
    assert_eq!(apic.next_deadline(), None);
}

#[test]
fn a_tsc_deadline_fires_once_and_reads_zero_then() {
    let mut apic = counting(TSC_DEADLINE | VECTOR);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW + 500, || NOW), Ok(Effect::TimerChanged));
    assert_eq!(apic.read_msr(MSR_TSC_DEADLINE, NOW), Ok(NOW + 500));
    assert_eq!(apic.next_deadline(), Some(NOW + 500));
    assert_eq!(apic.read_msr(MSR_TSC_DEADLINE, NOW + 500), Ok(0));
    assert!(apic.timer_expired(NOW + 500));
    assert_eq!(apic.read_msr(MSR_TSC_DEADLINE, NOW), Ok(0));
    assert_eq!(take(&mut apic), Some(0xec));
}

#[test]
fn a_deadline_in_the_past_fires_at_once() {
    let mut apic = counting(TSC_DEADLINE | VECTOR);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, 1, || NOW), Ok(Effect::None), "the host timer need not change");
    assert_eq!(take(&mut apic), Some(0xec));
    assert_eq!(apic.next_deadline(), None);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW + 9, || NOW), Ok(Effect::TimerChanged));
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW, || NOW), Ok(Effect::TimerChanged));
    assert_eq!(take(&mut apic), Some(0xec));
}

#[test]
fn writing_zero_disarms_a_deadline() {
    let mut apic = counting(TSC_DEADLINE | VECTOR);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW + 9, || NOW), Ok(Effect::TimerChanged));
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, 0, || NOW), Ok(Effect::TimerChanged));
    assert!(!apic.timer_expired(NOW + 10));
}

#[test]
fn the_deadline_msr_is_dead_in_the_other_modes() {
    let mut apic = counting(PERIODIC | VECTOR);
    start(&mut apic, 100_000);
    let before = apic.next_deadline();
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, 77, || NOW), Ok(Effect::None));
    assert_eq!(apic.read_msr(MSR_TSC_DEADLINE, NOW), Ok(0));
    assert_eq!(apic.next_deadline(), before);
}

#[test]
fn the_reserved_timer_mode_never_arms() {
    let mut apic = counting(3 << 17 | VECTOR);
    write(&mut apic, offset::INITIAL_COUNT, 5);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, 5, || NOW), Ok(Effect::None));
    assert!(!apic.timer_expired(u64::MAX));
}

#[test]
fn software_disable_masks_the_timer() {
    let mut apic = counting(TSC_DEADLINE | VECTOR);
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW + 9, || NOW), Ok(Effect::TimerChanged));
    assert_eq!(apic.write(offset::SVR, 0xff, NOW), Effect::Reconfigured);
    assert_eq!(apic.next_deadline(), None);
    assert!(!apic.timer_expired(NOW + 10));
}

#[test]
fn a_moved_tsc_keeps_a_countdown_and_meets_a_deadline() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 1000);
    apic.tsc_moved(5000);
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW + 5000), 1000);
    apic.tsc_moved(5000_u64.wrapping_neg());
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW), 1000);
    let mut apic = x2apic(0);
    assert_eq!(apic.write_msr(0x832, u64::from(TSC_DEADLINE | VECTOR), || NOW), Ok(Effect::None));
    assert_eq!(apic.write_msr(MSR_TSC_DEADLINE, NOW + 9, || NOW), Ok(Effect::TimerChanged));
    apic.tsc_moved(1);
    assert_eq!(apic.next_deadline(), Some(NOW + 9));
}
