//! Debug and trace registers (op0 = 2): the architecture's breakpoints are there, locked or not, and nothing else is.

use crate::abilities::Ability;
use crate::code::Encoding;
use core::arch::asm;
use guest_arm_rt::hypercall;
use guest_arm_rt::read_register;
use guest_arm_rt::report::Sweep;
use guest_arm_rt::trap::{Fault, UNDEFINED, attempt};

const OSLAR: Encoding = Encoding(2, 0, 1, 0, 4);
const OSLSR: Encoding = Encoding(2, 0, 1, 1, 4);
const MDSCR: Encoding = Encoding(2, 0, 0, 2, 2);
/// MDSCR_EL1: what only a debugger may set: ERR, HDE, TDA, INTdis, TXU, RXO, TXfull, RXfull.
const DEBUGGER_ONLY: u64 = 1 << 6 | 1 << 14 | 7 << 21 | 3 << 26 | 3 << 29;
/// A breakpoint exception at the level that it came from.
const BREAKPOINT: Fault = Fault(0x31, 0);
/// A watchpoint exception likewise; its status is "debug".
const WATCHPOINT: Fault = Fault(0x35, 0);

/// DBGPRCR_EL1, DBGAUTHSTATUS_EL1, DBGDTR_EL0: QEMU's processors do not have them, so a hypervisor does not see them used.
const QEMU_LACKS: [Encoding; 3] = [Encoding(2, 0, 1, 4, 4), Encoding(2, 0, 7, 14, 6), Encoding(2, 3, 0, 4, 0)];

/// Whether `register` is there, to read and to write.
fn expected(register: Encoding) -> (bool, bool) {
    let dfr0 = read_register!("id_aa64dfr0_el1");
    let (breakpoints, watchpoints) = (dfr0 >> 12 & 0xf, dfr0 >> 20 & 0xf);
    match register {
        Encoding(_, 0, 0, n, 4 | 5) => (u64::from(n) <= breakpoints, u64::from(n) <= breakpoints),
        Encoding(_, 0, 0, n, 6 | 7) => (u64::from(n) <= watchpoints, u64::from(n) <= watchpoints),
        Encoding(_, 0, 0, 0 | 2 | 3 | 6, 2) | Encoding(_, 0, 0, 2, 0) => (true, true),
        Encoding(_, 0, 1, 0, 0) | Encoding(_, 0, 1, 1, 4) | Encoding(_, 0, 7, 14, 6) => (true, false),
        Encoding(_, 0, 1, 0, 4) => (false, true),
        Encoding(_, 0, 1, 3 | 4, 4) | Encoding(_, 0, 7, 8 | 9, 6) => (true, true),
        Encoding(_, 3, 0, 1, 0) => (true, false),
        Encoding(_, 3, 0, 4 | 5, 0) => (true, true),
        _ => (false, false),
    }
}

pub(crate) fn run() {
    if hypercall::on_phalanx() {
        every_register();
        locks();
    }
    points();
}

fn every_register() {
    let mut sweep = Sweep::new("debug-registers");
    for register in Encoding::all(2).filter(|&Encoding(_, op1, ..)| op1 != 1 || !Ability::Branches.is_offered()) {
        let (readable, writable) = expected(register);
        let got = register.read();
        let lacking = got == Err(UNDEFINED) && QEMU_LACKS.contains(&register);
        let right = if readable { got.is_ok() || lacking } else { got == Err(UNDEFINED) };
        sweep.judge(right, register, format_args!("read {got:x?}"));
        // SAFETY: zero switches everything off.
        let got = unsafe { register.write(0) };
        let right = if writable { got.is_ok() || lacking } else { got == Err(UNDEFINED) };
        sweep.judge(right, register, format_args!("write {got:x?}"));
    }
    sweep.finish();
}

fn write(register: Encoding, value: u64) {
    // SAFETY: debug registers of this guest; the callers switch off what they switch on.
    let _: Result<u64, Fault> = unsafe { register.write(value) };
}

fn locks() {
    let mut sweep = Sweep::new("debug-locks");
    for (value, locked) in [(1, 2), (0, 0), (u64::MAX, 2), (2, 0)] {
        write(OSLAR, value);
        sweep.expect("OS lock", OSLSR.read().map(|value| value & 0xa), Ok(8 | locked));
    }
    let claim_set = Encoding(2, 0, 7, 8, 6);
    let claim_clear = Encoding(2, 0, 7, 9, 6);
    write(claim_clear, u64::MAX);
    write(claim_set, 0x5a);
    sweep.expect("claimed", claim_clear.read(), Ok(0x5a));
    write(claim_clear, 0x0a);
    sweep.expect("some given up", claim_clear.read(), Ok(0x50));
    write(claim_clear, u64::MAX);
    write(MDSCR, u64::MAX);
    sweep.expect("MDSCR", MDSCR.read().map(|value| value & DEBUGGER_ONLY), Ok(0));
    write(MDSCR, 0);
    sweep.finish();
}

/// A breakpoint and a watchpoint work, and the OS lock keeps them away.
fn points() {
    let mut sweep = Sweep::new("debug-points");
    let mut word = 0_u64;
    let target = &raw mut word as u64;
    let code = pause_here as *const () as u64;
    // Breakpoint: enabled, EL1, all four bytes. Watchpoint: enabled, EL1, stores, all eight bytes.
    for (register, value) in [(4, code), (5, 0x1e3), (6, target & !7), (7, 0xff << 5 | 2 << 3 | 1 << 1 | 1)] {
        write(Encoding(2, 0, 0, 0, register), value);
    }
    for (locked, on_break, on_watch) in [(1, Ok(()), Ok(())), (0, Err(BREAKPOINT), Err(WATCHPOINT))] {
        if locked != 0 && !hypercall::on_phalanx() {
            // QEMU's own lock does not keep them away.
            continue;
        }
        write(OSLAR, locked);
        // KDE and MDE.
        write(MDSCR, 1 << 15 | 1 << 13);
        sweep.expect("breakpoint", attempt(|| with_debug(pause_here)), on_break);
        sweep.expect(
            "watchpoint",
            attempt(|| with_debug(|| store(target))).map_err(|fault| Fault(fault.0, 0)),
            on_watch,
        );
    }
    write(MDSCR, 0);
    for register in 4..8 {
        write(Encoding(2, 0, 0, 0, register), 0);
    }
    sweep.expect(
        "neither",
        attempt(|| {
            with_debug(|| {
                pause_here();
                store(target)
            })
        }),
        Ok(()),
    );
    sweep.finish();
}

/// Runs `f` with debug exceptions unmasked.
fn with_debug(f: impl FnOnce()) {
    // SAFETY: a debug exception ends in the enclosing attempt.
    unsafe { asm!("msr daifclr, #8", "isb") };
    f();
    // SAFETY: as it was.
    unsafe { asm!("msr daifset, #8", "isb") };
}

#[inline(never)]
fn pause_here() {
    guest_arm_rt::cpu::pause();
}

fn store(address: u64) {
    // SAFETY: a word of the caller.
    unsafe { asm!("str xzr, [{}]", in(reg) address, options(nostack)) };
}
