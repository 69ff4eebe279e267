//! GICv3: distributor and redistributors in memory, CPU interface in system registers (Arm IHI 0069, chapter 12).
//! Everything is in group 1.

use super::gicd;
use crate::start_info::{Controller, controller};
use crate::{cpu, mmio, read_register, write_register};

/// Redistributor registers, by offset.
#[allow(missing_docs, reason = "the names are the manual's")]
pub mod gicr {
    pub const CTLR: u64 = 0x000;
    pub const IIDR: u64 = 0x004;
    pub const TYPER: u64 = 0x008;
    pub const WAKER: u64 = 0x014;
    pub const PIDR2: u64 = 0xffe8;
}

/// From a redistributor's first page to the one of its private interrupts.
pub const SGI_PAGE: u64 = 0x1_0000;
/// From one redistributor to the next.
pub const STRIDE: u64 = 0x2_0000;

const ENABLE_GROUP_1: u32 = 1 << 1;
const AFFINITY_ROUTING: u32 = 1 << 4;
const PROCESSOR_SLEEP: u32 = 1 << 1;
const CHILDREN_ASLEEP: u32 = 1 << 2;
const LAST: u64 = 1 << 4;

/// Address of the first redistributor.
pub fn redistributors() -> u64 {
    match controller() {
        Controller::V3 { redistributors, .. } => redistributors,
        Controller::V2 { .. } => 0,
    }
}

/// Address of the redistributor of the CPU with `affinity`: the one whose GICR_TYPER says so.
pub fn redistributor_of(affinity: u64) -> Option<u64> {
    let packed = affinity >> 8 & 0xff00_0000 | affinity & 0xff_ffff;
    let mut address = redistributors();
    loop {
        let typer = mmio::read64(address + gicr::TYPER);
        if typer >> 32 == packed {
            return Some(address);
        }
        if typer & LAST != 0 {
            return None;
        }
        address += STRIDE;
    }
}

/// Address of this CPU's redistributor.
pub fn redistributor() -> u64 {
    redistributor_of(cpu::affinity()).unwrap_or(redistributors())
}

pub(super) fn init() {
    let base = super::distributor();
    mmio::write32(base + gicd::CTLR, 0);
    mmio::write32(base + gicd::CTLR, AFFINITY_ROUTING);
    for intid in (super::FIRST_SPI..super::intids()).step_by(32) {
        let word = u64::from(intid / 32) * 4;
        mmio::write32(base + gicd::ICENABLER + word, u32::MAX);
        mmio::write32(base + gicd::ICPENDR + word, u32::MAX);
        mmio::write32(base + gicd::ICACTIVER + word, u32::MAX);
        mmio::write32(base + gicd::IGROUPR + word, u32::MAX);
    }
    for intid in super::FIRST_SPI..super::intids() {
        super::set_priority(intid, super::PRIORITY);
        super::route(intid, cpu::affinity(), 0);
    }
    mmio::write32(base + gicd::CTLR, AFFINITY_ROUTING | ENABLE_GROUP_1);
}

pub(super) fn init_cpu() {
    let base = redistributor();
    let waker = mmio::read32(base + gicr::WAKER);
    mmio::write32(base + gicr::WAKER, waker & !PROCESSOR_SLEEP);
    while mmio::read32(base + gicr::WAKER) & CHILDREN_ASLEEP != 0 {
        cpu::pause();
    }
    mmio::write32(base + SGI_PAGE + gicd::IGROUPR, u32::MAX);
    super::init_private(base + SGI_PAGE);
    let sre = 1 | read_register!("S3_0_C12_C12_5");
    // SAFETY: the interrupt controller reaches no memory. ICC_SRE_EL1.SRE, then ICC_BPR1, ICC_IGRPEN1.
    unsafe {
        write_register!("S3_0_C12_C12_5", sre);
        write_register!("S3_0_C12_C12_3", 0_u64);
        write_register!("S3_0_C12_C12_7", 1_u64);
    }
    split_end(false);
    set_mask(0xff);
}

pub(super) fn acknowledge() -> u32 {
    // ICC_IAR1_EL1.
    read_register!("S3_0_C12_C12_0") as u32
}

pub(super) fn end(raw: u32) {
    // SAFETY: ICC_EOIR1_EL1: ends an interrupt.
    unsafe { write_register!("S3_0_C12_C12_1", u64::from(raw)) };
}

pub(super) fn deactivate(raw: u32) {
    // SAFETY: ICC_DIR_EL1: deactivates an interrupt.
    unsafe { write_register!("S3_0_C12_C11_1", u64::from(raw)) };
}

pub(super) fn split_end(on: bool) {
    // SAFETY: ICC_CTLR_EL1.EOImode.
    unsafe { write_register!("S3_0_C12_C12_4", u64::from(on) << 1) };
}

pub(super) fn set_mask(mask: u8) -> u8 {
    // SAFETY: ICC_PMR_EL1: masks interrupts.
    unsafe { write_register!("S3_0_C4_C6_0", u64::from(mask)) };
    read_register!("S3_0_C4_C6_0") as u8
}

pub(super) fn running_priority() -> u8 {
    // ICC_RPR_EL1.
    read_register!("S3_0_C12_C11_3") as u8
}

pub(super) fn highest_pending() -> u32 {
    // ICC_HPPIR1_EL1.
    read_register!("S3_0_C12_C12_2") as u32
}

/// The value of ICC_SGI1R_EL1 that sends `intid` to the CPU with `affinity`.
pub fn sgi_value(intid: u32, affinity: u64) -> u64 {
    let [aff0, aff1, aff2] = [affinity & 0xff, affinity >> 8 & 0xff, affinity >> 16 & 0xff];
    let aff3 = affinity >> 32 & 0xff;
    aff3 << 48 | aff2 << 32 | aff1 << 16 | aff0 >> 4 << 44 | 1 << (aff0 & 15) | u64::from(intid) << 24
}

/// Writes ICC_SGI1R_EL1.
pub fn write_sgi(value: u64) {
    // SAFETY: an interrupt.
    unsafe { write_register!("S3_0_C12_C11_5", value) };
}

pub(super) fn send_sgi(intid: u32, affinity: u64) {
    write_sgi(sgi_value(intid, affinity));
}

pub(super) fn send_others(intid: u32) {
    write_sgi(1 << 40 | u64::from(intid) << 24);
}
