//! Interrupts of all kinds to everybody, and proof that everybody still works.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use guest_arm_rt::gic::{self, v2, v3};
use guest_arm_rt::report::{Sweep, check};
use guest_arm_rt::smp::{self, MAX_CPUS};
use guest_arm_rt::timer::{self, ENABLE, PHYSICAL, VIRTUAL, physical_timer, virtual_timer};
use guest_arm_rt::{clock, cpu, irq, println, psci, start_info};

/// The SGI that the storm is not made of, and that is answered.
const PING: u32 = 15;
const SECOND: u64 = 1_000_000;

static ANSWERS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];
/// Timer interrupts by CPU.
static TICKS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

fn others() -> impl Iterator<Item = (usize, u64)> {
    start_info::cpus().iter().copied().enumerate().skip(1)
}

fn start_all(main: fn(usize)) {
    irq::set_handler(PING, |raw| {
        ANSWERS[cpu::index()].fetch_add(1, Relaxed);
        gic::end(raw);
    });
    for (index, affinity) in others() {
        check(format_args!("cpu-{index}-starts"), smp::start(affinity, index, main), Ok(()));
    }
}

/// Waits for interrupts for ever.
fn wait(_: usize) {
    loop {
        cpu::wait_for_interrupt();
    }
}

/// A xorshift generator.
fn advance(state: u64) -> u64 {
    let state = state ^ state << 13;
    let state = state ^ state >> 7;
    state ^ state << 17
}

/// Sends one SGI below [`PING`]: any target list, any filter, absent CPUs among them.
fn one_sgi(random: u64) {
    let intid = (random >> 8) as u32 % PING;
    let cpus = start_info::cpus();
    let target = (random >> 16) as usize % cpus.len();
    match random >> 40 & 7 {
        0 => gic::send_others(intid),
        1 => gic::send_self(intid),
        2 if gic::is_v3() => v3::write_sgi(random & !(0xf << 24) | u64::from(intid) << 24),
        2 => v2::send_sgi(intid, (random >> 20) as u32 & 0xff),
        _ => gic::send_sgi(intid, cpus[target], target),
    }
}

/// What every CPU does in the storm: sends, takes what comes, halts now and then.
fn rage(index: usize) {
    let mut state = 0x1234_5678_9abc_def1 ^ (index as u64) << 32;
    let rounds: u64 = start_info::value("rounds", 5000);
    for round in 0..rounds {
        state = advance(state);
        one_sgi(state);
        cpu::enable_interrupts();
        cpu::pause();
        cpu::disable_interrupts();
        if round % 64 == 63 {
            timer::nap(50);
        }
    }
    ANSWERS[index].store(0, Relaxed);
    FINISHED.fetch_add(1, Relaxed);
    if index != 0 {
        wait(index);
    }
}

static FINISHED: AtomicU64 = AtomicU64::new(0);

/// `mode=sgi-storm`, `rounds=N` (5000 a CPU).
pub(crate) fn sgis() {
    println!("# rogue: mode sgi-storm");
    start_all(rage);
    rage(0);
    let cpus = start_info::cpus().len() as u64;
    cpu::enable_interrupts();
    check("storm-ends", clock::within(60 * SECOND, || FINISHED.load(Relaxed) == cpus), true);
    cpu::disable_interrupts();
    everybody_answers();
}

/// Each CPU answers one ping, once.
fn everybody_answers() {
    let mut sweep = Sweep::new("after-the-storm");
    cpu::enable_interrupts();
    for (index, &affinity) in start_info::cpus().iter().enumerate() {
        ANSWERS[index].store(0, Relaxed);
        gic::send_sgi(PING, affinity, index);
        let answered = clock::within(SECOND, || ANSWERS[index].load(Relaxed) == 1);
        sweep.expect(format_args!("CPU {index}"), answered, true);
    }
    clock::delay(1000);
    for (index, answers) in ANSWERS.iter().enumerate().take(start_info::cpus().len()) {
        sweep.expect(format_args!("CPU {index}, once"), answers.load(Relaxed), 1);
    }
    cpu::disable_interrupts();
    timer::nap(1000);
    sweep.expect("own timer", irq::received(VIRTUAL) > 0, true);
    sweep.finish();
}

