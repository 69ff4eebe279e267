//! GICv2 (IHI 0048): memory-mapped interfaces.
//!
//! The same bits work with and without the Security Extensions: interrupts stay in group 0, which is what a non-secure
//! view calls those that it has, and bit 0 of the control registers enables it.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hpa;

use super::super::instr;
use super::super::mmio::Registers;
use super::super::percpu::this_cpu;
use super::distributor::{self, offset};
use super::hcr;
use super::list_register::v2::{decode, encode};
use crate::gic::{Conditions, Gic, InterfaceState, ListRegister, Version};

/// Registers of the CPU interface (IHI 0048, 4.1.3).
mod gicc {
    pub(super) const CTLR: u64 = 0x0;
    pub(super) const PMR: u64 = 0x4;
    pub(super) const BPR: u64 = 0x8;
    pub(super) const IAR: u64 = 0xc;
    pub(super) const EOIR: u64 = 0x10;
    pub(super) const APR: u64 = 0xd0;
    pub(super) const DIR: u64 = 0x1000;
    /// GICC_CTLR: interrupts are signalled.
    pub(super) const ENABLE: u32 = 1 << 0;
    /// GICC_CTLR: what the firmware decided about bypassing the GIC.
    pub(super) const BYPASS: u32 = 0xf << 5;
    /// GICC_CTLR.EOImode: the end of an interrupt does not deactivate it.
    pub(super) const EOI_MODE: u32 = 1 << 9;
}

/// Registers of the virtual interface control (IHI 0048, 5.3).
mod gich {
    pub(super) const HCR: u64 = 0x0;
    pub(super) const VTR: u64 = 0x4;
    pub(super) const VMCR: u64 = 0x8;
    pub(super) const ELRSR0: u64 = 0x30;
    pub(super) const APR: u64 = 0xf0;
    pub(super) const LR: u64 = 0x100;
}

/// The list registers that are used at most.
const MOST_LIST_REGISTERS: u64 = 16;

/// Where the blocks are; the same on every CPU.
struct Blocks {
    gicd: AtomicU64,
    gicc: AtomicU64,
    gich: AtomicU64,
    list_registers: AtomicU64,
}

static BLOCKS: Blocks = Blocks {
    gicd: AtomicU64::new(0),
    gicc: AtomicU64::new(0),
    gich: AtomicU64::new(0),
    list_registers: AtomicU64::new(0),
};

/// The registers at the address in `block`.
#[inline(always)]
fn registers(block: &AtomicU64) -> Registers {
    // SAFETY: `set_up` stored the address of a mapped block of the GIC, whose only driver is this module.
    unsafe { Registers::new(Hpa::new(block.load(Ordering::Relaxed))) }
}

pub(super) fn gicd() -> Registers {
    registers(&BLOCKS.gicd)
}

#[inline(always)]
fn gicc() -> Registers {
    registers(&BLOCKS.gicc)
}

#[inline(always)]
fn gich() -> Registers {
    registers(&BLOCKS.gich)
}

/// Remembers where the blocks are and silences all shared interrupts. On the boot CPU.
pub(super) fn set_up(gicd_at: Hpa, gicc_at: Hpa, gich_at: Hpa) {
    BLOCKS.gicd.store(gicd_at.as_u64(), Ordering::Relaxed);
    BLOCKS.gicc.store(gicc_at.as_u64(), Ordering::Relaxed);
    BLOCKS.gich.store(gich_at.as_u64(), Ordering::Relaxed);
    gicd().write(offset::CTLR, 0);
    distributor::silence_shared(gicd());
    gicd().write(offset::CTLR, gicc::ENABLE);
    let list_registers = u64::from(gich().read(gich::VTR) & 0x3f) + 1;
    BLOCKS.list_registers.store(list_registers.min(MOST_LIST_REGISTERS), Ordering::Relaxed);
}

