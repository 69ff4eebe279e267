//! The interrupt controller as a guest drives it: GICv2 (Arm IHI 0048) or GICv3 (Arm IHI 0069), as the machine has it.
//!
//! Raw values are what the acknowledge register returns: for an SGI of a GICv2 they hold the sender as well.

pub mod v2;
pub mod v3;

use crate::mmio;
use crate::start_info::{Controller, controller};

/// Distributor registers that both versions have, by offset.
#[allow(missing_docs, reason = "the names are the manual's")]
pub mod gicd {
    pub const CTLR: u64 = 0x000;
    pub const TYPER: u64 = 0x004;
    pub const IIDR: u64 = 0x008;
    pub const IGROUPR: u64 = 0x080;
    pub const ISENABLER: u64 = 0x100;
    pub const ICENABLER: u64 = 0x180;
    pub const ISPENDR: u64 = 0x200;
    pub const ICPENDR: u64 = 0x280;
    pub const ISACTIVER: u64 = 0x300;
    pub const ICACTIVER: u64 = 0x380;
    pub const IPRIORITYR: u64 = 0x400;
    pub const ITARGETSR: u64 = 0x800;
    pub const ICFGR: u64 = 0xc00;
    pub const SGIR: u64 = 0xf00;
    pub const CPENDSGIR: u64 = 0xf10;
    pub const SPENDSGIR: u64 = 0xf20;
    pub const IROUTER: u64 = 0x6000;
    pub const PIDR2: u64 = 0xffe8;
}

/// First INTID that belongs to no CPU.
pub const FIRST_SPI: u32 = 32;
/// Priority that the runtime gives to everything.
pub const PRIORITY: u8 = 0xa0;

/// Whether the machine has a GICv3.
pub fn is_v3() -> bool {
    matches!(controller(), Controller::V3 { .. })
}

/// Address of the distributor.
pub fn distributor() -> u64 {
    match controller() {
        Controller::V2 { distributor, .. } | Controller::V3 { distributor, .. } => distributor,
    }
}

/// Address of the registers of a private interrupt of this CPU, or of an SPI.
pub fn registers(intid: u32) -> u64 {
    match controller() {
        Controller::V3 { .. } if intid < FIRST_SPI => v3::redistributor() + v3::SGI_PAGE,
        _ => distributor(),
    }
}

/// INTIDs of the machine: 32 for each step of GICD_TYPER.ITLinesNumber.
pub fn intids() -> u32 {
    ((mmio::read32(distributor() + gicd::TYPER) & 0x1f) + 1) * 32
}

/// Sets up the distributor, then this CPU: everything disabled, at the runtime's priority.
pub fn reset() {
    match controller() {
        Controller::V2 { .. } => v2::init(),
        Controller::V3 { .. } => v3::init(),
    }
    init_cpu();
}

/// Sets up the private interrupts and the CPU interface of this CPU: SGIs on, PPIs off, all priorities let through.
pub fn init_cpu() {
    match controller() {
        Controller::V2 { .. } => v2::init_cpu(),
        Controller::V3 { .. } => v3::init_cpu(),
    }
}

/// Everything private: disabled, not pending, not active, priorities; SGIs enabled.
fn init_private(base: u64) {
    mmio::write32(base + gicd::ICENABLER, u32::MAX);
    mmio::write32(base + gicd::ICPENDR, u32::MAX);
    mmio::write32(base + gicd::ICACTIVER, u32::MAX);
    for intid in 0..u64::from(FIRST_SPI) {
        mmio::write8(base + gicd::IPRIORITYR + intid, PRIORITY);
    }
    mmio::write32(base + gicd::ISENABLER, 0xffff);
}

fn set_bit(register: u64, intid: u32) {
    mmio::write32(registers(intid) + register + u64::from(intid / 32) * 4, 1 << (intid % 32));
}

fn bit(register: u64, intid: u32) -> bool {
    mmio::read32(registers(intid) + register + u64::from(intid / 32) * 4) >> (intid % 32) & 1 != 0
}

/// Enables an interrupt.
pub fn enable(intid: u32) {
    set_bit(gicd::ISENABLER, intid);
}

/// Disables an interrupt.
pub fn disable(intid: u32) {
    set_bit(gicd::ICENABLER, intid);
}

/// Makes an interrupt pending.
pub fn set_pending(intid: u32) {
    set_bit(gicd::ISPENDR, intid);
}