/// `mode=timer-storm`, `rounds=N` (2000 a CPU and timer): deadlines in the past, again and again.
pub(crate) fn timers() {
    println!("# rogue: mode timer-storm");
    irq::set_handler(VIRTUAL, |raw| on_tick(raw, virtual_timer::set_control, virtual_timer::set_deadline, cpu::ticks));
    irq::set_handler(PHYSICAL, |raw| {
        on_tick(raw, physical_timer::set_control, physical_timer::set_deadline, cpu::physical_ticks);
    });
    start_all(|index| {
        tick(index);
        wait(index);
    });
    tick(0);
    cpu::enable_interrupts();
    let done = || TICKS.iter().take(start_info::cpus().len()).all(|ticks| ticks.load(Relaxed) >= wanted());
    check("timer-storm", clock::within(60 * SECOND, done), true);
    cpu::disable_interrupts();
    everybody_answers();
}

/// Ticks a CPU: of both timers together.
fn wanted() -> u64 {
    2 * start_info::value("rounds", 2000_u64)
}

/// Starts both timers of this CPU with deadlines in the past.
fn tick(_: usize) {
    for intid in [VIRTUAL, PHYSICAL] {
        gic::enable(intid);
    }
    virtual_timer::set_deadline(0);
    physical_timer::set_deadline(0);
    virtual_timer::set_control(ENABLE);
    physical_timer::set_control(ENABLE);
}

/// The next deadline is past, now, or a little ahead; the timer stops when there were enough.
fn on_tick(raw: u32, set_control: fn(u64), set_deadline: fn(u64), now: fn() -> u64) {
    let count = TICKS[cpu::index()].fetch_add(1, Relaxed) + 1;
    if count >= wanted() {
        set_control(0);
    }
    set_deadline([0, now(), now() + 100, now() + clock::ticks_in(10)][count as usize % 4]);
    gic::end(raw);
    if !gic::is_v3() && count < wanted() {
        // QEMU's GICv2 does not look at a physical line again when a guest ends the interrupt: the line has to move.
        set_control(0);
        set_control(ENABLE);
    }
}

/// `mode=cpu-cycle`, `rounds=N` (10): every other CPU is switched off and on, and works each time.
pub(crate) fn cpus() {
    println!("# rogue: mode cpu-cycle");
    let mut sweep = Sweep::new("cpu-cycle");
    irq::set_handler(PING, |raw| {
        ANSWERS[cpu::index()].fetch_add(1, Relaxed);
        gic::end(raw);
    });
    for round in 0..start_info::value("rounds", 10_u64) {
        for (index, affinity) in others() {
            ANSWERS[index].store(0, Relaxed);
            sweep.expect(format_args!("round {round}, start"), smp::start(affinity, index, live_once), Ok(()));
            let again = psci::call(psci::CPU_ON_64, [affinity, smp::entry_address(), 0]);
            sweep.expect("started again", again, psci::ALREADY_ON);
            gic::send_sgi(PING, affinity, index);
            let is_off = || psci::call(psci::AFFINITY_INFO_64, [affinity, 0, 0]) == psci::OFF;
            sweep.expect(format_args!("round {round}, off"), clock::within(2 * SECOND, is_off), true);
            sweep.expect(format_args!("round {round}, answered"), ANSWERS[index].load(Relaxed), 1);
        }
    }
    sweep.finish();
}

/// One life: takes the ping, naps, and switches itself off with everything masked.
fn live_once(index: usize) {
    while ANSWERS[index].load(Relaxed) == 0 {
        cpu::wait_for_interrupt();
    }
    timer::nap(500);
    psci::call(psci::CPU_OFF, [0; 3]);
}
