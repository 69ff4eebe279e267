//! The counting modes: one-shot and periodic.

use proptest::prelude::*;

use super::{Effect, LocalApic, NOW, enabled, offset, write};
use crate::vlapic::TSC_TICKS_PER_BUS_CLOCK;

pub(super) const PERIODIC: u32 = 1 << 17;
pub(super) const TSC_DEADLINE: u32 = 2 << 17;
const MASKED: u32 = 1 << 16;
pub(super) const VECTOR: u32 = 0xec;

/// Divide by 1 (configuration 1011B), this LVT entry.
pub(super) fn counting(entry: u32) -> LocalApic {
    let mut apic = enabled();
    write(&mut apic, offset::DIVIDE, 0b1011);
    write(&mut apic, offset::LVT_TIMER, entry);
    apic
}

pub(super) fn start(apic: &mut LocalApic, count: u32) {
    let expected = if apic.read(offset::LVT_TIMER, NOW) & MASKED == 0 { Effect::TimerChanged } else { Effect::None };
    assert_eq!(apic.write(offset::INITIAL_COUNT, count, NOW), expected);
}

pub(super) fn take(apic: &mut LocalApic) -> Option<u8> {
    let vector = apic.ack_interrupt();
    assert_eq!(apic.eoi(), Effect::None);
    vector
}

#[test]
fn one_shot_counts_down_and_fires_once() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 1000);
    let end = NOW + 1000 * TSC_TICKS_PER_BUS_CLOCK;
    assert_eq!(apic.next_deadline(), Some(end));
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW), 1000);
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW + TSC_TICKS_PER_BUS_CLOCK), 999);
    assert_eq!(apic.read(offset::CURRENT_COUNT, end - 1), 1);
    assert_eq!(apic.read(offset::CURRENT_COUNT, end), 0);
    assert!(!apic.timer_expired(end - 1));
    assert!(apic.timer_expired(end));
    assert_eq!(apic.next_deadline(), None);
    assert_eq!(take(&mut apic), Some(0xec));
    assert!(!apic.timer_expired(end + 1_000_000));
    assert_eq!(apic.read(offset::INITIAL_COUNT, end), 1000);
}

#[test]
fn the_divide_configuration_scales_as_its_table_says() {
    let table = [(0b0000, 2), (0b0001, 4), (0b0010, 8), (0b0011, 16), (0b1000, 32), (0b1001, 64), (0b1010, 128)];
    for (code, divisor) in table.into_iter().chain([(0b1011, 1)]) {
        let mut apic = enabled();
        write(&mut apic, offset::DIVIDE, code);
        write(&mut apic, offset::LVT_TIMER, VECTOR);
        start(&mut apic, 10);
        assert_eq!(apic.next_deadline(), Some(NOW + 10 * divisor * TSC_TICKS_PER_BUS_CLOCK), "divide {code:#b}");
        assert_eq!(apic.read(offset::DIVIDE, NOW), code);
    }
}

#[test]
fn a_running_count_goes_on_at_a_new_rate() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 1000);
    let later = NOW + 400 * TSC_TICKS_PER_BUS_CLOCK;
    assert_eq!(apic.write(offset::DIVIDE, 0, later), Effect::TimerChanged);
    assert_eq!(apic.read(offset::CURRENT_COUNT, later), 600);
    assert_eq!(apic.next_deadline(), Some(later + 600 * 2 * TSC_TICKS_PER_BUS_CLOCK));
}

#[test]
fn periodic_stays_on_its_grid() {
    let mut apic = counting(PERIODIC | VECTOR);
    start(&mut apic, 100_000);
    let period = 100_000 * TSC_TICKS_PER_BUS_CLOCK;
    for n in 1..=5 {
        let late = NOW + n * period + 777;
        assert!(apic.timer_expired(late));
        assert_eq!(take(&mut apic), Some(0xec));
        assert_eq!(apic.next_deadline(), Some(NOW + (n + 1) * period), "no drift");
        assert_eq!(apic.read(offset::CURRENT_COUNT, NOW + n * period + TSC_TICKS_PER_BUS_CLOCK), 99_999);
    }
    assert_eq!(apic.coalesced_periods(), 0);
}

#[test]
fn missed_periods_become_one_interrupt() {
    let mut apic = counting(PERIODIC | VECTOR);
    start(&mut apic, 100_000);
    let period = 100_000 * TSC_TICKS_PER_BUS_CLOCK;
    let now = NOW + 10 * period + period / 2;
    assert_eq!(apic.read(offset::CURRENT_COUNT, now), 50_000, "the count needs no expiry to be right");
    assert!(apic.timer_expired(now));
    assert!(!apic.timer_expired(now));
    assert_eq!(apic.next_deadline(), Some(NOW + 11 * period));
    assert_eq!(apic.coalesced_periods(), 9);
}

