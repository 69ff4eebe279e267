//! The ACPI PM timer: a 32-bit counter at 3.579545 MHz (ACPI 6.5, 4.8.2.1).
//!
//! The value is computed from the domain's time with exact integers: no step is ever lost, whatever the reading rate.

use phalanx_arch_api::AccessSize;

/// Counts per second.
pub const FREQUENCY: u64 = 3_579_545;
const NANOSECONDS: u64 = 1_000_000_000;

/// What a read of `size` bytes at `offset` of the counter's four bytes gives; those past it are 0xff.
#[inline]
#[must_use]
pub const fn read(counter: u32, offset: u8, size: AccessSize) -> u64 {
    let followed_by_ones = (u32::MAX as u64) << 32 | counter as u64;
    followed_by_ones >> (8 * (offset & 3)) & size.all_ones()
}

/// The counter at `ns` nanoseconds after the domain's start.
#[inline]
#[must_use]
pub const fn at_nanoseconds(ns: u64) -> u32 {
    at_ticks(ns, NANOSECONDS)
}

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
