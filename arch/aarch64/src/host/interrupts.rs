//! The interrupts of the machine.
//!
//! Interrupts are masked at EL2 for ever; there are no handlers. A guest's run ends with a pending interrupt, and so does
//! a wait: then [`take`] acknowledges it. What is for the host leaves a flag in the CPU's [`PerCpu`].

use core::sync::atomic::Ordering;

use super::percpu::PerCpu;
use super::{crash, gic, instr, timer};
use crate::gic::Gic;

/// INTIDs from here on are no interrupts (IHI 0069, 2.2.1 "Special INTIDs").
const SPECIAL: u32 = 1020;
/// INTID in the value of IAR; a GICv2 has the sending CPU above it.
const INTID: u32 = 0x3ff;

/// What was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing was pending.
    None,
    /// The host's: a flag of the CPU is set, the interrupt is over.
    Host,
    /// The guest's virtual timer: active until the guest, by a list register, or the caller deactivates it.
    VirtualTimer {
        /// Its physical INTID.
        physical: u32,
    },
    /// The virtual CPU interface wants attention. The interrupt is over, and comes again while its cause lasts.
    Maintenance,
}

/// Acknowledges one physical interrupt of `cpu`, which must be the CPU that this runs on.
#[inline(always)]
pub fn take<G: Gic>(cpu: &PerCpu) -> Taken {
    let raw = G::acknowledge();
    if raw == cpu.interrupts.virtual_timer {
        G::drop_priority(raw);
        return Taken::VirtualTimer { physical: raw };
    }
    take_other::<G>(cpu, raw)
}

#[inline(never)]
fn take_other<G: Gic>(cpu: &PerCpu, raw: u32) -> Taken {
    let intid = raw & INTID;
    if intid >= SPECIAL {
        return Taken::None;
    }
    let taken = mark(cpu, intid);
    G::drop_priority(raw);
    G::deactivate(raw);
    taken
}

/// Notes what an interrupt means.
fn mark(cpu: &PerCpu, intid: u32) -> Taken {
    let interrupts = &cpu.interrupts;
    if intid == gic::KICK {
        // What the sender wrote before is seen by what is read from here on, although the interrupt came another way.
        instr::dmb_loads();
        cpu.kicked.store(true, Ordering::Relaxed);
    } else if intid == interrupts.hypervisor_timer {
        timer::disarm();
        cpu.timer_fired.store(true, Ordering::Relaxed);
    } else if intid == interrupts.maintenance {
        return Taken::Maintenance;
    } else if intid == interrupts.console {
        cpu.console.store(true, Ordering::Relaxed);
    } else if intid == gic::STOP {
        crash::stop_this_cpu();
    } else {
        cpu.unexpected.fetch_add(1, Ordering::Relaxed);
        gic::disable(cpu, intid);
    }
    Taken::Host
}

/// Waits for an interrupt of `cpu`, which must be the CPU that this runs on, and takes it. No vCPU is loaded.
///
/// A flag that is set already ends the wait at once, and an interrupt that is pending already ends WFI: nothing that
/// happens between the caller's own check and the wait can be missed. Returns early at will.
pub fn idle<G: Gic>(cpu: &PerCpu) {
    if cpu.has_pending_flag() {
        return;
    }
    // The alarm that was set is in effect before the wait.
    instr::isb();
    instr::wfi();
    if let Taken::VirtualTimer { physical } = take::<G>(cpu) {
        G::deactivate(physical);
    }
}
