//! A PC: the backend is AMD SVM or Intel VT-x, whichever the processor has.

use core::fmt;

use phalanx_abi::bundle::Architecture;
pub(crate) use phalanx_arch_x86_64::host::direct_map;
pub(crate) use phalanx_arch_x86_64::host::{self, crash};
use phalanx_arch_x86_64::host::{PerCpu, init_boot_cpu, instr, paging};
use phalanx_arch_x86_64::svm::{self, Svm, SvmCpu};
use phalanx_arch_x86_64::vmx::{self, Vmx, VmxCpu};
use phalanx_arch_x86_64::x86::{Cpu, X86};
use phalanx_arch_x86_64::{table, wall_clock};
use phalanx_boot_x86_64::Com1;
pub(crate) use phalanx_boot_x86_64::stop;
use phalanx_core::Machine;
use phalanx_handoff::{BootInfo, Options};
use phalanx_uart::Uart;
use spin::Once;

use super::Backend;
use crate::console::println;
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
pub(crate) fn start(info: &'static BootInfo, options: &Options) -> Result<(), StartError> {
    match choose(options).map_err(StartError::Processor)? {
        Kind::Svm => start_on::<X86<Svm>>(info),
        Kind::Vmx => start_on::<X86<Vmx>>(info),
    }
}

/// The backends.
enum Kind {
    Svm,
    Vmx,
}

/// Chooses the backend and its features for all CPUs.
fn choose(options: &Options) -> Result<Kind, Missing> {
    match svm::Features::detect() {
        Ok(features) => {
            println!("phalanx: {features}");
            features.choose();
            if gigabyte_pages() {
                table::enable_gigabyte_leaves();
            }
            Ok(Kind::Svm)
        }
        Err(svm::Missing::Svm) => {
            let features = vmx::Features::detect().map_err(|missing| match missing {
                vmx::Missing::Vmx => Missing::Both,
                missing => Missing::Vmx(missing),
            })?;
            let features = if options.software_apic { features.without_virtual_apic() } else { features };
            println!("phalanx: {features}");
            features.choose();
            Ok(Kind::Vmx)
        }
        Err(missing) => Err(Missing::Svm(missing)),
    }
}

fn start_on<B: Backend>(info: &'static BootInfo) -> Result<(), StartError> {
    let bundle = info.bundle.ok_or(StartError::NoBundle)?;
    let host = init_boot_cpu(info, &host::KernelImage::linked()).map_err(StartError::Host)?;
    wall_clock::read();
    run_bundle::<B>(bundle, host)
}

/// Why a processor cannot run guests.
#[derive(Debug)]
pub(crate) enum Missing {
    /// Neither extension is there.
    Both,
    /// AMD SVM is there, and is not enough.
    Svm(svm::Missing),
    /// Intel VT-x is there, and is not enough.
    Vmx(vmx::Missing),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Both => f.write_str(
                "this processor has no AMD SVM (CPUID 8000_0001h ECX bit 2 is clear) and no Intel VT-x (CPUID 1 ECX bit 5 is clear)",
            ),
            Self::Svm(missing) => missing.fmt(f),
            Self::Vmx(missing) => missing.fmt(f),
        }
    }
}

impl Missing {
    /// What the user can do.
    pub(crate) const fn help(&self) -> &'static str {
        match self {
            Self::Both => "use a processor with AMD-V or Intel VT-x, or start QEMU with -cpu max",
            Self::Svm(missing) => missing.help(),
            Self::Vmx(missing) => missing.help(),
        }
    }
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
        let features = svm::Features::detect().map_err(Missing::Svm)?;
        Ok(Cpu::new(SvmCpu::enable(per_cpu.index.0, features), per_cpu))
    }
}

impl Backend for X86<Vmx> {
    fn machine() -> &'static Once<Machine<Self>> {
        static MACHINE: Once<Machine<X86<Vmx>>> = Once::new();
        &MACHINE
    }

    fn enable(per_cpu: &'static PerCpu) -> Result<Self::Cpu, Missing> {
        let features = vmx::Features::detect().map_err(Missing::Vmx)?;
        Ok(Cpu::new(VmxCpu::enable(per_cpu.index.0, features).map_err(Missing::Vmx)?, per_cpu))
    }
}
