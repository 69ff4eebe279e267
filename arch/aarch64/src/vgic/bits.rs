//! The set bits of words.

/// The numbers of the bits that are set, in rising order.
pub(super) fn ones(word: u32) -> impl Iterator<Item = u32> {
    let mut rest = word;
    core::iter::from_fn(move || {
        let lowest = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        (lowest < 32).then_some(lowest)
    })
}

/// As [`ones`], for the set of vCPUs.
pub(super) fn ones_u64(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    core::iter::from_fn(move || {
        let lowest = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        (lowest < 64).then_some(lowest as usize)
    })
}

/// The `n` lowest bits, `n` up to 32.
pub(super) const fn low(n: usize) -> u32 {
    if n >= 32 { u32::MAX } else { (1 << n) - 1 }
}

/// The 32 low bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
pub(super) const fn word(value: u64) -> u32 {
    value as u32
}

/// The 8 low bits.
pub(super) const fn byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}