/// Sets up the interfaces of this CPU, which lets the private interrupts of `enabled` come. Returns the part of GICD_SGIR
/// that selects this CPU, and where its private interrupts are controlled.
pub(super) fn init_cpu(enabled: u32) -> (u64, Hpa) {
    for word in 0..4 {
        gicd().write(offset::CPENDSGIR + 4 * word, u32::MAX);
    }
    distributor::set_up_private(gicd(), 0, enabled);
    let gicc = gicc();
    for word in 0..4 {
        gicc.write(gicc::APR + 4 * word, 0);
    }
    gicc.write(gicc::PMR, 0xff);
    gicc.write(gicc::BPR, 0);
    let bypass = gicc.read(gicc::CTLR) & gicc::BYPASS;
    gicc.write(gicc::CTLR, bypass | gicc::EOI_MODE | gicc::ENABLE);
    let gich = gich();
    gich.write(gich::HCR, 0);
    for n in 0..GicV2::list_registers() as u64 {
        gich.write(gich::LR + 4 * n, 0);
    }
    (u64::from(interface()) << 16, Hpa::new(BLOCKS.gicd.load(Ordering::Relaxed)))
}

/// The bit of this CPU's interface. A machine with one CPU need not say it: the register is zero there (IHI 0048,
/// 4.3.12).
fn interface() -> u32 {
    match gicd().read(offset::ITARGETSR) & 0xff {
        0 => 1,
        interface => interface,
    }
}

/// Sends a shared interrupt to this CPU.
pub(super) fn route_here(intid: u32) {
    distributor::set_up_shared(gicd(), intid, false);
    distributor::modify(gicd(), offset::ITARGETSR, intid, 8, interface());
    distributor::enable(gicd(), intid);
}

/// Sends an SGI; `target` is the part of GICD_SGIR that [`init_cpu`] returned.
#[inline]
pub(super) fn send_sgi(target: u64, sgi: u32) {
    instr::dsb_stores();
    gicd().write(offset::SGIR, target as u32 | sgi);
}

/// A GICv2.
#[derive(Debug)]
pub struct GicV2;

impl Gic for GicV2 {
    const VERSION: Version = Version::V2;

    #[inline(always)]
    fn acknowledge() -> u32 {
        gicc().read(gicc::IAR)
    }

    #[inline(always)]
    fn drop_priority(raw: u32) {
        gicc().write(gicc::EOIR, raw);
    }

    #[inline(always)]
    fn deactivate(raw: u32) {
        gicc().write(gicc::DIR, raw);
    }

    fn set_active(ppi: u32, active: bool) {
        let offset = if active { offset::ISACTIVER } else { offset::ICACTIVER };
        registers(&this_cpu().private_interrupts).write(offset, 1 << (ppi % 32));
        instr::dsb();
    }

    #[inline(always)]
    fn list_registers() -> usize {
        BLOCKS.list_registers.load(Ordering::Relaxed) as usize
    }

    #[inline(always)]
    fn empty() -> u32 {
        gich().read(gich::ELRSR0)
    }

    fn read(n: usize) -> ListRegister {
        if n < Self::list_registers() { decode(gich().read(gich::LR + 4 * n as u64)) } else { ListRegister::default() }
    }

    #[inline(always)]
    fn write_raw(n: usize, raw: u64) {
        if n < Self::list_registers() {
            gich().write(gich::LR + 4 * n as u64, raw as u32);
        }
    }

    #[inline(always)]
    fn encode(register: ListRegister) -> u64 {
        u64::from(encode(register))
    }

    fn set_maintenance(conditions: Conditions) {
        change_hcr(hcr::MAINTENANCE | hcr::COUNT, hcr::conditions(conditions));
    }

    fn take_unlisted() -> u32 {
        change_hcr(hcr::COUNT, 0) >> hcr::COUNT_SHIFT & 0x1f
    }

    fn set_enabled(enabled: bool) {
        change_hcr(hcr::ENABLE, if enabled { hcr::ENABLE } else { 0 });
    }

    fn save() -> InterfaceState {
        InterfaceState { vmcr: gich().read(gich::VMCR), apr0: gich().read(gich::APR), apr1: 0 }
    }

    fn restore(state: &InterfaceState) {
        gich().write(gich::VMCR, state.vmcr);
        gich().write(gich::APR, state.apr0);
    }
}

/// Replaces the bits of `mask` by `value`, and tells what was there before.
fn change_hcr(mask: u32, value: u32) -> u32 {
    let old = gich().read(gich::HCR);
    gich().write(gich::HCR, old & !mask | value);
    old
}
