//! From the loader's jump to the kernel's first line.

mod direct;
mod image;

use core::arch::global_asm;
use core::fmt::Write;

use phalanx_arch_api::Hpa;
use phalanx_handoff::{BootInfo, Exit, Loader, Options, Verdict};
use phalanx_uart::Uart;
use spin::Once;

use crate::com1::Com1;
use crate::error::BootError;
use crate::report::{Report, Rsdp};
use crate::stop::stop;
use crate::{layout, multiboot2, pvh};
use direct::EarlyDirectMap;

global_asm!(
    include_str!("entry.s"),
    pvh_magic = const pvh::MAGIC,
    window = const layout::KERNEL_WINDOW,
    boot_main = sym boot_main,
    options(att_syntax)
);

#[expect(improper_ctypes, reason = "both sides are Rust and come from one build")]
unsafe extern "C" {
    /// The kernel's first function, defined by the binary (`kernel/phalanx`) with exactly this signature.
    ///
    /// State: long mode, early page tables ([`layout`]), boot stack, interrupts off, no IDT, the first CPU.
    safe fn phalanx_start(info: &'static BootInfo) -> !;
}

static BOOT_INFO: Once<BootInfo> = Once::new();

/// Why the machine stops here, and how.
struct Refusal {
    error: BootError,
    exit: Exit,
}

/// Called by `entry.s` with the protocol's magic number and the address of the loader's information.
extern "C" fn boot_main(magic: u32, info: u32) -> ! {
    match BOOT_INFO.try_call_once(|| boot_info(magic, Hpa::new(u64::from(info)))) {
        Ok(info) => phalanx_start(info),
        Err(refusal) => refuse(&refusal),
    }
}

fn boot_info(magic: u32, info: Hpa) -> Result<BootInfo, Refusal> {
    let mut report = Report::default();
    parse(magic, info, &mut report).and_then(|loader| report.boot_info(loader, image::range(), rsdp(&report))).map_err(
        |error| {
            let exit = Options::parse(report.command_line.as_str(), |_| ()).exit;
            Refusal { error, exit }
        },
    )
}

fn parse(magic: u32, info: Hpa, report: &mut Report) -> Result<Loader, BootError> {
    match magic {
        pvh::MAGIC => pvh::parse(&EarlyDirectMap, info, report).map(|()| Loader::Pvh),
        multiboot2::MAGIC => multiboot2::parse(&EarlyDirectMap, info, report).map(|()| Loader::Multiboot2),
        other => Err(BootError::UnknownLoader(other)),
    }
}

/// Where the ACPI root pointer lies for good.
fn rsdp(report: &Report) -> Option<Hpa> {
    match report.rsdp? {
        Rsdp::At(address) => Some(address),
        Rsdp::Copy(bytes) => image::keep_rsdp(bytes),
    }
}

/// Says why the kernel cannot start, and stops the machine.
fn refuse(Refusal { error, exit }: &Refusal) -> ! {
    if let Ok(mut console) = Uart::new(Com1) {
        // Writing to a serial port cannot fail.
        let _ = write!(console, "phalanx: error: {error}\nphalanx: help: {}\n", error.help());
    }
    stop(*exit, Verdict::Refused)
}
