//! A PC: the backend is AMD SVM.

use phalanx_abi::bundle::Architecture;
pub(crate) use phalanx_arch_x86_64::host::direct_map;
pub(crate) use phalanx_arch_x86_64::host::{self, crash};
use phalanx_arch_x86_64::host::{PerCpu, init_boot_cpu, instr, paging};
pub(crate) use phalanx_arch_x86_64::svm::Missing;
use phalanx_arch_x86_64::svm::{Features, Svm, SvmCpu};
use phalanx_arch_x86_64::x86::{Cpu, X86};
use phalanx_arch_x86_64::{table, wall_clock};
use phalanx_boot_x86_64::Com1;
pub(crate) use phalanx_boot_x86_64::stop;
use phalanx_core::Machine;
use phalanx_handoff::BootInfo;
use phalanx_uart::Uart;
use spin::Once;

use super::Backend;
use crate::start::{StartError, run_bundle};

/// The first serial port.
pub(crate) type Port = Uart<Com1>;

/// The bundles that this machine can run.
pub(crate) const ARCHITECTURE: Architecture = Architecture::X86_64;
/// Why what is typed is not seen, where there is no console interrupt.
pub(crate) const NO_CONSOLE_INTERRUPT: &str = "no IO-APIC brings the serial port's interrupt";
/// Where physical address 0 is mapped.
pub(crate) const DIRECT_MAP: u64 = paging::DIRECT_MAP;

/// The first serial port, if it is there.
pub(crate) fn open() -> Option<Port> {
    Uart::new(Com1).ok()
}

/// Finds out what the processor can, takes the machine over, and runs the bundle.
pub(crate) fn start(info: &'static BootInfo) -> Result<(), StartError> {
    let features = Features::detect().map_err(StartError::Processor)?;
    features.choose();
    if gigabyte_pages() {
        table::enable_gigabyte_leaves();
    }
    let bundle = info.bundle.ok_or(StartError::NoBundle)?;
    let host = init_boot_cpu(info, &host::KernelImage::linked()).map_err(StartError::Host)?;
    wall_clock::read();
    run_bundle::<X86<Svm>>(bundle, host)
}

/// CPUID 8000_0001 EDX bit 26.
fn gigabyte_pages() -> bool {
    instr::cpuid(0x8000_0001, 0).edx & 1 << 26 != 0
}

/// CRC-32 of the bundle.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Stops this CPU for good.
pub(crate) fn halt_forever() -> ! {
    instr::halt_forever()
}

impl Backend for X86<Svm> {
    fn machine() -> &'static Once<Machine<Self>> {
        static MACHINE: Once<Machine<X86<Svm>>> = Once::new();
        &MACHINE
    }

    fn enable(per_cpu: &'static PerCpu) -> Result<Self::Cpu, Missing> {
        let features = Features::detect()?;
        Ok(Cpu::new(SvmCpu::enable(per_cpu.index.0, features), per_cpu))
    }
}
