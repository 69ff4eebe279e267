//! Where the stacks are: a slot of 64 KiB for each CPU that may come up, in RAM that is mapped except for a guard page under each stack.
//!
//! ```text
//! slot n+1 ───────────── top of the kernel's stack of slot n
//!          44 KiB
//!          guard page: an overflow faults here, and the emergency stack takes over
//!          ───────────── top of the emergency stack
//!          12 KiB
//!          guard page
//! slot n   ─────────────
//! ```
//!
//! All slots are reserved and all guards left out before the tables come into use: later, a guard would have to be cut
//! out of a block through which CPUs are running.

use core::fmt;
use core::ops::Range;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hpa, Hva};
use phalanx_handoff::PhysRange;

/// Bytes of one CPU's slot.
pub const SLOT: u64 = 64 << 10;
/// Bytes of the stack for an exception before any CPU has its own.
pub const FIRST_EMERGENCY_BYTES: usize = 8 << 10;

/// The stacks of one CPU, in the order of their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// For exceptions of the hypervisor itself: the kernel's own stack may be used up.
    Emergency,
    /// The one that the kernel runs on.
    Kernel,
}

impl Stack {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Emergency, Self::Kernel];

    /// From the slot's start; the guard is the page before it.
    const fn range_in_slot(self) -> Range<u64> {
        match self {
            Self::Emergency => FRAME_SIZE..4 * FRAME_SIZE,
            Self::Kernel => 5 * FRAME_SIZE..SLOT,
        }
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Emergency => "emergency",
            Self::Kernel => "kernel",
        })
    }
}

/// What an address among the stacks belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which slot.
    pub slot: u16,
    /// Which one.
    pub stack: Stack,
    /// Whether the address lies in the page below the stack, where nothing is mapped.
    pub in_guard: bool,
}

/// The slots of all CPUs, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stacks {
    start: Hpa,
    slots: u64,
}

impl Stacks {
    /// Frames that this many slots need.
    #[must_use]
    pub const fn frames(slots: u64) -> u64 {
        slots * SLOT / FRAME_SIZE
    }

    /// The slots at `start`, which the caller has reserved.
    #[must_use]
    pub const fn new(start: Hpa, slots: u64) -> Self {
        Self { start, slots }
    }

    /// The first slot's address and the number of slots.
    #[must_use]
    pub const fn parts(self) -> (Hpa, u64) {
        (self.start, self.slots)
    }

    /// The addresses of a stack; `slot` must be below the number of slots.
    #[must_use]
    pub const fn range(self, slot: u16, stack: Stack) -> Range<Hva> {
        let Range { start, end } = stack.range_in_slot();
        let slot = self.start.as_u64() + slot as u64 * SLOT;
        Hva::new(slot + start)..Hva::new(slot + end)
    }

    /// The initial stack pointer, aligned to 16 bytes.
    #[must_use]
    pub const fn top(self, slot: u16, stack: Stack) -> Hva {
        self.range(slot, stack).end
    }

    /// The pages that must not be mapped.
    pub fn guards(self) -> impl Iterator<Item = PhysRange> {
        (0..self.slots).flat_map(move |slot| {
            Stack::ALL.into_iter().filter_map(move |stack| {
                let guard = self.start.as_u64() + slot * SLOT + stack.range_in_slot().start - FRAME_SIZE;
                PhysRange::new(Hpa::new(guard), FRAME_SIZE)
            })
        })
    }

    /// Finds the stack that `address` belongs to; `None` outside of the slots.
    #[must_use]
    pub fn locate(self, address: Hva) -> Option<Place> {
        let offset = address.as_u64().checked_sub(self.start.as_u64())?;
        let slot = u16::try_from(offset / SLOT).ok().filter(|&slot| u64::from(slot) < self.slots)?;
        let offset = offset % SLOT;
        let stack = if offset < Stack::Emergency.range_in_slot().end { Stack::Emergency } else { Stack::Kernel };
        Some(Place { slot, stack, in_guard: offset < stack.range_in_slot().start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACKS: Stacks = Stacks::new(Hpa::new(0x4010_0000), 4);

    #[test]
    fn every_stack_has_a_guard_below_and_no_two_touch() {
        let mut guards: std::vec::Vec<_> = STACKS.guards().collect();
        assert_eq!(guards.len(), 8);
        let mut end = STACKS.parts().0.as_u64();
        for slot in 0..4 {
            for stack in Stack::ALL {
                let range = STACKS.range(slot, stack);
                let guard = guards.remove(0);
                assert_eq!((guard.start().as_u64(), guard.end().as_u64()), (end, range.start.as_u64()));
                end = range.end.as_u64();
                assert_eq!(end % 16, 0);
            }
        }
        assert_eq!(end - STACKS.parts().0.as_u64(), Stacks::frames(4) * FRAME_SIZE);
    }

    #[test]
    fn addresses_are_found_again() {
        for stack in Stack::ALL {
            let range = STACKS.range(3, stack);
            let inside = Place { slot: 3, stack, in_guard: false };
            assert_eq!(STACKS.locate(range.start), Some(inside));
            assert_eq!(STACKS.locate(Hva::new(range.end.as_u64() - 1)), Some(inside));
            assert_eq!(STACKS.locate(Hva::new(range.start.as_u64() - 1)), Some(Place { in_guard: true, ..inside }));
        }
        assert_eq!(STACKS.locate(Hva::new(0x400f_ffff)), None);
        assert_eq!(STACKS.locate(Hva::new(0x4014_0000)), None);
    }
}
