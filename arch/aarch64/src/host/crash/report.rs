//! Who prints, and what happens to the others.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use aarch64_cpu::registers::{HCR_EL2, HPFAR_EL2, Readable, SCTLR_EL2, TTBR0_EL2};
use spin::Once;

use super::super::exceptions::{ExceptionFrame, Kind};
use super::super::percpu::{cpus, this_cpu_if_known};
use super::super::{gic, instr, registers, timer};
use super::card::{self, Control};
use super::{Hooks, Role, role};

static HOOKS: Once<Hooks> = Once::new();

/// How many CPUs the SGI has stopped.
static STOPPED: AtomicU32 = AtomicU32::new(0);
/// The CPU that prints, plus one; 0 while nothing has crashed.
static PRINTER: AtomicU32 = AtomicU32::new(0);
/// How often the printing CPU has come here.
static DEPTH: AtomicU32 = AtomicU32::new(0);

/// Registers the hooks; the first call counts. Before it, a crash halts the machine without a word.
pub fn register(hooks: Hooks) {
    HOOKS.call_once(|| hooks);
}

/// Prints the card for an exception and ends the machine.
pub(in super::super) fn exception(frame: &ExceptionFrame, kind: Kind) -> ! {
    report(|out, hooks| card::exception(out, frame, kind, &control(), this_cpu_if_known(), hooks))
}

/// Prints the card for a panic and ends the machine: the whole of the kernel's panic handler.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    let (fp, sp) = (instr::frame_pointer(), instr::stack_pointer());
    let pc = panic as *const () as u64;
    report(|out, hooks| card::panic(out, info, [pc, fp, sp], &control(), this_cpu_if_known(), hooks))
}

/// Stops the CPU that this runs on: another one has crashed.
#[cold]
pub(in super::super) fn stop_this_cpu() -> ! {
    STOPPED.fetch_add(1, Ordering::Relaxed);
    instr::halt_forever()
}

/// The control registers, which only EL2 may read.
fn control() -> Control {
    if !registers::is_at_el2() {
        return Control::default();
    }
    Control { sctlr: SCTLR_EL2.get(), hcr: HCR_EL2.get(), ttbr0: TTBR0_EL2.get(), hpfar: HPFAR_EL2.get() }
}

/// Passes text on to the console.
struct Console(fn(&str));

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text);
        Ok(())
    }
}

fn report(print: impl FnOnce(&mut dyn fmt::Write, &Hooks) -> fmt::Result) -> ! {
    instr::mask_interrupts();
    let me = this_cpu_if_known();
    let Some(hooks) = HOOKS.get() else { instr::halt_forever() };
    match role(&PRINTER, &DEPTH, me.map_or(0, |cpu| u32::from(cpu.index.0))) {
        Role::Print => {
            if me.is_some_and(|cpu| cpu.is_up.load(Ordering::Relaxed)) {
                stop_others(me.map_or(0, |cpu| cpu.index.0));
            }
            // An error can only be one of the formatting itself; what was printed before it stands.
            let _ = print(&mut Console(hooks.write), hooks);
        }
        Role::GiveUp => (hooks.write)("\nphalanx: another fault while this was printed\n"),
        Role::Halt => instr::halt_forever(),
    }
    (hooks.stop)()
}

/// Stops all other CPUs; gives up waiting for them after a tenth of a second.
fn stop_others(me: u16) {
    let mut others = 0;
    for cpu in cpus().filter(|cpu| cpu.index.0 != me && cpu.is_up.load(Ordering::Relaxed)) {
        gic::send_sgi(cpu, gic::STOP);
        others += 1;
    }
    timer::wait_until(100_000, || STOPPED.load(Ordering::Relaxed) >= others);
}
