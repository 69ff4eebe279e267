//! Addresses as distinct types: a guest's address can never be used as the host's by accident.
//!
//! | type | meaning |
//! |---|---|
//! | [`Gpa`], [`Gfn`] | guest-physical address, 4 KiB frame number |
//! | [`Hpa`], [`Hfn`] | host-physical address, 4 KiB frame number |
//! | [`Gva`], [`Hva`] | guest-virtual, host-virtual address |
//!
//! There is no `From<u64>`: a bare integer becomes an address only by `new`, where a reader can see it.

use core::fmt;

/// Bytes in the smallest page of every supported architecture.
pub const FRAME_SIZE: u64 = 4096;
/// log2 of [`FRAME_SIZE`].
pub const FRAME_SHIFT: u32 = 12;

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The address with this numeric value.
            #[must_use]
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// The numeric value, for a register or a table entry.
            #[must_use]
            pub const fn as_u64(self) -> u64 {
                self.0
            }

            /// `self + bytes`, or `None` past the end of the address space.
            #[must_use]
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }

            /// Bytes from `start` to `self`, or `None` where `self` lies below `start`.
            #[must_use]
            pub const fn checked_sub(self, start: Self) -> Option<u64> {
                self.0.checked_sub(start.0)
            }

            /// The highest multiple of `alignment` (a power of two) that is not above `self`.
            #[must_use]
            pub const fn align_down(self, alignment: u64) -> Self {
                Self(self.0 & !(alignment - 1))
            }

            /// The lowest multiple of `alignment` (a power of two) that is not below `self`.
            #[must_use]
            pub const fn align_up(self, alignment: u64) -> Option<Self> {
                match self.0.checked_add(alignment - 1) {
                    Some(value) => Some(Self(value & !(alignment - 1))),
                    None => None,
                }
            }

            /// Whether the address is a multiple of `alignment` (a power of two).
            #[must_use]
            pub const fn is_aligned(self, alignment: u64) -> bool {
                self.0 & (alignment - 1) == 0
            }

            /// Bytes from the start of the 4 KiB page.
            #[must_use]
            pub const fn page_offset(self) -> u64 {
                self.0 & (FRAME_SIZE - 1)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:#x})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }
    };
}

macro_rules! frame {
    ($(#[$doc:meta])* $frame:ident, $address:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $frame(u64);

        impl $frame {
            /// The frame with this number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The frame that contains `address`.
            #[must_use]
            pub const fn containing(address: $address) -> Self {
                Self(address.as_u64() >> FRAME_SHIFT)
            }

            /// The number of the frame.
            #[must_use]
            pub const fn number(self) -> u64 {
                self.0
            }

            /// The address of the frame's first byte.
            #[must_use]
            pub const fn start(self) -> $address {
                $address::new(self.0 << FRAME_SHIFT)
            }

            /// The frame `count` frames further up, or `None` past the end of the address space.
            #[must_use]
            pub const fn checked_add(self, count: u64) -> Option<Self> {
                match self.0.checked_add(count) {
                    Some(number) if number <= u64::MAX >> FRAME_SHIFT => Some(Self(number)),
                    _ => None,
                }
            }
        }
    };
}

address!(
    /// A guest-physical address.
    Gpa
);
address!(
    /// A host-physical address.
    Hpa
);
address!(
    /// A guest-virtual (linear) address.
    Gva
);
address!(
    /// A host-virtual address.
    Hva
);
frame!(
    /// A guest-physical frame number (4 KiB frames).
    Gfn,
    Gpa
);
frame!(
    /// A host-physical frame number (4 KiB frames).
    Hfn,
    Hpa
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_checked() {
        assert_eq!(Gpa::new(u64::MAX).checked_add(1), None);
        assert_eq!(Gpa::new(0x1000).checked_sub(Gpa::new(0x2000)), None);
        assert_eq!(Gpa::new(0x1001).align_up(FRAME_SIZE), Some(Gpa::new(0x2000)));
        assert_eq!(Gpa::new(u64::MAX).align_up(FRAME_SIZE), None);
        assert_eq!(Hfn::new(u64::MAX >> FRAME_SHIFT).checked_add(1), None);
    }

    #[test]
    fn frames_and_addresses_agree() {
        let frame = Hfn::containing(Hpa::new(0x1234_5678));
        assert_eq!(frame.start(), Hpa::new(0x1234_5000));
        assert_eq!(Hpa::new(0x1234_5678).page_offset(), 0x678);
    }
}
