//! Which memory the crash card may look at: the kernel's code and the stacks.

use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{CpuIndex, Hva};

use super::super::percpu;
use super::super::stacks::{self, Stack};

/// A range that is set once at boot; empty before.
struct Bounds(AtomicU64, AtomicU64);

impl Bounds {
    const fn unknown() -> Self {
        Self(AtomicU64::new(0), AtomicU64::new(0))
    }

    fn set(&self, range: &Range<Hva>) {
        self.0.store(range.start.as_u64(), Ordering::Relaxed);
        self.1.store(range.end.as_u64(), Ordering::Relaxed);
    }

    fn get(&self) -> Range<u64> {
        self.0.load(Ordering::Relaxed)..self.1.load(Ordering::Relaxed)
    }
}

static CODE: Bounds = Bounds::unknown();
static BOOT_STACK: Bounds = Bounds::unknown();

/// Sets where the kernel's code and its boot stack are.
pub(in super::super) fn set_known_memory(code: &Range<Hva>, boot_stack: &Range<Hva>) {
    CODE.set(code);
    BOOT_STACK.set(boot_stack);
}

/// Whether `address` is within the kernel's code.
pub(super) fn is_code(address: u64) -> bool {
    CODE.get().contains(&address)
}

/// Reads two words of a stack. `None` outside of the stacks that are mapped, or where `address` is not aligned.
pub(super) fn read_stack(address: u64) -> Option<[u64; 2]> {
    let boot = BOOT_STACK.get();
    let is_mapped = (boot.contains(&address) && boot.end - address >= 16) || is_on_cpu_stack(address);
    // SAFETY: the address is aligned, and 16 bytes from it are on a stack that is mapped for ever; another CPU may
    // write there, hence volatile.
    (is_mapped && address.is_multiple_of(8)).then(|| unsafe { (address as *const [u64; 2]).read_volatile() })
}

fn is_on_cpu_stack(address: u64) -> bool {
    stacks::locate(Hva::new(address)).is_some_and(|place| {
        let end = place.stack.top(place.cpu);
        !place.in_guard && end.as_u64() - address >= 16 && percpu::cpu(place.cpu).is_some()
    })
}

/// A stack whose pointer left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsedUp {
    /// The one that the boot CPU started on.
    Boot,
    /// One of a CPU's own.
    Cpu(CpuIndex, Stack),
}

impl fmt::Display for UsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => f.write_str("the boot stack is used up"),
            Self::Cpu(cpu, stack) => write!(f, "the {stack} stack of CPU {} is used up", cpu.0),
        }
    }
}

/// The stack that is used up, if this stack pointer means so: it is in the guard below a stack or at its very end.
pub(super) fn used_up(rsp: u64) -> Option<UsedUp> {
    let start = BOOT_STACK.get().start;
    if (start.saturating_sub(FRAME_SIZE)..=start).contains(&rsp) && start != 0 {
        return Some(UsedUp::Boot);
    }
    let place = stacks::locate(Hva::new(rsp))?;
    let is_at_end = Hva::new(rsp) == place.stack.range(place.cpu).start;
    (place.in_guard || is_at_end).then_some(UsedUp::Cpu(place.cpu, place.stack))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn a_stack_that_is_used_up_is_named() {
        let bottom = Stack::Kernel.range(CpuIndex(3)).start.as_u64();
        let found = used_up(bottom - 8).unwrap();
        assert_eq!(found, UsedUp::Cpu(CpuIndex(3), Stack::Kernel));
        assert_eq!(found.to_string(), "the kernel stack of CPU 3 is used up");
        assert_eq!(used_up(bottom), Some(found));
        assert_eq!(used_up(bottom + 8), None);
        assert_eq!(used_up(0), None);
    }

    #[test]
    fn nothing_is_read_outside_of_known_stacks() {
        assert_eq!(read_stack(0), None);
        assert_eq!(read_stack(u64::MAX - 7), None);
        assert_eq!(read_stack(Stack::Kernel.range(CpuIndex(9)).start.as_u64()), None);
    }
}
