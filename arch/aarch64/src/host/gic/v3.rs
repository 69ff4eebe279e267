//! GICv3 and GICv4 (IHI 0069): CPU interfaces in system registers, affinity routing.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;

use super::super::error::HostError;
use super::super::instr;
use super::super::mmio::Registers;
use super::super::percpu::this_cpu;
use super::super::registers::{
    IccAp1r0, IccBpr1, IccCtlr, IccDir, IccEoir1, IccIar1, IccIgrpen1, IccPmr, IccSgi1r, IccSreEl2, IchAp0r0, IchAp1r0,
    IchElrsr, IchHcr, IchVmcr, IchVtr,
};
use super::super::timer;
use super::distributor::{self, offset};
use super::hcr;
use super::list_register::v3::{decode, encode};
use super::numbered;
use super::redistributor;
use crate::gic::{Conditions, Gic, InterfaceState, ListRegister, Version};
use crate::register::msr;

/// GICD_CTLR (IHI 0069, 12.9.4): affinity routing and group 1, as the non-secure view and the only view spell them.
const GROUP_1: u32 = 1 << 1;
const AFFINITY_ROUTING: u32 = 1 << 4;
/// A write to the registers is still under way: GICD_CTLR.RWP, GICR_CTLR.RWP.
const DISTRIBUTOR_BUSY: u32 = 1 << 31;
const REDISTRIBUTOR_BUSY: u32 = 1 << 3;

/// GICR_WAKER (IHI 0069, 12.11.42).
const WAKER: u64 = 0x14;
const PROCESSOR_SLEEP: u32 = 1 << 1;
const CHILDREN_ASLEEP: u32 = 1 << 2;
/// From a redistributor to its frame for SGIs and PPIs.
const SGI_FRAME: u64 = 64 << 10;

/// ICC_SRE_EL2 and ICC_SRE_EL1: system registers (SRE), no bypass (DFB, DIB).
const SRE: u64 = 1 << 0;
const SRE_ALL: u64 = 7;
/// ICC_SRE_EL2: a guest reaches ICC_SRE_EL1. It must not: another guest would find what it wrote.
const ENABLE: u64 = 1 << 3;
/// ICC_CTLR_EL1.EOImode.
const EOI_MODE: u64 = 1 << 1;

/// The affinity fields in an SGI register, an IROUTER or an MPIDR.
const AFFINITY: u64 = 0xff_00ff_ffff;

static GICD: AtomicU64 = AtomicU64::new(0);
static LIST_REGISTERS: AtomicU64 = AtomicU64::new(0);

pub(super) fn gicd() -> Registers {
    // SAFETY: `set_up` stored the address of the mapped distributor, whose only driver is this module.
    unsafe { Registers::new(Hpa::new(GICD.load(Ordering::Relaxed))) }
}

/// Waits until writes have taken effect; at most a tenth of a second, as nothing can be done about it.
fn settle(registers: Registers, busy: u32) {
    timer::wait_until(100_000, || registers.read(offset::CTLR) & busy == 0);
}

/// Remembers where the distributor is, silences all shared interrupts and switches affinity routing on. On the boot CPU.
///
/// # Errors
/// [`HostError::NoGicRegisters`], [`HostError::TooManyPreemptionLevels`].
pub(super) fn set_up(gicd_at: Hpa) -> Result<(), HostError> {
    use_system_registers()?;
    GICD.store(gicd_at.as_u64(), Ordering::Relaxed);
    gicd().write(offset::CTLR, 0);
    settle(gicd(), DISTRIBUTOR_BUSY);
    distributor::silence_shared(gicd());
    settle(gicd(), DISTRIBUTOR_BUSY);
    gicd().write(offset::CTLR, AFFINITY_ROUTING | GROUP_1);
    settle(gicd(), DISTRIBUTOR_BUSY);
    let features = IchVtr.read();
    LIST_REGISTERS.store((features & 0xf) + 1, Ordering::Relaxed);
    let preemption_bits = (features >> 26 & 7) + 1;
    if preemption_bits > 5 { Err(HostError::TooManyPreemptionLevels) } else { Ok(()) }
}

fn use_system_registers() -> Result<(), HostError> {
    IccSreEl2.write(IccSreEl2.read() & !ENABLE | SRE_ALL);
    instr::isb();
    msr!("S3_0_C12_C12_5", SRE_ALL);
    instr::isb();
    if IccSreEl2.read() & SRE == 0 { Err(HostError::NoGicRegisters) } else { Ok(()) }
}

/// Sets up the interfaces of this CPU, which lets the private interrupts of `enabled` come. Returns the part of
/// ICC_SGI1R_EL1 that selects this CPU, and where its private interrupts are controlled.
///
/// # Errors
/// [`HostError::NoGicRegisters`], [`HostError::NoRedistributor`], [`HostError::RedistributorAsleep`].
pub(super) fn init_cpu(
    regions: &[PhysRange],
    stride: Option<u64>,
    mpidr: u64,
    enabled: u32,
) -> Result<(u64, Hpa), HostError> {
    use_system_registers()?;
    let place = redistributor::find(regions, stride, mpidr, |address| {
        // SAFETY: the address is within a region of redistributors, all of which are mapped.
        unsafe { Registers::new(address) }.read_wide(0)
    });
    let place = place.ok_or(HostError::NoRedistributor(mpidr))?;
    wake(place)?;
    let private = Hpa::new(place.as_u64() + SGI_FRAME);
    // SAFETY: the SGI frame is the second frame of a redistributor.
    distributor::set_up_private(unsafe { Registers::new(private) }, u32::MAX, enabled);
    // SAFETY: the redistributor is mapped.
    settle(unsafe { Registers::new(place) }, REDISTRIBUTOR_BUSY);
    init_interfaces();
    Ok((sgi_target(mpidr), private))
}

