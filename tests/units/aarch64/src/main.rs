//! Unit tests at EL2: what tests on the build machine cannot reach, because the processor is a part of it.
//!
//! The binary boots as the kernel does, takes the machine over as the kernel does, runs the test that the command line
//! names (`test=NAME`), and ends the emulator by semihosting: 33 where it passed, 35 where it failed. `list` prints all
//! names. `tests.toml` says on which machines `cargo xtask test unit` runs each.
//!
//! | module | what is tested |
//! |---|---|
//! | `memory` | memcpy, memmove, memset, memcmp |
//! | `stage1`, `crash` | the hypervisor's own tables; what happens when it faults |
//! | `stage2` | the guests' tables, as the hardware walks them |
//! | `interrupts`, `list_registers` | the interrupt controller and the timers |
//! | `traps`, `world` | trap controls; the way into a guest and back, with all registers |
//! | `cpus` | the other CPUs |
#![no_std]
#![no_main]

mod asm;
mod bench;
mod cpus;
mod crash;
mod heap;
mod interrupts;
mod list_registers;
mod memory;
mod report;
mod stage1;
mod stage2;
mod table;
mod tables;
mod traps;
mod world;

use phalanx_arch_aarch64::host::{KernelImage, crash as crash_card, init_boot_cpu};
use phalanx_handoff::BootInfo;

use bench::Bench;
use report::{fail, say};

/// The first function; `boot/aarch64` calls it on the first CPU with interrupts off.
#[unsafe(no_mangle)]
extern "C" fn phalanx_start(info: &'static BootInfo) -> ! {
    report::prepare();
    let line = info.command_line.as_str();
    if line.split_whitespace().any(|word| word == "list") {
        table::TESTS.iter().for_each(|(name, _)| say(format_args!("{name}\n")));
        report::end(report::PASSED);
    }
    let name = line.split_whitespace().find_map(|word| word.strip_prefix("test=")).unwrap_or("(none)");
    report::begin(name);
    let Some((_, test)) = table::TESTS.iter().find(|(known, _)| *known == name) else {
        fail(format_args!("there is no such test; the word `list` shows all"))
    };
    let image = KernelImage::linked();
    match init_boot_cpu(info, &image) {
        Ok(host) => test(Bench::new(host, image)),
        Err(error) => fail(format_args!("the machine cannot be taken over: {error}")),
    }
    report::pass()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    crash_card::panic(info)
}
