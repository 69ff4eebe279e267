//! The two timers with extreme values, and their interrupts, which are levels.

use crate::code::Encoding;
use crate::sgis::drain;
use guest_arm_rt::report::{Hex, Sweep};
use guest_arm_rt::timer::{ENABLE, MASKED, MET, PHYSICAL, VIRTUAL, physical_timer, virtual_timer};
use guest_arm_rt::trap::UNDEFINED;
use guest_arm_rt::{clock, cpu, gic, hypercall, irq, read_register};

const MILLISECOND: u64 = 1000;

/// One of the timers: its registers, its counter, its interrupt.
struct Timer {
    name: &'static str,
    control: fn() -> u64,
    set_control: fn(u64),
    deadline: fn() -> u64,
    set_deadline: fn(u64),
    countdown: fn() -> u64,
    set_countdown: fn(u64),
    now: fn() -> u64,
    intid: u32,
}

const TIMERS: [Timer; 2] = [
    Timer {
        name: "virtual",
        control: virtual_timer::control,
        set_control: virtual_timer::set_control,
        deadline: virtual_timer::deadline,
        set_deadline: virtual_timer::set_deadline,
        countdown: virtual_timer::countdown,
        set_countdown: virtual_timer::set_countdown,
        now: cpu::ticks,
        intid: VIRTUAL,
    },
    Timer {
        name: "physical",
        control: physical_timer::control,
        set_control: physical_timer::set_control,
        deadline: physical_timer::deadline,
        set_deadline: physical_timer::set_deadline,
        countdown: physical_timer::countdown,
        set_countdown: physical_timer::set_countdown,
        now: cpu::physical_ticks,
        intid: PHYSICAL,
    },
];

pub(crate) fn run() {
    counters();
    for timer in &TIMERS {
        extremes(timer);
        countdowns(timer);
        interrupts(timer);
        masking(timer);
    }
    both();
    drain();
}

/// The counters go on, and nobody here sets them or their frequency.
fn counters() {
    let mut sweep = Sweep::new("counters");
    let (mut virtual_last, mut physical_last) = (cpu::ticks(), cpu::physical_ticks());
    for _ in 0..1000 {
        let (now, physical) = (cpu::ticks(), cpu::physical_ticks());
        sweep.judge(now >= virtual_last && physical >= physical_last, "monotonic", format_args!("{now} {physical}"));
        (virtual_last, physical_last) = (now, physical);
    }
    let frequency = read_register!("cntfrq_el0");
    sweep.judge((1_000_000..=1_000_000_000).contains(&frequency), "frequency", frequency);
    // Without a hypervisor EL1 may set the frequency.
    let first = if hypercall::on_phalanx() { 0 } else { 1 };
    for register in (first..3).map(|op2| Encoding(3, 3, 14, 0, op2)).chain([Encoding(3, 4, 14, 0, 3)]) {
        // SAFETY: refused.
        sweep.expect(register, unsafe { register.write(1) }, Err(UNDEFINED));
    }
    sweep.expect("frequency afterwards", read_register!("cntfrq_el0"), frequency);
    sweep.finish();
}

/// Deadlines at the ends of the range: met if they are in the past (as numbers without sign), and only then.
fn extremes(timer: &Timer) {
    let mut sweep = Sweep::new("timer-extremes");
    for (deadline, met) in [
        (0, true),
        (1, true),
        (u64::MAX, false),
        (u64::MAX - 1, false),
        (1 << 63, false),
        ((1 << 63) - 1, false),
        (1 << 56, false),
    ] {
        (timer.set_deadline)(deadline);
        sweep.expect(format_args!("{} keeps {deadline:#x}", timer.name), (timer.deadline)(), deadline);
        (timer.set_control)(ENABLE | MASKED);
        let want = ENABLE | MASKED | if met { MET } else { 0 };
        sweep.expect(format_args!("{} at {deadline:#x}", timer.name), (timer.control)(), want);
        (timer.set_control)(0);
    }
    (timer.set_deadline)((timer.now)().wrapping_sub(1));
    (timer.set_control)(u64::MAX);
    sweep.expect("only three bits", (timer.control)(), ENABLE | MASKED | MET);
    (timer.set_control)(0);
    sweep.finish();
}

/// The countdown is a number of 32 bits with a sign.
fn countdowns(timer: &Timer) {
    let mut sweep = Sweep::new("timer-countdowns");
    for value in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX, 1 << 32] {
        let before = (timer.now)();
        (timer.set_countdown)(value);
        let after = (timer.now)();
        let distance = i64::from(value as u32 as i32) as u64;
        let deadline = (timer.deadline)();
        let early = deadline.wrapping_sub(before.wrapping_add(distance));
        sweep.judge(early <= after - before, format_args!("{} {value:#x}", timer.name), Hex(deadline));
        let left = (timer.countdown)();
        sweep.judge(left <= u64::from(u32::MAX), "32 bits", Hex(left));
    }
    sweep.finish();
}

