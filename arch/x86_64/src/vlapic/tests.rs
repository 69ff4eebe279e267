//! The local APIC against its manual, and against a naive model of it.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod errors;
mod hardware;
mod inbox;
mod interrupts;
mod ipi;
mod model;
mod modes;
mod processor;
mod registers;
mod robustness;
mod route;
mod timer;
mod tsc_deadline;

use super::{Effect, LocalApic, MSR_APIC_BASE, Mode};

/// xAPIC register offsets, spelt out so that a wrong constant in the model shows.
mod offset {
    pub(super) const ID: u16 = 0x20;
    pub(super) const VERSION: u16 = 0x30;
    pub(super) const TPR: u16 = 0x80;
    pub(super) const PPR: u16 = 0xa0;
    pub(super) const EOI: u16 = 0xb0;
    pub(super) const LDR: u16 = 0xd0;
    pub(super) const DFR: u16 = 0xe0;
    pub(super) const SVR: u16 = 0xf0;
    pub(super) const ISR: u16 = 0x100;
    pub(super) const TMR: u16 = 0x180;
    pub(super) const IRR: u16 = 0x200;
    pub(super) const ESR: u16 = 0x280;
    pub(super) const ICR_LOW: u16 = 0x300;
    pub(super) const ICR_HIGH: u16 = 0x310;
    pub(super) const LVT_TIMER: u16 = 0x320;
    pub(super) const LVT_LINT1: u16 = 0x360;
    pub(super) const LVT_ERROR: u16 = 0x370;
    pub(super) const INITIAL_COUNT: u16 = 0x380;
    pub(super) const CURRENT_COUNT: u16 = 0x390;
    pub(super) const DIVIDE: u16 = 0x3e0;
    pub(super) const SELF_IPI: u16 = 0x3f0;
}

const NOW: u64 = 1_000_000;
const X2APIC_BASE: u64 = 0xfee0_0c00;

/// A bootstrap APIC with ID 0 in xAPIC mode, software-enabled with spurious vector FFH.
fn enabled() -> LocalApic {
    let mut apic = LocalApic::new(0, true);
    assert_eq!(apic.write(offset::SVR, 0x1ff, NOW), Effect::Reconfigured);
    apic
}

/// The same in x2APIC mode with this ID.
fn x2apic(id: u32) -> LocalApic {
    let mut apic = LocalApic::new(id, false);
    assert_eq!(apic.write_msr(MSR_APIC_BASE, X2APIC_BASE, || NOW), Ok(Effect::Reconfigured));
    assert_eq!(apic.write_msr(0x80f, 0x1ff, || NOW), Ok(Effect::Reconfigured));
    assert_eq!(apic.mode(), Mode::X2Apic);
    apic
}

impl LocalApic {
    /// The processor takes what it can take.
    pub(crate) fn ack_interrupt(&mut self) -> Option<u8> {
        let vector = self.pending_above_ppr()?;
        self.acknowledge(vector);
        Some(vector)
    }
}

/// Writes a register whose effect is `Effect::None`, or the task priority.
fn write(apic: &mut LocalApic, offset: u16, value: u32) {
    let expected = if offset == self::offset::TPR && apic.mode() == Mode::XApic {
        Effect::TaskPriorityChanged
    } else {
        Effect::None
    };
    assert_eq!(apic.write(offset, value, NOW), expected, "write of {value:#x} to {offset:#x}");
}
