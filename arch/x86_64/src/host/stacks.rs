//! Where the stacks are: a slot of 64 KiB for each, filled from the top, so that what lies below is a guard.
//!
//! ```text
//! slot n+1 ───────────── top of stack n
//!          mapped pages
//!          ───────────── bottom
//!          not mapped: an overflow faults here, and the #DF stack takes over
//! slot n   ─────────────
//! ```

use core::fmt;
use core::ops::Range;

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{CpuIndex, Hva};

use super::percpu;

/// The first slot of CPU 0.
const AREA: u64 = 0xffff_ff00_0000_0000;
/// Bytes from one stack's top to the next.
const SLOT: u64 = 64 << 10;

/// The stacks of one CPU, in the order of their slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// The one that the kernel runs on.
    Kernel,
    /// For non-maskable interrupts.
    Nmi,
    /// For double faults: entered when the kernel's own stack is used up.
    DoubleFault,
    /// For machine checks.
    MachineCheck,
}

impl Stack {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kernel, Self::Nmi, Self::DoubleFault, Self::MachineCheck];

    /// Mapped frames.
    #[must_use]
    pub const fn frames(self) -> u64 {
        match self {
            Self::Kernel => 12,
            Self::Nmi | Self::DoubleFault | Self::MachineCheck => 4,
        }
    }

    /// The mapped addresses of this stack of `cpu`.
    #[must_use]
    pub const fn range(self, cpu: CpuIndex) -> Range<Hva> {
        let slot = cpu.0 as u64 * Self::ALL.len() as u64 + self as u64;
        let top = AREA + (slot + 1) * SLOT;
        Hva::new(top - self.frames() * FRAME_SIZE)..Hva::new(top)
    }

    /// The initial stack pointer on `cpu`: the end of the range, aligned to 16 bytes.
    #[must_use]
    pub const fn top(self, cpu: CpuIndex) -> Hva {
        self.range(cpu).end
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::Nmi => "NMI",
            Self::DoubleFault => "double-fault",
            Self::MachineCheck => "machine-check",
        })
    }
}

/// What an address in the stack area belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose stack.
    pub cpu: CpuIndex,
    /// Which one.
    pub stack: Stack,
    /// Whether the address lies below the stack, where nothing is mapped.
    pub in_guard: bool,
}

/// Finds the stack that `address` belongs to; `None` outside of the area.
#[must_use]
pub fn locate(address: Hva) -> Option<Place> {
    let slot = address.checked_sub(Hva::new(AREA))? / SLOT;
    let cpu = CpuIndex(u16::try_from(slot / 4).ok().filter(|&index| usize::from(index) < percpu::MAX_CPUS)?);
    let stack = Stack::ALL[slot as usize % 4];
    Some(Place { cpu, stack, in_guard: address < stack.range(cpu).start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_do_not_touch() {
        let mut end = AREA;
        for cpu in [CpuIndex(0), CpuIndex(1)] {
            for stack in Stack::ALL {
                let range = stack.range(cpu);
                assert!(range.start.as_u64() >= end + FRAME_SIZE, "{stack:?} has a guard page");
                end = range.end.as_u64();
            }
        }
    }

    #[test]
    fn addresses_are_found_again() {
        let range = Stack::Nmi.range(CpuIndex(3));
        let inside = Place { cpu: CpuIndex(3), stack: Stack::Nmi, in_guard: false };
        assert_eq!(locate(range.start), Some(inside));
        assert_eq!(locate(Hva::new(range.end.as_u64() - 1)), Some(inside));
        assert_eq!(locate(Hva::new(range.start.as_u64() - 1)), Some(Place { in_guard: true, ..inside }));
        assert_eq!(locate(Hva::new(AREA - 1)), None);
        assert_eq!(locate(Hva::new(u64::MAX)), None);
    }
}
