//! Physical interrupts, and the timers behind them.
//!
//! | who | how |
//! |---|---|
//! | the guest's virtual timer | its physical interrupt is forwarded with a list register that ends it (HW = 1) |
//! | the guest's physical timer | a model; the hypervisor's timer runs for it |
//! | the end of the slice | the hypervisor's timer |
//! | kicks, the console | a flag of the CPU |

use phalanx_abi::exit::ExitCounter;
use phalanx_arch_api::{DomainEnv, Event, Ticks, VcpuIndex};

use crate::arm::Cpu;
use crate::domain::Domain;
use crate::gic::Gic;
use crate::host::interrupts::{self, Taken};
use crate::host::timer;
use crate::switched;
use crate::vcpu::Vcpu;

/// INTID of the guest's physical timer.
const PHYSICAL_TIMER: u32 = 30;

/// CNTV_CTL_EL0: enabled, masked.
mod control {
    pub(super) const ENABLE: u64 = 1 << 0;
    pub(super) const IMASK: u64 = 1 << 1;
}

/// Before the first entry of a run: the timer, and what was sent meanwhile.
pub(super) fn prepare<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &Vcpu,
    env: &E,
    until: Option<Ticks>,
) {
    cpu.arm_timer(earliest(until, drive_physical_timer(domain, vcpu)));
    sync::<G, E>(domain, vcpu, env);
}

/// A physical interrupt ended the guest's run.
#[inline(always)]
pub(super) fn on_exit<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    vcpu.count(ExitCounter::Interrupt);
    let index = VcpuIndex(vcpu.index);
    match interrupts::take::<G>(cpu.per_cpu) {
        Taken::VirtualTimer { physical } => {
            let wake = domain.vgic.inject_virtual_timer::<G>(index, physical);
            domain.wake_all(env, wake);
            None
        }
        Taken::Maintenance => {
            let wake = domain.vgic.on_maintenance::<G>(index);
            domain.wake_all(env, wake);
            None
        }
        Taken::None => None,
        Taken::Host => on_host_interrupt::<G, E>(cpu, domain, vcpu, env, until),
    }
}

/// The slice is over, somebody kicked this CPU, the guest's physical timer expired, or something was typed.
#[inline(never)]
fn on_host_interrupt<G: Gic, E: DomainEnv>(
    cpu: &mut Cpu,
    domain: &Domain,
    vcpu: &mut Vcpu,
    env: &E,
    until: Option<Ticks>,
) -> Option<Event> {
    cpu.take_flags();
    let expired = until.is_some_and(|until| until <= timer::now());
    if expired || env.must_return() || cpu.console_waits() {
        return Some(Event::Preempted);
    }
    prepare::<G, E>(cpu, domain, vcpu, env, until);
    None
}

/// Brings what other CPUs sent into the list registers.
pub(super) fn sync<G: Gic, E: DomainEnv>(domain: &Domain, vcpu: &Vcpu, env: &E) {
    let index = VcpuIndex(vcpu.index);
    if domain.vgic.needs_sync(index) {
        let wake = domain.vgic.sync::<G>(index);
        domain.wake_all(env, wake);
    }
}

/// The guest wrote a register of its physical timer.
pub(super) fn on_timer_written<G: Gic, E: DomainEnv>(cpu: &mut Cpu, domain: &Domain, vcpu: &Vcpu, env: &E) {
    // The end of the slice is a deadline too: whichever comes first, the next interrupt sorts it out.
    if let Some(deadline) = drive_physical_timer(domain, vcpu) {
        cpu.arm_timer_by(deadline);
    }
    sync::<G, E>(domain, vcpu, env);
}

/// Brings the line of the physical timer up to date: raised, or a deadline for which an alarm is needed. Nearly no guest
/// uses this timer: no deadline, no look at the clock.
#[inline(always)]
fn drive_physical_timer(domain: &Domain, vcpu: &Vcpu) -> Option<Ticks> {
    let deadline = vcpu.physical_timer.deadline();
    let asserted = deadline.is_some_and(|deadline| deadline <= timer::now());
    domain.vgic.set_ppi_level(VcpuIndex(vcpu.index), PHYSICAL_TIMER, asserted);
    deadline.filter(|_| !asserted)
}

/// When a halted vCPU's own timers want it to run again.
pub(super) fn note_wake_time(domain: &Domain, vcpu: &mut Vcpu) {
    vcpu.wake_at = earliest(virtual_deadline(domain, vcpu.vhe), vcpu.physical_timer.deadline());
}

/// The machine's counter at which the virtual timer expires.
fn virtual_deadline(domain: &Domain, vhe: bool) -> Option<Ticks> {
    let enabled = switched::cntv_ctl(vhe) & (control::ENABLE | control::IMASK) == control::ENABLE;
    enabled.then(|| switched::cntv_cval(vhe).saturating_add(domain.counter_offset()))
}

fn earliest(one: Option<Ticks>, other: Option<Ticks>) -> Option<Ticks> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, None) => one,
        (None, other) => other,
    }
}
