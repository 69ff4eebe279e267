//! Registers that are laid out alike in both versions: the distributor, and the block for the 32 private interrupts of
//! a CPU, which a GICv2 banks in the distributor and a GICv3 has in the redistributor's SGI frame.
//!
//! IHI 0048, 4.1.2; IHI 0069, 12.8 and 12.11.

use super::super::mmio::Registers;
use super::FIRST_SHARED;

/// Offsets of the registers.
pub(super) mod offset {
    /// Control.
    pub(in super::super) const CTLR: u64 = 0x0;
    /// What it has.
    pub(in super::super) const TYPER: u64 = 0x4;
    /// Groups.
    pub(in super::super) const IGROUPR: u64 = 0x80;
    /// Enables.
    pub(in super::super) const ISENABLER: u64 = 0x100;
    /// Disables.
    pub(in super::super) const ICENABLER: u64 = 0x180;
    /// Clears pending states.
    pub(in super::super) const ICPENDR: u64 = 0x280;
    /// Sets active states.
    pub(in super::super) const ISACTIVER: u64 = 0x300;
    /// Clears active states.
    pub(in super::super) const ICACTIVER: u64 = 0x380;
    /// Priorities, a byte each.
    pub(in super::super) const IPRIORITYR: u64 = 0x400;
    /// Targets, a byte each (GICv2).
    pub(in super::super) const ITARGETSR: u64 = 0x800;
    /// Level or edge, two bits each.
    pub(in super::super) const ICFGR: u64 = 0xc00;
    /// Sends an SGI (GICv2).
    pub(in super::super) const SGIR: u64 = 0xf00;
    /// Clears pending SGIs, a byte each (GICv2).
    pub(in super::super) const CPENDSGIR: u64 = 0xf10;
    /// Routes, 8 bytes each (GICv3).
    pub(in super::super) const IROUTER: u64 = 0x6000;
}

/// One priority for everything, four times: nothing preempts anything.
const PRIORITIES: u32 = 0xa0a0_a0a0;

/// Silences every shared interrupt: disabled, neither pending nor active.
pub(super) fn silence_shared(distributor: Registers) {
    let words = u64::from(distributor.read(offset::TYPER) & 0x1f);
    for word in 1..=words {
        silence(distributor, word);
    }
}

/// Silences 32 interrupts.
fn silence(registers: Registers, word: u64) {
    for offset in [offset::ICENABLER, offset::ICPENDR, offset::ICACTIVER] {
        registers.write(offset + 4 * word, u32::MAX);
    }
}

/// Sets up the private interrupts of this CPU: those of `enabled` come, with one priority; nothing else does.
pub(super) fn set_up_private(registers: Registers, group: u32, enabled: u32) {
    silence(registers, 0);
    registers.write(offset::IGROUPR, group);
    for word in 0..u64::from(FIRST_SHARED / 4) {
        registers.write(offset::IPRIORITYR + 4 * word, PRIORITIES);
    }
    registers.write(offset::ISENABLER, enabled);
}

/// Gives a shared interrupt the group, priority and rising edge. It is enabled by [`enable`].
pub(super) fn set_up_shared(distributor: Registers, intid: u32, group1: bool) {
    modify(distributor, offset::IGROUPR, intid, 1, u32::from(group1));
    modify(distributor, offset::IPRIORITYR, intid, 8, PRIORITIES & 0xff);
    modify(distributor, offset::ICFGR, intid, 2, 0b10);
}

/// Replaces the field of `bits` bits that belongs to `intid`.
pub(super) fn modify(registers: Registers, offset: u64, intid: u32, bits: u32, value: u32) {
    let place = intid * bits;
    let offset = offset + u64::from(place / 32 * 4);
    let mask = ((1 << bits) - 1) << (place % 32);
    let others = registers.read(offset) & !mask;
    registers.write(offset, others | value << (place % 32));
}

/// Lets an interrupt come.
pub(super) fn enable(registers: Registers, intid: u32) {
    registers.write(offset::ISENABLER + u64::from(intid / 32 * 4), 1 << (intid % 32));
}

/// Keeps an interrupt away.
pub(super) fn disable(registers: Registers, intid: u32) {
    registers.write(offset::ICENABLER + u64::from(intid / 32 * 4), 1 << (intid % 32));
}
