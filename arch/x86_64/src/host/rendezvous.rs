//! Waiting until every other CPU has left its guest.

use core::sync::atomic::Ordering;

use arrayvec::ArrayVec;
use phalanx_arch_api::Ticks;

use super::percpu::{MAX_CPUS, PerCpu, cpus, this_cpu};
use super::{instr, kick, timer};

/// Makes every other CPU that runs guests take a kick, and waits until each has. `false` where one has not after
/// `patience`.
///
/// State before: interrupts are disabled, and no lock is held that an interrupt handler or a CPU with interrupts disabled
/// could wait for. State after (`true`): each of the others has been outside of its guest at a moment after the call, and
/// what it reads before its next entry is at least as new as what was written before the call.
///
/// The handler runs outside of guests only; a CPU takes it on its way out of a guest, in its idle wait, or here. So this CPU
/// takes interrupts while it waits, and any number of CPUs may wait for each other.
#[must_use]
pub fn rendezvous(patience: Ticks) -> bool {
    let me = this_cpu();
    let others = cpus().filter(|cpu| cpu.index != me.index && cpu.runs_guests.load(Ordering::SeqCst));
    let others: ArrayVec<(&PerCpu, u64), MAX_CPUS> =
        others.map(|cpu| (cpu, cpu.kicks.load(Ordering::SeqCst))).collect();
    others.iter().for_each(|(cpu, _)| kick(cpu.index));
    let start = timer::now();
    let answered = others.iter().all(|(cpu, before)| wait(cpu, *before, start, patience));
    // What came in meanwhile may have been a request to this CPU: the next entry exits at once, and it is looked at.
    kick(me.index);
    answered
}

/// Waits until `cpu` has taken a kick since its count was `before`.
fn wait(cpu: &PerCpu, before: u64, start: Ticks, patience: Ticks) -> bool {
    while cpu.kicks.load(Ordering::SeqCst) == before {
        if timer::now().wrapping_sub(start) > patience {
            return false;
        }
        instr::pause();
        instr::sti_nop_cli();
    }
    true
}