#[test]
fn a_tiny_period_cannot_storm() {
    let mut apic = counting(PERIODIC | VECTOR);
    start(&mut apic, 1);
    let first = apic.next_deadline().unwrap();
    assert!(apic.timer_expired(first));
    let second = apic.next_deadline().unwrap();
    assert!(second - first >= 1 << 14);
    assert_eq!((second - first) % TSC_TICKS_PER_BUS_CLOCK, 0, "still on the grid");
}

#[test]
fn a_masked_timer_counts_in_silence() {
    let mut apic = counting(PERIODIC | MASKED | VECTOR);
    start(&mut apic, 100_000);
    let period = 100_000 * TSC_TICKS_PER_BUS_CLOCK;
    assert_eq!(apic.next_deadline(), None, "no host timer for it");
    let later = NOW + 3 * period + 4;
    assert_eq!(apic.read(offset::CURRENT_COUNT, later), 99_999);
    assert_eq!(apic.write(offset::LVT_TIMER, PERIODIC | VECTOR, later), Effect::TimerChanged);
    assert_eq!(apic.pending_above_ppr(), None, "what expired while masked is lost");
    assert_eq!(apic.next_deadline(), Some(NOW + 4 * period));
    assert_eq!(apic.coalesced_periods(), 0);
}

#[test]
fn what_expired_before_a_write_fires_first() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 100);
    let late = NOW + 10_000;
    assert_eq!(apic.write(offset::INITIAL_COUNT, 0, late), Effect::TimerChanged);
    assert_eq!(take(&mut apic), Some(0xec));
}

#[test]
fn a_zero_count_stops_the_timer() {
    let mut apic = counting(PERIODIC | VECTOR);
    start(&mut apic, 100_000);
    start(&mut apic, 0);
    assert_eq!(apic.next_deadline(), None);
    assert_eq!(apic.read(offset::CURRENT_COUNT, NOW + 5), 0);
    assert!(!apic.timer_expired(u64::MAX));
}

#[test]
fn between_one_shot_and_periodic_the_count_runs_on() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 100_000);
    let end = apic.next_deadline().unwrap();
    write(&mut apic, offset::LVT_TIMER, PERIODIC | VECTOR);
    assert_eq!(apic.next_deadline(), Some(end));
    assert!(apic.timer_expired(end));
    assert_eq!(apic.next_deadline(), Some(end + 100_000 * TSC_TICKS_PER_BUS_CLOCK));
}

#[test]
fn rewriting_the_spurious_vector_leaves_the_timer_alone() {
    let mut apic = counting(VECTOR);
    start(&mut apic, 1);
    let late = NOW + TSC_TICKS_PER_BUS_CLOCK;
    assert_eq!(apic.write(offset::SVR, 0x1f0, late), Effect::None);
    assert_eq!(apic.next_deadline(), Some(late));
    assert!(apic.timer_expired(late));
}

proptest! {
    /// However late the calls come, deadlines stay on the grid, lie ahead, and no period goes unaccounted.
    #[test]
    fn a_periodic_timer_accounts_for_every_period(count in 10_000_u32.., lateness in prop::collection::vec(0_u64..1 << 36, 1..40)) {
        let mut apic = counting(PERIODIC | VECTOR);
        start(&mut apic, count);
        let period = u64::from(count) * TSC_TICKS_PER_BUS_CLOCK;
        let mut fired = 0;
        for late in lateness {
            let now = apic.next_deadline().unwrap() + late;
            prop_assert!(apic.timer_expired(now));
            fired += 1;
            let next = apic.next_deadline().unwrap();
            prop_assert!(next > now && next - now <= period);
            prop_assert_eq!((next - NOW) % period, 0);
            prop_assert_eq!((next - NOW) / period, fired + apic.coalesced_periods() + 1);
        }
    }

    /// The current count is the ceiling of what is left.
    #[test]
    fn a_count_is_what_is_left(count in 1_u32.., elapsed in 0_u64..1 << 36) {
        let mut apic = counting(VECTOR);
        start(&mut apic, count);
        let left = u64::from(count).saturating_sub(elapsed / TSC_TICKS_PER_BUS_CLOCK);
        prop_assert_eq!(u64::from(apic.read(offset::CURRENT_COUNT, NOW + elapsed)), left);
    }
}
