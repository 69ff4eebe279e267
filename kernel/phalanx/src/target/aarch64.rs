//! An Arm machine: EL2, with the interrupt controller that the device tree names.

use core::fmt;

use phalanx_abi::bundle::Architecture;
use phalanx_arch_aarch64::arm::{Arm, Cpu};
use phalanx_arch_aarch64::gic::Version;
use phalanx_arch_aarch64::host::gic::{GicV2, GicV3};
pub(crate) use phalanx_arch_aarch64::host::{self, crash};
use phalanx_arch_aarch64::host::{PerCpu, checksum, init_boot_cpu};
pub(crate) use phalanx_boot_aarch64::{Port, console as open, stop};
use phalanx_core::Machine;
use phalanx_handoff::{BootInfo, Options};
use spin::Once;

use super::Backend;
use crate::start::{StartError, run_bundle};

/// Why a processor cannot run guests: nothing, as the host has found out before.
#[derive(Debug)]
pub(crate) enum Missing {}

impl fmt::Display for Missing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Missing {
    /// What the user can do.
    pub(crate) const fn help(&self) -> &'static str {
        match *self {}
    }
}

/// The bundles that this machine can run.
pub(crate) const ARCHITECTURE: Architecture = Architecture::Aarch64;
/// Why what is typed is not seen, where there is no console interrupt.
pub(crate) const NO_CONSOLE_INTERRUPT: &str = "the device tree names no interrupt for the serial port";
/// Physical memory is mapped where it is.
pub(crate) const DIRECT_MAP: u64 = 0;

/// Takes the machine over, and runs the bundle on the backend for its interrupt controller.
pub(crate) fn start(info: &'static BootInfo, _options: &Options) -> Result<(), StartError> {
    let host = init_boot_cpu(info, &host::KernelImage::linked()).map_err(StartError::Host)?;
    let bundle = info.bundle.ok_or(StartError::NoBundle)?;
    match host::gic::version() {
        Version::V2 => run_bundle::<Arm<GicV2>>(bundle, host),
        Version::V3 => run_bundle::<Arm<GicV3>>(bundle, host),
    }
}

/// CRC-32 of the bundle.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    if checksum::has_crc32() { checksum::crc32(bytes) } else { crc32fast::hash(bytes) }
}

/// Stops this CPU for good.
pub(crate) fn halt_forever() -> ! {
    host::instr::halt_forever()
}

/// Where the kernel sees a byte of physical memory.
pub(crate) use host::pointer as direct_map;

/// Builds [`Backend`] for an interrupt controller: a generic function cannot have a static of its own.
macro_rules! backend {
    ($gic:ty) => {
        impl Backend for Arm<$gic> {
            fn machine() -> &'static Once<Machine<Self>> {
                static MACHINE: Once<Machine<Arm<$gic>>> = Once::new();
                &MACHINE
            }

            fn enable(per_cpu: &'static PerCpu) -> Result<Self::Cpu, Missing> {
                Ok(Cpu::enable(per_cpu, host::vhe()))
            }
        }
    };
}

backend!(GicV2);
backend!(GicV3);
