//! Interrupts of all kinds to everybody, and NMIs to itself.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use guest_rt::apic::{self, icr, reg};
use guest_rt::report::{Sweep, check};
use guest_rt::trap::Frame;
use guest_rt::{acpi, clock, cpu, cpuid, hypercall, irq, println, smp, start_info, timer};

const VECTOR: u8 = 0x63;
const PING: u8 = 0x64;
/// An APIC id that no CPU has.
const NOBODY: u32 = 0xc8;
const NMIS: u64 = 100;

static ANSWERS: AtomicU64 = AtomicU64::new(0);
static DEPTH: AtomicU64 = AtomicU64::new(0);
static DEEPEST: AtomicU64 = AtomicU64::new(0);

/// What the other CPUs run.
fn wait(_: usize) {
    loop {
        cpu::wait_for_interrupt();
    }
}

/// `mode=init-storm`, `rounds=N` (2000), `x2apic`: interrupt commands of all kinds, then proof that all CPUs still work.
pub(crate) fn interrupts() {
    if start_info::has_word("x2apic") && cpuid::has_x2apic() {
        apic::enable_x2apic();
    }
    irq::set_handler(PING, |_| {
        ANSWERS.fetch_add(1, Relaxed);
        apic::end_of_interrupt();
    });
    let mut others = start_others();
    let mut state = 1;
    cpu::enable_interrupts();
    for _ in 0..start_info::value("rounds", 2000_u64) {
        state = advance(state);
        one_command(state, &mut others);
    }
    cpu::disable_interrupts();
    println!("# storm: {} NMIs, {} interrupts", irq::received(irq::NMI), irq::received(VECTOR));
    apic::write(reg::ESR, 0);
    recovered(&others);
}

#[derive(Default)]
struct Others {
    count: usize,
    /// APIC id of the one that was started last.
    last: Option<u32>,
    /// They wait for a SIPI: an NMI now would find the last one without an IDT when it starts.
    parked: bool,
}

fn start_others() -> Others {
    let (own, mut others) = (apic::id(), Others::default());
    acpi::for_each_cpu(|id| {
        if id != own {
            others.count += 1;
            others.last = Some(id);
            check(format_args!("cpu-{id}-starts"), smp::start(id, others.count, wait), true);
        }
    });
    others
}

/// A xorshift generator.
fn advance(state: u64) -> u64 {
    let state = state ^ state << 13;
    let state = state ^ state >> 7;
    state ^ state << 17
}

/// One interrupt command: any delivery mode, trigger, level, shorthand and destination, but no INIT or SIPI to itself,
/// no SIPI to a page without code, and nothing that needs a PC's firmware or 8259 unless on Phalanx.
fn one_command(random: u64, others: &mut Others) {
    let mode = (random >> 8) as u32 & 7;
    let shape = (random >> 16) as u32 & (icr::LOGICAL | icr::ASSERT | icr::LEVEL);
    let shorthand = (random >> 40) as u32 & 3;
    let own = apic::id();
    let destination = [own, NOBODY, own ^ 1, 0xff, others.last.unwrap_or(NOBODY)][(random >> 48) as usize % 5];
    match mode {
        // An INIT parks all others and only one is woken; on QEMU's own APIC an NMI wakes the parked ones too.
        4 if others.parked || others.count > 1 && !hypercall::on_phalanx() => {
            apic::send(own, icr::NMI | icr::ASSERT);
        }
        5 => {
            apic::send(0, icr::INIT | icr::ASSERT | icr::TO_OTHERS);
            others.parked = true;
        }
        6 => wake(others),
        2 | 3 | 7 if !hypercall::on_phalanx() => {}
        _ => apic::send(destination, mode << 8 | shape | shorthand << 18 | u32::from(VECTOR)),
    }
    if random.is_multiple_of(7) {
        apic::send(NOBODY, mode << 8 | icr::ASSERT | u32::from(VECTOR));
    }
    if random.is_multiple_of(11) && hypercall::on_phalanx() {
        // Vectors that no local APIC may deliver (QEMU's does).
        apic::send(own, icr::ASSERT | (random >> 56) as u32 & 0xf);
    }
}

/// A SIPI to the CPU that was started last: it starts if it waits for one, else it goes on as it was.
fn wake(others: &mut Others) {
    let Some(last) = others.last else { return };
    if others.parked {
        smp::forget(others.count);
    }
    smp::send_startup(last);
    if others.parked {
        others.parked = !clock::within(1_000_000, || smp::is_online(others.count));
    }
}

/// After the storm: own interrupts, own timer, and every other CPU, started afresh, answers.
fn recovered(others: &Others) {
    let mut sweep = Sweep::new("after-the-storm");
    let own = apic::id();
    apic::send(own, icr::ASSERT | u32::from(PING));
    cpu::enable_interrupts();
    sweep.expect("own interrupt", clock::within(500_000, || ANSWERS.load(Relaxed) == 1), true);
    cpu::disable_interrupts();
    timer::nap(1000);
    let mut index = 0;
    acpi::for_each_cpu(|id| {
        if id != own {
            index += 1;
            smp::forget(index);
            sweep.expect(format_args!("CPU {id}"), smp::start(id, index, wait), true);
        }
    });
    ANSWERS.store(0, Relaxed);
    apic::send(0, icr::TO_OTHERS | icr::ASSERT | u32::from(PING));
    let all = others.count as u64;
    sweep.expect("answers", clock::within(1_000_000, || ANSWERS.load(Relaxed) == all), true);
    sweep.finish();
}

/// `mode=nmi`: each NMI to itself arrives once, with interrupts off, and none inside another's handler.
pub(crate) fn nmi() {
    irq::set_handler(irq::NMI, on_nmi);
    let own = apic::id();
    let mut sweep = Sweep::new("nmi");
    for round in 1..=NMIS {
        apic::send(own, icr::NMI | icr::ASSERT);
        let want = round * 2;
        sweep.expect(round, clock::within(500_000, || irq::received(irq::NMI) == want), true);
    }
    sweep.expect("depth", DEEPEST.load(Relaxed), 1);
    sweep.finish();
}

/// Sends a second NMI from inside the first: it has to wait for the IRET.
fn on_nmi(_: &mut Frame) {
    let depth = DEPTH.fetch_add(1, Relaxed) + 1;
    DEEPEST.fetch_max(depth, Relaxed);
    irq::note(irq::NMI);
    if !irq::received(irq::NMI).is_multiple_of(2) {
        apic::send(apic::id(), icr::NMI | icr::ASSERT);
    }
    DEPTH.fetch_sub(1, Relaxed);
}