/// A deadline in the past comes at once, again as long as it is not moved, and not after that; one ahead not before it.
fn interrupts(timer: &Timer) {
    let mut sweep = Sweep::new("timer-interrupts");
    drain();
    gic::enable(timer.intid);
    (timer.set_deadline)(1);
    (timer.set_control)(ENABLE);
    for turn in 0..3 {
        let mut raw = gic::acknowledge();
        clock::within(100 * MILLISECOND, || {
            if gic::intid(raw) == irq::NONE {
                raw = gic::acknowledge();
            }
            gic::intid(raw) != irq::NONE
        });
        sweep.expect(format_args!("{} turn {turn}", timer.name), gic::intid(raw), timer.intid);
        if turn == 2 {
            (timer.set_control)(0);
        }
        gic::end(raw);
        if turn < 2 && !gic::is_v3() {
            // QEMU's GICv2 does not look at a physical line again when a guest ends the interrupt: the line has to move.
            (timer.set_control)(0);
            (timer.set_control)(ENABLE);
        }
    }
    clock::delay(MILLISECOND);
    sweep.expect("over", (gic::intid(gic::acknowledge()), gic::is_pending(timer.intid)), (irq::NONE, false));
    (timer.set_deadline)((timer.now)() + clock::ticks_in(10 * MILLISECOND));
    (timer.set_control)(ENABLE);
    let mut early = false;
    let came = clock::within(500 * MILLISECOND, || {
        let due = (timer.control)() & MET != 0;
        let pending = gic::is_pending(timer.intid);
        early |= pending && !due && (timer.now)() < (timer.deadline)();
        pending
    });
    sweep.expect(timer.name, (came, early), (true, false));
    // Moved ahead: no longer asserted. What a list register holds already may still come, once.
    (timer.set_deadline)(u64::MAX);
    clock::delay(10);
    let late = drain();
    sweep.judge(late <= u64::from(hypercall::on_phalanx()), "moved ahead", late);
    sweep.expect("moved ahead", (gic::intid(gic::acknowledge()), gic::is_pending(timer.intid)), (irq::NONE, false));
    (timer.set_control)(0);
    gic::disable(timer.intid);
    sweep.finish();
}

/// Masked at the timer or disabled at the controller it does not come, whatever its status.
fn masking(timer: &Timer) {
    let mut sweep = Sweep::new("timer-masking");
    gic::enable(timer.intid);
    (timer.set_deadline)(1);
    (timer.set_control)(ENABLE | MASKED);
    clock::delay(MILLISECOND);
    sweep.expect("masked", (gic::intid(gic::acknowledge()), (timer.control)() & MET), (irq::NONE, MET));
    gic::disable(timer.intid);
    (timer.set_control)(ENABLE);
    clock::delay(MILLISECOND);
    sweep.expect("disabled", gic::intid(gic::acknowledge()), irq::NONE);
    sweep.expect("pending", gic::is_pending(timer.intid), true);
    (timer.set_control)(0);
    gic::enable(timer.intid);
    clock::delay(100);
    sweep.expect("off", (gic::intid(gic::acknowledge()), gic::is_pending(timer.intid)), (irq::NONE, false));
    gic::disable(timer.intid);
    sweep.finish();
}

/// Both at once, over and over, from WFI.
fn both() {
    let mut sweep = Sweep::new("timers-together");
    for timer in &TIMERS {
        irq::forget(timer.intid);
        gic::enable(timer.intid);
    }
    irq::set_handler(VIRTUAL, |raw| {
        virtual_timer::set_control(0);
        irq::note(VIRTUAL);
        gic::end(raw);
    });
    irq::set_handler(PHYSICAL, |raw| {
        physical_timer::set_control(0);
        irq::note(PHYSICAL);
        gic::end(raw);
    });
    for round in 1..=100 {
        for timer in &TIMERS {
            (timer.set_deadline)((timer.now)() + clock::ticks_in(50 + round % 5 * 30));
            (timer.set_control)(ENABLE);
        }
        clock::within(500 * MILLISECOND, || {
            if irq::received(VIRTUAL) < round || irq::received(PHYSICAL) < round {
                cpu::wait_for_interrupt();
            }
            irq::received(VIRTUAL) >= round && irq::received(PHYSICAL) >= round
        });
        sweep.expect(round, (irq::received(VIRTUAL), irq::received(PHYSICAL)), (round, round));
    }
    for timer in &TIMERS {
        irq::clear_handler(timer.intid);
        gic::disable(timer.intid);
    }
    sweep.finish();
}
