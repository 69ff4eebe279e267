//! From the loader's jump to the kernel's first line.

mod early;
mod image;

use core::arch::global_asm;
use core::fmt::Write;

use phalanx_handoff::board::{ExceptionLevel, Psci};
use phalanx_handoff::{BootInfo, Exit, Loader, Options, Verdict};
use spin::Once;

use crate::board::{AFFINITY, Entered, Survey};
use crate::error::BootError;
use crate::exception::{on_exception, set_vectors};
use crate::fdt::{self, Fdt, HEADER_BYTES};
use crate::tables::Kind;
use crate::{console, cpu, semihosting, stop};

global_asm!(
    include_str!("entry.s"),
    build_tables = sym early::build_tables,
    boot_main = sym boot_main,
    set_vectors = sym set_vectors,
    on_exception = sym on_exception,
);

#[expect(improper_ctypes, reason = "both sides are Rust and come from one build")]
unsafe extern "C" {
    /// The kernel's first function, defined by the binary (`kernel/phalanx`) with exactly this signature.
    ///
    /// State: the exception level that [`BootInfo::board`] tells, early page tables (`tables.rs`), boot stack,
    /// interrupts masked, vectors that report and stop, the first CPU.
    safe fn phalanx_start(info: &'static BootInfo) -> !;
}

static BOOT_INFO: Once<BootInfo> = Once::new();

/// Why the machine stops here, and how.
struct Refusal {
    error: BootError,
    exit: Exit,
}

/// Called by `entry.s` with what was in X0, and the exception level.
extern "C" fn boot_main(x0: u64, level: u64) -> ! {
    match BOOT_INFO.try_call_once(|| boot_info(x0, level)) {
        Ok(info) => phalanx_start(info),
        Err(refusal) => refuse(&refusal),
    }
}

/// The firmware's power interface, when it is known.
pub(crate) fn psci() -> Option<Psci> {
    BOOT_INFO.get()?.board.as_ref()?.psci
}

fn boot_info(x0: u64, level: u64) -> Result<BootInfo, Refusal> {
    // A machine whose command line cannot be read is most likely an emulator's that is being tested.
    let blind = |error| Refusal { error, exit: Exit::Semihosting };
    let survey = device_tree(x0).and_then(Survey::new).map_err(blind)?;
    let exit = Options::parse(survey.command_line().as_str(), |_| ()).exit;
    if let Some(uart) = survey.uart()
        && early::map(uart.registers, Kind::Device).is_ok()
    {
        console::announce(uart);
    }
    let info = survey.boot_info(entered(x0, level)).and_then(|info| {
        let mapped = info.memory.usable().try_for_each(|range| early::map(range, Kind::Memory));
        mapped.map(|()| info).map_err(|_| BootError::MemoryTooScattered)
    });
    info.map_err(|error| Refusal { error, exit })
}

fn entered(x0: u64, level: u64) -> Entered {
    let level = match level {
        1 => ExceptionLevel::El1,
        2 => ExceptionLevel::El2,
        _ => ExceptionLevel::El3,
    };
    let loader = if x0 == 0 { Loader::Elf } else { Loader::LinuxImage };
    Entered { loader, level, mpidr: cpu::mpidr() & AFFINITY, kernel_image: image::range() }
}

/// The blocks of the tree that X0 points to, or that QEMU puts at the start of memory where it loads an ELF file.
fn device_tree(x0: u64) -> Result<Fdt<'static>, BootError> {
    let missing = BootError::NoDeviceTree(x0);
    let window = image::device_tree_window(x0).ok_or(missing)?;
    let start = window.start().as_u64() as *const u8;
    // SAFETY: `build_tables` mapped the window; what lies there is the loader's, and nobody writes to it. Where it is
    // no memory at all, the access is reported by the vectors.
    let header = unsafe { &*start.cast::<[u8; HEADER_BYTES]>() };
    let bytes = match fdt::total_bytes(header) {
        Err(fdt::BadTree::Magic(_)) => return Err(missing),
        other => other?,
    };
    // SAFETY: as above; a tree is no longer than the window.
    Ok(Fdt::new(unsafe { core::slice::from_raw_parts(start, bytes) })?)
}

/// Says why the kernel cannot start, and stops the machine.
fn refuse(Refusal { error, exit }: &Refusal) -> ! {
    say(format_args!("phalanx: error: {error}\nphalanx: help: {}\n", error.help()));
    stop(*exit, Verdict::Refused)
}

/// Writes to the console if there is one, and else to whoever listens to semihosting.
pub(crate) fn say(text: core::fmt::Arguments<'_>) {
    // Neither can fail.
    let _ = match console::console() {
        Some(mut port) => port.write_fmt(text),
        None => semihosting::Text::default().send(text),
    };
}
