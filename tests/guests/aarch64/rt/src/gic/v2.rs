//! GICv2: both parts in memory (Arm IHI 0048, chapter 4). All interrupts stay in the group that they have after a reset.

use super::gicd;
use crate::mmio;
use crate::start_info::{Controller, controller};

/// CPU interface registers, by offset.
#[allow(missing_docs, reason = "the names are the manual's")]
pub mod gicc {
    pub const CTLR: u64 = 0x000;
    pub const PMR: u64 = 0x004;
    pub const BPR: u64 = 0x008;
    pub const IAR: u64 = 0x00c;
    pub const EOIR: u64 = 0x010;
    pub const RPR: u64 = 0x014;
    pub const HPPIR: u64 = 0x018;
    pub const IIDR: u64 = 0x0fc;
    pub const DIR: u64 = 0x1000;
}

const ENABLE: u32 = 1;
const EOI_MODE: u32 = 1 << 9;

/// Address of the CPU interface.
pub fn interface() -> u64 {
    match controller() {
        Controller::V2 { interface, .. } => interface,
        Controller::V3 { .. } => 0,
    }
}

fn distributor() -> u64 {
    super::distributor()
}

pub(super) fn init() {
    let base = distributor();
    mmio::write32(base + gicd::CTLR, 0);
    for intid in (super::FIRST_SPI..super::intids()).step_by(32) {
        let word = u64::from(intid / 32) * 4;
        mmio::write32(base + gicd::ICENABLER + word, u32::MAX);
        mmio::write32(base + gicd::ICPENDR + word, u32::MAX);
        mmio::write32(base + gicd::ICACTIVER + word, u32::MAX);
    }
    for intid in super::FIRST_SPI..super::intids() {
        super::set_priority(intid, super::PRIORITY);
        super::route(intid, 0, 0);
    }
    mmio::write32(base + gicd::CTLR, ENABLE);
}

pub(super) fn init_cpu() {
    super::init_private(distributor());
    for word in (0..16).step_by(4) {
        mmio::write32(distributor() + gicd::CPENDSGIR + word, u32::MAX);
    }
    set_mask(0xff);
    mmio::write32(interface() + gicc::CTLR, ENABLE);
}

pub(super) fn acknowledge() -> u32 {
    mmio::read32(interface() + gicc::IAR)
}

pub(super) fn end(raw: u32) {
    mmio::write32(interface() + gicc::EOIR, raw);
}

pub(super) fn deactivate(raw: u32) {
    mmio::write32(interface() + gicc::DIR, raw);
}

pub(super) fn split_end(on: bool) {
    mmio::write32(interface() + gicc::CTLR, ENABLE | if on { EOI_MODE } else { 0 });
}

pub(super) fn set_mask(mask: u8) -> u8 {
    mmio::write32(interface() + gicc::PMR, mask.into());
    mmio::read32(interface() + gicc::PMR) as u8
}

pub(super) fn running_priority() -> u8 {
    mmio::read32(interface() + gicc::RPR) as u8
}

pub(super) fn highest_pending() -> u32 {
    mmio::read32(interface() + gicc::HPPIR) & 0x3ff
}

/// Sends an SGI to the CPU interfaces in a bit mask.
pub fn send_sgi(intid: u32, targets: u32) {
    mmio::write32(distributor() + gicd::SGIR, targets << 16 | intid);
}

pub(super) fn send_others(intid: u32) {
    mmio::write32(distributor() + gicd::SGIR, 1 << 24 | intid);
}

pub(super) fn send_self(intid: u32) {
    mmio::write32(distributor() + gicd::SGIR, 2 << 24 | intid);
}
