//! The interrupt descriptor table: one for all CPUs.
//!
//! Exceptions go to [`super::crash`], the four vectors of the host to [`super::interrupts`], all else to a counter.

use core::cell::UnsafeCell;

use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

use super::apic::Mode;
use super::gdt::{CODE, Ist};
use super::{exceptions, interrupts};

/// A gate (Intel SDM vol. 3A, 6.14.1): where a vector goes, with interrupts disabled on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
struct Gate {
    offset_low: u16,
    selector: u16,
    stack: u8,
    kind: u8,
    offset_middle: u16,
    offset_high: u32,
    reserved: u32,
}

/// Present, privilege level 0, 64-bit interrupt gate.
const INTERRUPT_GATE: u8 = 0x8e;

impl Gate {
    const fn new(handler: u64, stack: Option<Ist>) -> Self {
        Self {
            offset_low: handler as u16,
            selector: CODE.0,
            stack: match stack {
                Some(ist) => ist as u8,
                None => 0,
            },
            kind: INTERRUPT_GATE,
            offset_middle: (handler >> 16) as u16,
            offset_high: (handler >> 32) as u32,
            reserved: 0,
        }
    }
}

#[repr(C, align(4096))]
struct Table(UnsafeCell<[Gate; 256]>);

// SAFETY: written by `build` only, before the other CPUs start and before any CPU loads it; read by processors after.
unsafe impl Sync for Table {}

static TABLE: Table = Table(UnsafeCell::new([Gate::new(0, None); 256]));

/// The stack that an exception needs, whatever state the kernel's own is in.
const fn stack_for(vector: u8) -> Option<Ist> {
    match vector {
        exceptions::NMI => Some(Ist::Nmi),
        exceptions::DOUBLE_FAULT => Some(Ist::DoubleFault),
        exceptions::MACHINE_CHECK => Some(Ist::MachineCheck),
        _ => None,
    }
}

/// The gate for each vector.
fn gates(mode: Mode) -> impl Iterator<Item = Gate> {
    (0..=255).map(move |vector: u8| {
        let handler = if vector < 32 { exceptions::handler(vector) } else { interrupts::handler(vector, mode) };
        Gate::new(handler, stack_for(vector))
    })
}

/// Fills the table.
///
/// # Safety
/// Called once, on the boot CPU, before [`load`] on any CPU.
pub(super) unsafe fn build(mode: Mode) {
    for (index, gate) in gates(mode).enumerate() {
        // SAFETY: nobody else refers to the table yet, and `index` is below 256.
        unsafe { TABLE.0.get().cast::<Gate>().add(index).write(gate) };
    }
}

/// Makes this processor use the table.
pub(super) fn load() {
    let base = VirtAddr::from_ptr(TABLE.0.get());
    let pointer = DescriptorTablePointer { limit: (size_of::<Table>() - 1) as u16, base };
    // SAFETY: the table lives for ever, and all of its gates lead to handlers.
    unsafe { lidt(&pointer) };
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_gate_holds_all_bits_of_its_handler() {
        let gate = Gate::new(0x1122_3344_5566_7788, Some(Ist::DoubleFault));
        assert_eq!((gate.offset_low, gate.offset_middle, gate.offset_high), (0x7788, 0x5566, 0x1122_3344));
        assert_eq!((gate.selector, gate.stack, gate.kind), (8, 2, 0x8e));
        assert_eq!(size_of::<Gate>(), 16);
    }

    #[test]
    fn every_vector_has_a_handler_and_the_fatal_ones_a_stack() {
        let gates: Vec<_> = gates(Mode::XApic).collect();
        assert_eq!(gates.len(), 256);
        assert!(gates.iter().all(|gate| gate.offset_low != 0 || gate.offset_middle != 0));
        let with_stack: Vec<_> = (0..256).filter(|&vector| gates[vector].stack != 0).collect();
        assert_eq!(with_stack, [2, 8, 18]);
        assert_ne!(gates[usize::from(interrupts::TIMER)], gates[usize::from(interrupts::KICK)]);
        assert_ne!(gates[0], gates[1]);
    }
}
