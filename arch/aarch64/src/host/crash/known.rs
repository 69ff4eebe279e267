//! Which memory the crash card may look at: the kernel's code and the stacks.

use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hpa, Hva};

use super::super::stacks::{Stack, Stacks};

/// Two words that are set once at boot; 0 before.
struct Pair(AtomicU64, AtomicU64);

impl Pair {
    const fn unknown() -> Self {
        Self(AtomicU64::new(0), AtomicU64::new(0))
    }

    fn set(&self, first: u64, second: u64) {
        self.0.store(first, Ordering::Relaxed);
        self.1.store(second, Ordering::Release);
    }

    fn get(&self) -> (u64, u64) {
        let second = self.1.load(Ordering::Acquire);
        (self.0.load(Ordering::Relaxed), second)
    }

    fn set_range(&self, range: &Range<Hva>) {
        self.set(range.start.as_u64(), range.end.as_u64());
    }

    fn range(&self) -> Range<u64> {
        let (start, end) = self.get();
        start..end
    }
}

static CODE: Pair = Pair::unknown();
static BOOT_STACK: Pair = Pair::unknown();
static STACKS: Pair = Pair::unknown();

/// Sets where the kernel's code and its boot stack are.
pub(in super::super) fn set_known_memory(code: &Range<Hva>, boot_stack: &Range<Hva>) {
    CODE.set_range(code);
    BOOT_STACK.set_range(boot_stack);
}

/// Sets where the CPUs' stacks are, once they are mapped.
pub(in super::super) fn set_stacks(stacks: Stacks) {
    let (start, slots) = stacks.parts();
    STACKS.set(start.as_u64(), slots);
}

fn stacks() -> Stacks {
    let (start, slots) = STACKS.get();
    Stacks::new(Hpa::new(start), slots)
}

/// Where the kernel's image was loaded: what has to be taken off an address to find it in the symbol table.
pub(super) fn code_start() -> u64 {
    CODE.range().start
}

/// Whether `address` is within the kernel's code.
pub(super) fn is_code(address: u64) -> bool {
    CODE.range().contains(&address)
}

/// Reads two words of a stack. `None` outside of the stacks that are mapped, or where `address` is not aligned.
pub(super) fn read_stack(address: u64) -> Option<[u64; 2]> {
    let boot = BOOT_STACK.range();
    let is_mapped = (boot.contains(&address) && boot.end - address >= 16) || is_on_cpu_stack(address);
    // SAFETY: the address is aligned, and 16 bytes from it are on a stack that is mapped for ever; another CPU may
    // write there, hence volatile.
    (is_mapped && address.is_multiple_of(8)).then(|| unsafe { (address as *const [u64; 2]).read_volatile() })
}

fn is_on_cpu_stack(address: u64) -> bool {
    let stacks = stacks();
    stacks.locate(Hva::new(address)).is_some_and(|place| {
        let end = stacks.top(place.slot, place.stack);
        !place.in_guard && end.as_u64() - address >= 16
    })
}

/// A stack whose pointer left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsedUp {
    /// The one that the boot CPU started on.
    Boot,
    /// One of the CPU's own.
    Own(Stack),
}

impl fmt::Display for UsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => f.write_str("the boot stack is used up"),
            Self::Own(stack) => write!(f, "the {stack} stack is used up"),
        }
    }
}

/// The stack that is used up, if an access to this address faulted because of that: it is in the guard below a stack.
pub(super) fn used_up(address: u64) -> Option<UsedUp> {
    let start = BOOT_STACK.range().start;
    if (start.saturating_sub(FRAME_SIZE)..start).contains(&address) {
        return Some(UsedUp::Boot);
    }
    let place = stacks().locate(Hva::new(address))?;
    place.in_guard.then_some(UsedUp::Own(place.stack))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_stack_that_is_used_up_is_named_and_nothing_else_is_read() {
        assert_eq!(read_stack(0), None);
        assert_eq!(read_stack(u64::MAX - 7), None);
        let known = Stacks::new(Hpa::new(0x4000_0000), 4);
        set_stacks(known);
        let bottom = known.range(3, Stack::Kernel).start.as_u64();
        let found = used_up(bottom - 8).unwrap();
        assert_eq!(found, UsedUp::Own(Stack::Kernel));
        assert_eq!(found.to_string(), "the kernel stack is used up");
        assert_eq!(used_up(bottom), None);
        assert_eq!(used_up(0), None);
        assert_eq!(read_stack(bottom - 16), None);
        assert_eq!(read_stack(known.top(3, Stack::Kernel).as_u64() - 8), None);
    }
}
