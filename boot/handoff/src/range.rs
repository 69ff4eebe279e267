//! A range of host-physical memory that cannot wrap.

use core::fmt;
use phalanx_arch_api::Hpa;

/// `len` bytes of host-physical memory from `start`; the end is an address too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysRange {
    start: Hpa,
    len: u64,
}

impl PhysRange {
    /// The range of `len` bytes from `start`, or `None` where it would pass the end of the address space.
    #[must_use]
    pub const fn new(start: Hpa, len: u64) -> Option<Self> {
        match start.checked_add(len) {
            Some(_) => Some(Self { start, len }),
            None => None,
        }
    }

    /// The range from `start` up to, not including, `end`, or `None` where `end` lies below `start`.
    #[must_use]
    pub const fn between(start: Hpa, end: Hpa) -> Option<Self> {
        match end.checked_sub(start) {
            Some(len) => Some(Self { start, len }),
            None => None,
        }
    }

    /// The first byte.
    #[must_use]
    pub const fn start(self) -> Hpa {
        self.start
    }

    /// The size in bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.len
    }

    /// Whether the range holds no byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The first byte behind the range.
    #[must_use]
    pub const fn end(self) -> Hpa {
        Hpa::new(self.start.as_u64() + self.len)
    }

    /// Whether a byte lies in both ranges.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end() && other.start < self.end() && !self.is_empty() && !other.is_empty()
    }
}

impl fmt::Display for PhysRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start.as_u64(), self.end().as_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_wraps() {
        assert_eq!(PhysRange::new(Hpa::new(u64::MAX), 1), None);
        assert_eq!(PhysRange::between(Hpa::new(2), Hpa::new(1)), None);
        assert_eq!(PhysRange::new(Hpa::new(4), 4), PhysRange::between(Hpa::new(4), Hpa::new(8)));
    }

    #[test]
    fn neighbours_and_empty_ranges_do_not_overlap() {
        let range = |start, len| PhysRange::new(Hpa::new(start), len).unwrap();
        assert!(range(0, 10).overlaps(range(9, 1)));
        assert!(!range(0, 10).overlaps(range(10, 5)));
        assert!(!range(0, 10).overlaps(range(5, 0)));
    }
}
