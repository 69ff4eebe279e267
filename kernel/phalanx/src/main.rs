//! The Phalanx kernel: ties the core to one architecture (`target`), and decides the order of start-up.
//!
//! ```text
//! phalanx_start (CPU 0)                                    other CPUs
//!   command line, processor features                          │
//!   host: tables, CPUs, clocks ── start_other_cpus ─────────▶ wait
//!   memory, heap, bundle, domains ── publish ───────────────▶ enable, run
//!   enable, run … all domains ended, stop                     halt
//! ```
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod console;
mod end;
mod machine;
mod memory;
mod start;
mod target;

use phalanx_handoff::{BootInfo, Options};

use console::println;

/// Bytes in a mebibyte.
const MIB: u64 = 1 << 20;

/// The kernel's first function; the boot crate of the architecture calls it on the first CPU with interrupts off.
#[expect(unsafe_code, reason = "the boot crate calls this function by its name")]
#[unsafe(no_mangle)]
extern "C" fn phalanx_start(info: &'static BootInfo) -> ! {
    let options = Options::parse(info.command_line.as_str(), |error| println!("phalanx: warning: {error}"));
    end::set_exit(options.exit);
    start::set_options(options);
    greet(info);
    match target::start(info, &options) {
        Ok(()) => end::fine(),
        Err(error) => end::refuse(&error),
    }
}

fn greet(info: &BootInfo) {
    println!("phalanx: booted by {}, {} MiB usable", info.loader, info.memory.usable_bytes() / MIB);
    if info.command_line.is_truncated() {
        println!("phalanx: warning: the command line is too long; its end is ignored");
    }
    if info.extra_modules != 0 {
        println!("phalanx: warning: {} modules behind the bundle are ignored", info.extra_modules);
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    target::crash::panic(info)
}
