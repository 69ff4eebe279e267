//! The registers as memory, laid out as the virtual-APIC page (Intel SDM vol. 3C, section 31.1).
//!
//! This is the one copy of what software reads, whoever reads it: an access that exits finds here what the processor
//! finds when it answers by itself. So each register stands as its reader is to see it, in the mode that is in force.
//!
//! With VT-x the processor changes the page too, but only between VM entry and VM exit on the CPU that owns the vCPU
//! (nothing is posted). Plain accesses are enough outside of that: the cells tell the compiler that others may change
//! them, [`LocalApic::page_address`](super::LocalApic::page_address) exposes the address, and the world switch is
//! assembly that may touch any such memory, so no value is carried across it in a register.

use core::cell::Cell;
use core::fmt;

/// One register: 32 bits (the ICR of x2APIC mode: 64) at the start of 16 bytes.
#[repr(C, align(16))]
#[derive(Default)]
struct Register {
    low: Cell<u32>,
    high: Cell<u32>,
    unused: [u32; 2],
}

/// 256 registers in 4 KiB; register n is at offset 16 n. What does not exist is zero.
#[repr(C, align(4096))]
pub struct ApicPage {
    registers: [Register; 256],
}

const _: () = assert!(size_of::<ApicPage>() == 4096);

impl ApicPage {
    /// All zero.
    pub(super) fn new() -> Self {
        Self { registers: core::array::from_fn(|_| Register::default()) }
    }

    /// A byte never leaves an array of 256: the check is compiled away.
    #[inline(always)]
    #[allow(clippy::indexing_slicing, reason = "see above")]
    fn register(&self, register: u8) -> &Register {
        &self.registers[usize::from(register)]
    }

    /// Reads a register.
    #[inline(always)]
    pub(super) fn get(&self, register: u8) -> u32 {
        self.register(register).low.get()
    }

    /// Makes a register read as `value`.
    #[inline(always)]
    pub(super) fn set(&self, register: u8, value: u32) {
        self.register(register).low.set(value);
    }

    /// Bits 63:32 of a register.
    #[inline(always)]
    pub(super) fn high(&self, register: u8) -> u32 {
        self.register(register).high.get()
    }

    /// Makes bits 63:32 of a register read as `value`.
    #[inline(always)]
    pub(super) fn set_high(&self, register: u8, value: u32) {
        self.register(register).high.set(value);
    }

    /// All zero again.
    pub(super) fn clear(&self) {
        for register in &self.registers {
            register.low.set(0);
            register.high.set(0);
        }
    }
}

/// The registers that are not zero.
impl fmt::Debug for ApicPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbered = (0..=u8::MAX).map(|number| (number, self.high(number), self.get(number)));
        formatter.debug_list().entries(numbered.filter(|(_, high, low)| high | low != 0)).finish()
    }
}
