//! The crash card: what is known when the kernel itself faults or panics, and a defined end.
//!
//! One CPU prints; the others are stopped by NMI. Nothing here takes a lock or allocates. A fault while the card is
//! printed ends the machine at once instead of printing again.

mod backtrace;
mod card;
mod known;

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use phalanx_arch_api::Ticks;
use spin::Once;

pub(super) use known::set_known_memory;

use super::exceptions::ExceptionFrame;
use super::percpu::{cpus, this_cpu_if_known};
use super::{apic, instr, timer};

/// What the kernel lends to the crash card.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Writes to the console at once, without waiting for a lock.
    pub write: fn(&str),
    /// Writes a domain's name, given its number. Must not wait for a lock.
    pub domain_name: fn(u32, &mut dyn fmt::Write) -> fmt::Result,
    /// Ends the machine.
    pub stop: fn() -> !,
}

static HOOKS: Once<Hooks> = Once::new();

/// Set while the machine is being stopped: an NMI stops the CPU that it reaches then.
pub(super) static STOPPING: AtomicBool = AtomicBool::new(false);
/// How many CPUs an NMI has stopped.
pub(super) static STOPPED: AtomicU32 = AtomicU32::new(0);
/// The CPU that prints, plus one; 0 while nothing has crashed.
static PRINTER: AtomicU32 = AtomicU32::new(0);
/// How often the printing CPU has come here.
static DEPTH: AtomicU32 = AtomicU32::new(0);

/// Registers the hooks; the first call counts. Before it, a crash halts the machine without a word.
pub fn register(hooks: Hooks) {
    HOOKS.call_once(|| hooks);
}

/// Prints the card for an exception and ends the machine.
pub(super) fn exception(frame: &ExceptionFrame) -> ! {
    report(|out, hooks| card::exception(out, frame, hooks))
}

/// Prints the card for a panic and ends the machine: the whole of the kernel's panic handler.
pub fn panic(info: &PanicInfo<'_>) -> ! {
    let (rbp, rsp) = (instr::frame_pointer(), instr::stack_pointer());
    report(|out, hooks| card::panic(out, info, rbp, rsp, hooks))
}

/// Passes text on to the console.
struct Console(fn(&str));

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text);
        Ok(())
    }
}

/// What a CPU that comes here has to do.
#[derive(Debug, PartialEq, Eq)]
enum Role {
    /// Stop the others, print, end.
    Print,
    /// It crashed while printing: end.
    GiveUp,
    /// It even crashed while ending, or another CPU prints: halt.
    Halt,
}

fn report(print: impl FnOnce(&mut dyn fmt::Write, &Hooks) -> fmt::Result) -> ! {
    instr::cli();
    let me = this_cpu_if_known();
    let Some(hooks) = HOOKS.get() else { instr::halt_forever() };
    match role(&PRINTER, &DEPTH, me.map_or(0, |cpu| u32::from(cpu.index.0))) {
        Role::Print => {
            if me.is_some_and(|cpu| cpu.is_up.load(Ordering::Relaxed)) {
                stop_others();
            }
            // An error can only be one of the formatting itself; what was printed before it stands.
            let _ = print(&mut Console(hooks.write), hooks);
        }
        Role::GiveUp => (hooks.write)("\nphalanx: another fault while this was printed\n"),
        Role::Halt => instr::halt_forever(),
    }
    (hooks.stop)()
}

/// Decides who prints. `printer` and `depth` start at 0.
fn role(printer: &AtomicU32, depth: &AtomicU32, cpu: u32) -> Role {
    match printer.compare_exchange(0, cpu + 1, Ordering::AcqRel, Ordering::Acquire) {
        Err(other) if other != cpu + 1 => Role::Halt,
        _ => match depth.fetch_add(1, Ordering::Relaxed) {
            0 => Role::Print,
            1 => Role::GiveUp,
            _ => Role::Halt,
        },
    }
}

/// Stops all other CPUs; gives up waiting for them after a tenth of a second.
fn stop_others() {
    let others = cpus().filter(|cpu| cpu.is_up.load(Ordering::Relaxed)).count() as u32 - 1;
    STOPPING.store(true, Ordering::SeqCst);
    apic::send_nmi_to_others();
    let start: Ticks = timer::now();
    while STOPPED.load(Ordering::Relaxed) < others && timer::now().wrapping_sub(start) < timer::frequency() / 10 {
        instr::pause();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cpu_prints_and_a_second_fault_ends_it() {
        let (printer, depth) = (AtomicU32::new(0), AtomicU32::new(0));
        assert_eq!(role(&printer, &depth, 3), Role::Print);
        assert_eq!(role(&printer, &depth, 0), Role::Halt);
        assert_eq!(role(&printer, &depth, 3), Role::GiveUp);
        assert_eq!(role(&printer, &depth, 3), Role::Halt);
    }
}
