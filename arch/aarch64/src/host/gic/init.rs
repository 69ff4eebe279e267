//! Setting the interrupt controller up, whichever version it is.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hpa;
use phalanx_handoff::board::Gic as Description;

use super::super::error::HostError;
use super::super::mmio::Registers;
use super::super::percpu::PerCpu;
use super::{FIRST_SHARED, KICK, STOP, distributor, v2, v3};
use crate::gic::Version;

/// The version in use: 2 or 3.
static VERSION: AtomicU64 = AtomicU64::new(0);
/// Where guests find a GICv2's CPU interface; 0 for none.
static GICV: AtomicU64 = AtomicU64::new(0);

/// The version of the machine's interrupt controller. Constant after [`super::super::init_boot_cpu`].
#[inline]
#[must_use]
pub fn version() -> Version {
    if VERSION.load(Ordering::Relaxed) == 3 { Version::V3 } else { Version::V2 }
}

/// The 8 KiB that a guest of a GICv2 uses as its CPU interface.
#[must_use]
pub fn gicv_frame() -> Option<Hpa> {
    Some(Hpa::new(GICV.load(Ordering::Relaxed))).filter(|frame| frame.as_u64() != 0)
}

/// Sets up what all CPUs share. On the boot CPU, with the registers mapped.
///
/// # Errors
/// [`HostError::NoVirtualInterface`], [`HostError::NoGicRegisters`], [`HostError::TooManyPreemptionLevels`].
pub(in super::super) fn set_up(gic: &Description) -> Result<(), HostError> {
    match gic {
        Description::V2 { gicd, gicc, gich, gicv } => {
            let (gich, gicv) = gich.zip(*gicv).ok_or(HostError::NoVirtualInterface)?;
            GICV.store(gicv.start().as_u64(), Ordering::Relaxed);
            VERSION.store(2, Ordering::Relaxed);
            v2::set_up(gicd.start(), gicc.start(), gich.start());
            Ok(())
        }
        Description::V3 { gicd, .. } => {
            VERSION.store(3, Ordering::Relaxed);
            v3::set_up(gicd.start())
        }
    }
}

/// Sets up the interfaces of the CPU that this runs on.
///
/// # Errors
/// [`HostError::NoGicRegisters`], [`HostError::NoRedistributor`], [`HostError::RedistributorAsleep`].
pub(in super::super) fn init_cpu(gic: &Description, cpu: &PerCpu) -> Result<(), HostError> {
    let interrupts = cpu.interrupts;
    let private = [KICK, STOP, interrupts.virtual_timer, interrupts.hypervisor_timer, interrupts.maintenance];
    let enabled = private.into_iter().fold(0, |mask, intid| mask | 1 << intid);
    let (sgi_target, controlled_at) = match gic {
        Description::V2 { .. } => v2::init_cpu(enabled),
        Description::V3 { redistributors, stride, .. } => v3::init_cpu(redistributors, *stride, cpu.mpidr, enabled)?,
    };
    cpu.sgi_target.store(sgi_target, Ordering::Relaxed);
    cpu.private_interrupts.store(controlled_at.as_u64(), Ordering::Relaxed);
    Ok(())
}

/// Makes a shared interrupt come to this CPU, at each rising edge of its line.
pub(in super::super) fn route_here(intid: u32) {
    match version() {
        Version::V2 => v2::route_here(intid),
        Version::V3 => v3::route_here(intid),
    }
}

/// How many interrupts the distributor has.
pub(in super::super) fn interrupt_count() -> u32 {
    let distributor = gicd();
    (distributor.read(distributor::offset::TYPER) & 0x1f).wrapping_add(1) * 32
}

/// Keeps an interrupt away from this CPU for ever.
#[cold]
pub(in super::super) fn disable(cpu: &PerCpu, intid: u32) {
    if intid < FIRST_SHARED {
        let place = Hpa::new(cpu.private_interrupts.load(Ordering::Relaxed));
        // SAFETY: `init_cpu` stored the address of mapped registers of this CPU.
        distributor::disable(unsafe { Registers::new(place) }, intid);
    } else {
        distributor::disable(gicd(), intid);
    }
}

/// Sends an SGI to another CPU. What was written before is visible to that CPU when it takes it.
#[inline]
pub fn send_sgi(cpu: &PerCpu, sgi: u32) {
    let target = cpu.sgi_target.load(Ordering::Relaxed);
    match version() {
        Version::V2 => v2::send_sgi(target, sgi),
        Version::V3 => v3::send_sgi(target, sgi),
    }
}

fn gicd() -> Registers {
    match version() {
        Version::V2 => v2::gicd(),
        Version::V3 => v3::gicd(),
    }
}