/// Wakes this CPU's redistributor.
fn wake(place: Hpa) -> Result<(), HostError> {
    // SAFETY: the redistributor is mapped.
    let registers = unsafe { Registers::new(place) };
    let sleeping = registers.read(WAKER);
    registers.write(WAKER, sleeping & !PROCESSOR_SLEEP);
    let is_awake = timer::wait_until(100_000, || registers.read(WAKER) & CHILDREN_ASLEEP == 0);
    is_awake.then_some(()).ok_or(HostError::RedistributorAsleep(place))
}

fn init_interfaces() {
    IccAp1r0.write(0);
    IccPmr.write(0xff);
    IccBpr1.write(0);
    IccCtlr.write(EOI_MODE);
    IccIgrpen1.write(1);
    IchHcr.write(0);
    for n in 0..GicV3::list_registers() {
        numbered::write(n, 0);
    }
    instr::isb();
}

/// The part of ICC_SGI1R_EL1 that selects the CPU with this MPIDR (IHI 0069, 12.2.20): its cluster, and within it a
/// range of 16 and a bit.
const fn sgi_target(mpidr: u64) -> u64 {
    let (aff0, aff1, aff2, aff3) = (mpidr & 0xff, mpidr >> 8 & 0xff, mpidr >> 16 & 0xff, mpidr >> 32 & 0xff);
    aff3 << 48 | (aff0 >> 4) << 44 | aff2 << 32 | aff1 << 16 | 1 << (aff0 & 0xf)
}

/// Sends a shared interrupt to this CPU.
pub(super) fn route_here(intid: u32) {
    distributor::set_up_shared(gicd(), intid, true);
    gicd().write_wide(offset::IROUTER + 8 * u64::from(intid), this_cpu().mpidr & AFFINITY);
    distributor::enable(gicd(), intid);
    settle(gicd(), DISTRIBUTOR_BUSY);
}

/// Sends an SGI; `target` is the part of ICC_SGI1R_EL1 that [`init_cpu`] returned.
#[inline]
pub(super) fn send_sgi(target: u64, sgi: u32) {
    instr::dsb_stores();
    IccSgi1r.write(target | u64::from(sgi) << 24);
    instr::isb();
}

/// A GICv3 or GICv4.
#[derive(Debug)]
pub struct GicV3;

impl Gic for GicV3 {
    const VERSION: Version = Version::V3;

    #[inline(always)]
    fn acknowledge() -> u32 {
        let raw = IccIar1.read() as u32;
        instr::dsb();
        raw
    }

    #[inline(always)]
    fn drop_priority(raw: u32) {
        IccEoir1.write(u64::from(raw));
    }

    #[inline(always)]
    fn deactivate(raw: u32) {
        IccDir.write(u64::from(raw));
    }

    fn set_active(ppi: u32, active: bool) {
        let offset = if active { offset::ISACTIVER } else { offset::ICACTIVER };
        // SAFETY: `init_cpu` gave the address of the SGI frame of this CPU's redistributor, which is mapped.
        unsafe { Registers::new(Hpa::new(this_cpu().private_interrupts.load(Ordering::Relaxed))) }
            .write(offset, 1 << (ppi % 32));
        instr::dsb();
    }

    #[inline(always)]
    fn list_registers() -> usize {
        LIST_REGISTERS.load(Ordering::Relaxed) as usize
    }

    #[inline(always)]
    fn empty() -> u32 {
        instr::isb();
        IchElrsr.read() as u32
    }

    fn read(n: usize) -> ListRegister {
        if n < Self::list_registers() { decode(numbered::read(n)) } else { ListRegister::default() }
    }

    #[inline(always)]
    fn write_raw(n: usize, raw: u64) {
        if n < Self::list_registers() {
            numbered::write(n, raw);
        }
    }

    #[inline(always)]
    fn encode(register: ListRegister) -> u64 {
        encode(register)
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
        instr::isb();
        InterfaceState { vmcr: IchVmcr.read() as u32, apr0: IchAp0r0.read() as u32, apr1: IchAp1r0.read() as u32 }
    }

    fn restore(state: &InterfaceState) {
        IchVmcr.write(u64::from(state.vmcr));
        IchAp0r0.write(u64::from(state.apr0));
        IchAp1r0.write(u64::from(state.apr1));
    }
}

/// Replaces the bits of `mask` by `value`, and tells what was there before.
fn change_hcr(mask: u32, value: u32) -> u32 {
    let old = IchHcr.read() as u32;
    IchHcr.write(u64::from(old & !mask | value));
    old
}
