//! Ports: unknown ones read all-ones and ignore writes; the known ones answer as the virtual PC says.

use guest_rt::report::{self, Sweep};
use guest_rt::{clock, hypercall, port, power};

const COM1_SCRATCH: u16 = 0x3ff;
const COM1_LINE_CONTROL: u16 = 0x3fb;
const CMOS_INDEX: u16 = 0x70;
const CMOS_DATA: u16 = 0x71;
const CMOS_VALID: u8 = 0x0d;
const KEYBOARD_STATUS: u16 = 0x64;

/// Ports with something behind them.
fn is_known(port: u16) -> bool {
    matches!(port, 0x60 | 0x64 | 0x70..=0x71 | 0x3f8..=0x3ff | 0x600..=0x605 | 0x608..=0x60b | 0xcf9)
}

pub(crate) fn run() {
    reads();
    wide_reads();
    writes();
    known();
    pm_registers();
    pm_timer();
}

fn reads() {
    let mut sweep = Sweep::new("ports-read");
    for number in 0..=u16::MAX {
        let got = port::read8(number);
        if !is_known(number) {
            sweep.expect(report::Hex(number.into()), got, 0xff);
        }
    }
    sweep.expect("0x60", port::read8(0x60), 0xff);
    sweep.expect("0x64", port::read8(KEYBOARD_STATUS), 0);
    sweep.finish();
}

fn wide_reads() {
    let mut sweep = Sweep::new("ports-read-wide");
    let unknown = |number: u16| (0..4).all(|offset| !is_known(number.wrapping_add(offset)));
    for number in (0..0xfffd).step_by(7).filter(|&number| unknown(number)) {
        sweep.expect(report::Hex(number.into()), port::read16(number), u16::MAX);
        sweep.expect(report::Hex(number.into()), port::read32(number), u32::MAX);
    }
    for number in [0xfffd, 0xfffe, 0xffff] {
        sweep.expect(report::Hex(number.into()), port::read32(number), u32::MAX);
    }
    // Across the edge of a device: whatever comes, the upper bytes belong to nobody.
    sweep.expect("across 0x71", port::read32(CMOS_DATA) >> 8, 0xff_ffff);
    sweep.expect("across 0x60b", port::read16(0x60b) >> 8, 0xff);
    sweep.finish();
}

fn writes() {
    let mut sweep = Sweep::new("ports-write");
    for number in (0..=u16::MAX).filter(|&number| !is_known(number)) {
        port::write8(number, 0x5a);
        if number % 64 == 0 {
            sweep.expect(report::Hex(number.into()), port::read8(number), 0xff);
        }
    }
    port::write32(0xcf8, 0x8000_0000);
    sweep.expect("0xcf8", port::read32(0xcf8), u32::MAX);
    sweep.expect("0xcfc", port::read32(0xcfc), u32::MAX);
    port::write32(0xfffe, 0);
    port::write16(0x80, 0);
    sweep.finish();
}

fn known() {
    let mut sweep = Sweep::new("ports-known");
    for command in [0x20, 0xaa, 0xad, 0xd0, 0xfd, 0xff] {
        port::write8(KEYBOARD_STATUS, command);
        sweep.expect("0x64 after a command", port::read8(KEYBOARD_STATUS), 0);
        sweep.expect("0x60 after a command", port::read8(0x60), 0xff);
    }
    for value in [0x5a, 0xa5] {
        port::write8(COM1_SCRATCH, value);
        sweep.expect("COM1 scratch", port::read8(COM1_SCRATCH), value);
    }
    let line = port::read8(COM1_LINE_CONTROL);
    port::write8(COM1_LINE_CONTROL, line | 0x80);
    sweep.expect("COM1 divisor", [port::read8(0x3f8), port::read8(0x3f9)], [1, 0]);
    port::write8(COM1_LINE_CONTROL, line);
    for index in 0..=u8::MAX {
        port::write8(CMOS_INDEX, index);
        let value = port::read8(CMOS_DATA);
        sweep.judge(index != CMOS_VALID || value & 0x80 != 0, "CMOS register D", format_args!("{value:#x}"));
    }
    port::write8(CMOS_INDEX, 0);
    let seconds = port::read8(CMOS_DATA);
    sweep.judge(seconds & 0xf < 10 && seconds >> 4 < 6, "CMOS seconds", format_args!("{seconds:#x}"));
    sweep.finish();
}

/// PM1a: SCI_EN stays set; sleep types other than S5, and S5 without SLP_EN, do nothing.
fn pm_registers() {
    let mut sweep = Sweep::new("pm-registers");
    let sci_enabled = || port::read16(power::PM1A_CNT) & 1;
    sweep.expect("PM1a_CNT", sci_enabled(), 1);
    port::write16(power::PM1A_CNT, 0);
    sweep.expect("PM1a_CNT after 0", sci_enabled(), 1);
    if hypercall::on_phalanx() {
        port::write16(power::PM1A_CNT, 5 << 10);
        for kind in [0, 1, 2, 3, 4, 6, 7] {
            port::write16(power::PM1A_CNT, kind << 10 | 1 << 13);
            sweep.expect("PM1a_CNT after another sleep type", sci_enabled(), 1);
        }
    }
    port::write16(0x600, u16::MAX);
    sweep.expect("PM1a_STS after clearing", port::read16(0x600), 0);
    sweep.finish();
}

/// The PM timer counts up, whatever the width of the read, and ignores writes.
fn pm_timer() {
    let mut sweep = Sweep::new("pm-timer");
    let mut last = clock::pm_now();
    for _ in 0..100 {
        let passed = clock::pm_since(last);
        sweep.judge(passed < clock::PM_HZ as u32, "a step", passed);
        last = last.wrapping_add(passed);
    }
    port::write32(clock::PM_TIMER, 0);
    sweep.judge(clock::pm_since(last) < clock::PM_HZ as u32, "after a write", clock::pm_since(last));
    let (low, all) = (port::read16(clock::PM_TIMER), port::read32(clock::PM_TIMER) as u16);
    sweep.judge(all.wrapping_sub(low) < 0x2000, "16 bits", format_args!("{low:#x} then {all:#x}"));
    let moved = clock::within(100_000, || clock::pm_since(last) > 1000);
    sweep.judge(moved, "in 100 ms", "it stands still");
    sweep.finish();
}
