//! The ACPI PM timer: a 32-bit counter at 3.579545 MHz (ACPI 6.5, 4.8.2.1).
//!
//! The value is computed from the domain's time with exact integers: no step is ever lost, whatever the reading rate.

/// Counts per second.
pub const FREQUENCY: u64 = 3_579_545;

/// The counter `ticks` of a clock with `frequency` Hz after the domain's start; 0 for a clock that stands still.
///
/// Exact: the floor of `ticks * 3579545 / frequency`, modulo 2^32, for clocks of up to 5 THz.
#[inline]
#[must_use]
pub const fn at_ticks(ticks: u64, frequency: u64) -> u32 {
    if frequency == 0 {
        return 0;
    }
    let (seconds, rest) = (ticks / frequency, ticks % frequency);
    let whole = seconds.wrapping_mul(FREQUENCY);
    // rest < frequency, so this division loses nothing that the next second would not add.
    let part = rest.wrapping_mul(FREQUENCY) / frequency;
    whole.wrapping_add(part) as u32
}
