//! Waiting: WFI ends for what is pending, masked or not; WFE ends for an event.

use crate::abilities::Ability;
use crate::code;
use crate::sgis::drain;
use guest_arm_rt::report::Sweep;
use guest_arm_rt::timer::{ENABLE, VIRTUAL, virtual_timer};
use guest_arm_rt::trap::{SYSTEM_TRAPPED, UNDEFINED};
use guest_arm_rt::{clock, cpu, gic, irq, read_register};

/// WFET X0, WFIT X0.
const WFET: u32 = 0xd503_1000;
const WFIT: u32 = 0xd503_1020;

pub(crate) fn run() {
    drain();
    pending();
    timed();
    events();
    with_timeout();
    from_el0();
    drain();
}

/// An interrupt that is pending ends WFI at once, also while IRQs are masked, and is still there afterwards.
fn pending() {
    let mut sweep = Sweep::new("wfi-pending");
    irq::forget(2);
    gic::send_self(2);
    for turn in 0..10 {
        cpu::wfi();
        sweep.expect(turn, (irq::received(2), gic::is_pending(2)), (0, true));
    }
    let raw = gic::acknowledge();
    sweep.expect("acknowledged", gic::intid(raw), 2);
    gic::end(raw);
    sweep.finish();
}

/// The timer ends WFI with IRQs masked, not before it is due by the guest's own counter.
fn timed() {
    let mut sweep = Sweep::new("wfi-timed");
    gic::enable(VIRTUAL);
    for micros in [1, 10, 100, 1000, 5000] {
        let due = cpu::ticks() + clock::ticks_in(micros);
        virtual_timer::set_deadline(due);
        virtual_timer::set_control(ENABLE);
        let mut turns = 0_u64;
        while cpu::ticks() < due && turns < 10_000_000 {
            cpu::wfi();
            turns += 1;
        }
        sweep.judge(cpu::ticks() >= due, micros, turns);
        let raw = gic::acknowledge();
        sweep.judge(matches!(gic::intid(raw), VIRTUAL | irq::NONE), micros, gic::intid(raw));
        virtual_timer::set_control(0);
        if gic::intid(raw) != irq::NONE {
            gic::end(raw);
        }
    }
    gic::disable(VIRTUAL);
    sweep.finish();
}

fn events() {
    let mut sweep = Sweep::new("wfe-event");
    for turn in 0..100 {
        cpu::sev();
        cpu::wfe();
        sweep.expect(turn, read_register!("currentel"), 4);
    }
    sweep.finish();
}

/// The timed forms end; hidden ones are UNDEFINED or end as well, as the processor likes. (A trapped WFIT looks like WFI
/// on QEMU's TCG, so a hidden one with a time to come would wait for an interrupt.)
fn with_timeout() {
    let mut sweep = Sweep::new("wfxt");
    let hidden = !Ability::WaitWithTimeout.is_offered();
    for instruction in [WFET, WFIT] {
        for ahead in if hidden { [0, 0] } else { [0, 100] } {
            // SAFETY: waits.
            let got = unsafe { code::execute(instruction, cpu::ticks() + clock::ticks_in(ahead)) };
            sweep.judge(got.is_ok() || hidden && got == Err(UNDEFINED), instruction, format_args!("{got:x?}"));
        }
    }
    sweep.finish();
}

/// EL0 waits if SCTLR_EL1 lets it (nTWI, nTWE), else that traps to EL1.
fn from_el0() {
    /// WFE: a trap of WFI or WFE.
    const TRAPPED: guest_arm_rt::trap::Fault = guest_arm_rt::trap::Fault(1, 0);
    let mut sweep = Sweep::new("wfx-el0");
    gic::send_self(2);
    for instruction in [0xd503_207f, 0xd503_205f, 0xd503_203f] {
        cpu::sev();
        // SAFETY: waits for what is pending.
        let got = unsafe { code::execute_at_el0(instruction, 0) };
        let right = got.is_ok() || got == Err(TRAPPED) || got == Err(SYSTEM_TRAPPED);
        sweep.judge(right, format_args!("{instruction:#x}"), format_args!("{got:x?}"));
    }
    drain();
    sweep.finish();
}
