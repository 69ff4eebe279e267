//! Physical interrupts, taken without ever being unmasked, and the two timers.

use core::sync::atomic::Ordering;

use phalanx_arch_aarch64::gic::{Conditions, Gic};
use phalanx_arch_aarch64::host::interrupts::{Taken, take};
use phalanx_arch_aarch64::host::{idle, kick, timer, vhe};
use phalanx_arch_api::Ticks;

use crate::asm::msr;
use crate::bench::{Bench, with_gic};
use crate::report::check;

/// How late an alarm may be: a hundredth of a second.
fn tolerance() -> Ticks {
    timer::frequency() / 100
}

/// The virtual timer of the guest's EL1: comparator and control.
fn set_virtual_timer(compare: Ticks, control: u64) {
    msr!("cntvoff_el2", 0);
    if vhe() {
        msr!("S3_5_C14_C3_2", compare);
        msr!("S3_5_C14_C3_1", control);
    } else {
        msr!("cntv_cval_el0", compare);
        msr!("cntv_ctl_el0", control);
    }
}

/// Nothing came that nobody asked for, and nothing is left.
fn quiet<G: Gic>(bench: &Bench) {
    check("left over", take::<G>(bench.cpu), Taken::None);
    check("unexpected", bench.cpu.unexpected.load(Ordering::Relaxed), 0);
    check("flags", bench.cpu.has_pending_flag(), false);
}

/// An SGI to oneself is taken once, and leaves its flag.
pub(crate) fn kick_self(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        quiet::<G>(bench);
        for _ in 0..3 {
            kick(bench.cpu.index);
            check("kick", take::<G>(bench.cpu), Taken::Host);
            check("flag", bench.cpu.kicked.swap(false, Ordering::Relaxed), true);
            quiet::<G>(bench);
        }
    }
    with_gic!(test, &bench);
}

/// WFI ends with an interrupt that is masked, also where it came before.
pub(crate) fn wake(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        kick(bench.cpu.index);
        idle::<G>(bench.cpu);
        check("flag", bench.cpu.kicked.load(Ordering::Relaxed), true);
        // A flag that nobody has seen ends the wait at once.
        idle::<G>(bench.cpu);
        bench.cpu.kicked.store(false, Ordering::Relaxed);
        timer::arm(timer::now() + timer::frequency() / 1000);
        idle::<G>(bench.cpu);
        check("timer", bench.cpu.timer_fired.swap(false, Ordering::Relaxed), true);
        quiet::<G>(bench);
    }
    with_gic!(test, &bench);
}

/// The hypervisor's timer: not too early, in time, once; and one that is disarmed never.
pub(crate) fn hypervisor_timer(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        for delay in [timer::frequency() / 1000, timer::frequency() / 50] {
            let deadline = timer::now() + delay;
            timer::arm(deadline);
            check("early", take::<G>(bench.cpu), Taken::None);
            while !bench.cpu.timer_fired.swap(false, Ordering::Relaxed) {
                idle::<G>(bench.cpu);
            }
            let late = timer::now().checked_sub(deadline);
            check(format_args!("late {late:?}"), late.is_some_and(|late| late < tolerance()), true);
            quiet::<G>(bench);
        }
        timer::arm(0);
        check("past", take::<G>(bench.cpu), Taken::Host);
        check("flag", bench.cpu.timer_fired.swap(false, Ordering::Relaxed), true);
        timer::arm(timer::now() + timer::frequency() / 1000);
        timer::disarm();
        let end = timer::now() + timer::frequency() / 500;
        while timer::now() < end {
            quiet::<G>(bench);
        }
    }
    with_gic!(test, &bench);
}

/// The guest's virtual timer: in time, active until it is deactivated, again while its condition holds.
pub(crate) fn virtual_timer(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let physical = bench.cpu.interrupts.virtual_timer;
        let deadline = timer::now() + timer::frequency() / 1000;
        set_virtual_timer(deadline, 1);
        let mut taken = Taken::None;
        while taken == Taken::None {
            taken = take::<G>(bench.cpu);
        }
        let late = timer::now().checked_sub(deadline);
        check("taken", taken, Taken::VirtualTimer { physical });
        check(format_args!("late {late:?}"), late.is_some_and(|late| late < tolerance()), true);
        check("while it is active", take::<G>(bench.cpu), Taken::None);
        G::deactivate(physical);
        check("again", take::<G>(bench.cpu), Taken::VirtualTimer { physical });
        set_virtual_timer(0, 3);
        G::deactivate(physical);
        quiet::<G>(bench);
        set_virtual_timer(0, 1);
        check("unmasked", take::<G>(bench.cpu), Taken::VirtualTimer { physical });
        set_virtual_timer(0, 0);
        G::deactivate(physical);
        quiet::<G>(bench);
    }
    with_gic!(test, &bench);
}

/// The timer's active state moves with its vCPU: set and cleared, it holds the interrupt back and lets it come.
pub(crate) fn active_state(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        let physical = bench.cpu.interrupts.virtual_timer;
        G::set_active(physical, true);
        set_virtual_timer(0, 1);
        check("set active", take::<G>(bench.cpu), Taken::None);
        G::set_active(physical, false);
        check("cleared", take::<G>(bench.cpu), Taken::VirtualTimer { physical });
        G::set_active(physical, false);
        check("cleared while the condition holds", take::<G>(bench.cpu), Taken::VirtualTimer { physical });
        G::set_active(physical, true);
        set_virtual_timer(0, 0);
        G::deactivate(physical);
        quiet::<G>(bench);
    }
    with_gic!(test, &bench);
}

/// The maintenance interrupt comes while its condition holds, and not when the interface is off.
pub(crate) fn maintenance(bench: Bench) {
    fn test<G: Gic>(bench: &Bench) {
        G::set_maintenance(Conditions { no_pending: true, unlisted: false });
        quiet::<G>(bench);
        G::set_enabled(true);
        check("on", take::<G>(bench.cpu), Taken::Maintenance);
        check("still", take::<G>(bench.cpu), Taken::Maintenance);
        G::set_maintenance(Conditions::default());
        check("ended", G::take_unlisted(), 0);
        quiet::<G>(bench);
        G::set_enabled(false);
    }
    with_gic!(test, &bench);
}