/// Takes the pending state back.
pub fn clear_pending(intid: u32) {
    set_bit(gicd::ICPENDR, intid);
}

/// Makes an interrupt active.
pub fn set_active(intid: u32) {
    set_bit(gicd::ISACTIVER, intid);
}

/// Takes the active state back.
pub fn clear_active(intid: u32) {
    set_bit(gicd::ICACTIVER, intid);
}

/// Whether an interrupt is enabled.
pub fn is_enabled(intid: u32) -> bool {
    bit(gicd::ISENABLER, intid)
}

/// Whether an interrupt is pending.
pub fn is_pending(intid: u32) -> bool {
    bit(gicd::ISPENDR, intid)
}

/// Whether an interrupt is active.
pub fn is_active(intid: u32) -> bool {
    bit(gicd::ISACTIVER, intid)
}

/// Sets an interrupt's priority; 0 is the most important.
pub fn set_priority(intid: u32, priority: u8) {
    mmio::write8(registers(intid) + gicd::IPRIORITYR + u64::from(intid), priority);
}

/// An interrupt's priority.
pub fn priority(intid: u32) -> u8 {
    mmio::read8(registers(intid) + gicd::IPRIORITYR + u64::from(intid))
}

/// Makes an SPI edge-triggered, or level-sensitive.
pub fn set_edge(intid: u32, edge: bool) {
    let register = registers(intid) + gicd::ICFGR + u64::from(intid / 16) * 4;
    let bit = 2 << (intid % 16 * 2);
    let others = mmio::read32(register) & !bit;
    mmio::write32(register, others | if edge { bit } else { 0 });
}

/// Sends an SPI to the CPU with `affinity`, which is CPU interface `number` of a GICv2.
pub fn route(intid: u32, affinity: u64, number: u32) {
    match controller() {
        Controller::V2 { distributor, .. } => {
            mmio::write8(distributor + gicd::ITARGETSR + u64::from(intid), 1 << number);
        }
        Controller::V3 { distributor, .. } => {
            mmio::write64(distributor + gicd::IROUTER + u64::from(intid) * 8, affinity);
        }
    }
}

/// INTID in a raw value.
pub fn intid(raw: u32) -> u32 {
    if is_v3() { raw & 0xff_ffff } else { raw & 0x3ff }
}

/// Acknowledges the most important pending interrupt; INTID 1023 if there is none.
pub fn acknowledge() -> u32 {
    if is_v3() { v3::acknowledge() } else { v2::acknowledge() }
}

/// Ends an interrupt: drops its priority, and deactivates it unless [`split_end`] is on.
pub fn end(raw: u32) {
    if is_v3() { v3::end(raw) } else { v2::end(raw) }
}

/// Deactivates an interrupt, where [`split_end`] is on.
pub fn deactivate(raw: u32) {
    if is_v3() { v3::deactivate(raw) } else { v2::deactivate(raw) }
}

/// Whether ending and deactivating are two steps (EOImode = 1).
pub fn split_end(on: bool) {
    if is_v3() { v3::split_end(on) } else { v2::split_end(on) }
}

/// Sets the priority mask of this CPU: only what is more important gets through. Returns what it became.
pub fn set_mask(mask: u8) -> u8 {
    if is_v3() { v3::set_mask(mask) } else { v2::set_mask(mask) }
}

/// The running priority of this CPU.
pub fn running_priority() -> u8 {
    if is_v3() { v3::running_priority() } else { v2::running_priority() }
}

/// The most important pending interrupt's INTID, without acknowledging it.
pub fn highest_pending() -> u32 {
    if is_v3() { v3::highest_pending() } else { v2::highest_pending() }
}

/// Sends SGI `intid` to the CPU with `affinity`, which is CPU interface `number` of a GICv2.
pub fn send_sgi(intid: u32, affinity: u64, number: usize) {
    if is_v3() { v3::send_sgi(intid, affinity) } else { v2::send_sgi(intid, 1 << number) }
}

/// Sends SGI `intid` to this CPU.
pub fn send_self(intid: u32) {
    if is_v3() { v3::send_sgi(intid, crate::cpu::affinity()) } else { v2::send_self(intid) }
}

/// Sends SGI `intid` to all others.
pub fn send_others(intid: u32) {
    if is_v3() { v3::send_others(intid) } else { v2::send_others(intid) }
}
