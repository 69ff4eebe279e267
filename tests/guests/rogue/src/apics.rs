//! Local APIC page and IO-APIC: odd widths, odd offsets, read-only and reserved registers.

use guest_rt::apic::{self, icr, reg};
use guest_rt::ioapic;
use guest_rt::report::{Hex, Sweep};

/// ESR: an illegal vector was to be sent, an illegal register was touched.
const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;
const ILLEGAL_REGISTER: u32 = 1 << 7;
const PINS: u32 = 24;
/// Bits of a redirection entry's lower half that take a write: all but delivery status and remote IRR.
const ENTRY_WRITABLE: u32 = 0x1_afff;

/// Reads a `T` at `offset` of a device page.
fn read<T: Copy>(base: u64, offset: u64) -> T {
    // SAFETY: a device page; nothing there reaches memory.
    unsafe { ((base + offset) as *const T).read_volatile() }
}

/// Writes a `T` at `offset` of a device page.
fn write<T>(base: u64, offset: u64, value: T) {
    // SAFETY: as above.
    unsafe { ((base + offset) as *mut T).write_volatile(value) };
}

pub(crate) fn run() {
    local_reads();
    local_writes();
    local_errors();
    io_registers();
    io_entries();
}

fn local_reads() {
    let mut sweep = Sweep::new("lapic-reads");
    let version = apic::read(reg::VERSION);
    sweep.judge((0x10..=0x15).contains(&(version & 0xff)), "version", Hex(version.into()));
    sweep.judge((4..=6).contains(&(version >> 16 & 0xff)), "LVT entries", Hex(version.into()));
    for byte in 0..4 {
        let got: u8 = read(apic::BASE, 0x30 + byte);
        sweep.expect("a byte of the version", got, version.to_le_bytes()[byte as usize]);
    }
    sweep.expect("half of the version", read::<u16>(apic::BASE, 0x30), version as u16);
    sweep.expect("twice the version's width", read::<u64>(apic::BASE, 0x30) as u32, version);
    for offset in (0x400..0xff8).step_by(0x10) {
        sweep.expect(Hex(offset), read::<u32>(apic::BASE, offset), 0);
    }
    for offset in (4..0x400).step_by(0x10) {
        sweep.expect(Hex(offset), read::<u32>(apic::BASE, offset), 0);
    }
    sweep.expect("version at the end", apic::read(reg::VERSION), version);
    sweep.finish();
}

fn local_writes() {
    let mut sweep = Sweep::new("lapic-writes");
    let (id, version) = (apic::read(reg::ID), apic::read(reg::VERSION));
    for value in [0, u32::MAX] {
        for register in [reg::ID, reg::VERSION, reg::PPR, reg::ISR, reg::TMR, reg::IRR, reg::CURRENT_COUNT] {
            let before = apic::read(register);
            apic::write(register, value);
            sweep.expect(Hex(register.into()), apic::read(register), before);
        }
        for offset in 0x81..0x90 {
            write(apic::BASE, offset, value as u8);
        }
        sweep.expect("TPR", apic::read(reg::TPR), 0);
        write(apic::BASE, 0x30, value as u8);
        write(apic::BASE, 0x32, value as u16);
        write(apic::BASE, 0x30, u64::from(value));
        (0x400..0xff8).step_by(0x10).for_each(|offset| write(apic::BASE, offset, value));
    }
    sweep.expect("ID and version", (apic::read(reg::ID), apic::read(reg::VERSION)), (id, version));
    apic::write(reg::ESR, 0);
    sweep.finish();
}

/// The error register, after what it is to report and the write that latches it.
fn latched_errors(cause: impl FnOnce()) -> u32 {
    apic::write(reg::ESR, 0);
    cause();
    apic::write(reg::ESR, 0);
    let errors = apic::read(reg::ESR);
    apic::write(reg::ESR, 0);
    errors
}

fn local_errors() {
    let mut sweep = Sweep::new("lapic-errors");
    sweep.expect("nothing", latched_errors(|| ()), 0);
    let read_reserved = latched_errors(|| sweep.expect("reserved", read::<u32>(apic::BASE, 0x3f0), 0));
    sweep.expect("a read of a reserved register", read_reserved, ILLEGAL_REGISTER);
    let write_reserved = latched_errors(|| write(apic::BASE, 0x3f0, 0_u32));
    sweep.expect("a write of a reserved register", write_reserved, ILLEGAL_REGISTER);
    for vector in 0..16 {
        let errors = latched_errors(|| apic::send(0, icr::TO_SELF | icr::ASSERT | vector));
        sweep.expect(vector, errors & SEND_ILLEGAL_VECTOR, SEND_ILLEGAL_VECTOR);
    }
    sweep.finish();
}

fn io_registers() {
    let mut sweep = Sweep::new("ioapic-registers");
    let version = ioapic::read(ioapic::VERSION);
    sweep.judge(matches!(version & 0xff, 0x11 | 0x20), "version", Hex(version.into()));
    sweep.expect("entries", version >> 16 & 0xff, PINS - 1);
    ioapic::write(ioapic::VERSION, u32::MAX);
    sweep.expect("version after a write", ioapic::read(ioapic::VERSION), version);
    for index in (3..0x10).chain(0x10 + PINS * 2..0x100) {
        ioapic::write(index, u32::MAX);
        sweep.expect(Hex(index.into()), ioapic::read(index), 0);
    }
    let id = ioapic::read(ioapic::ID);
    ioapic::write(ioapic::ID, u32::MAX);
    sweep.expect("id takes four bits", ioapic::read(ioapic::ID), 0xf00_0000);
    ioapic::write(ioapic::ID, id);
    ioapic::write(ioapic::VERSION, 0);
    for offset in (0x20..0xff8).step_by(0x10).filter(|&offset| offset != 0x40) {
        write(ioapic::BASE, offset, u32::MAX);
        sweep.expect(Hex(offset), read::<u32>(ioapic::BASE, offset), 0);
    }
    write(ioapic::BASE, 0x10, u8::MAX);
    write(ioapic::BASE, 0x11, u16::MAX);
    let _: (u8, u16, u64) = (read(ioapic::BASE, 0x11), read(ioapic::BASE, 2), read(ioapic::BASE, 0x10));
    sweep.expect("version at the end", ioapic::read(ioapic::VERSION), version);
    sweep.finish();
}

/// Each entry starts masked and takes its defined bits only.
fn io_entries() {
    let mut sweep = Sweep::new("ioapic-entries");
    for pin in 0..PINS {
        sweep.expect("masked at reset", ioapic::entry(pin) & ioapic::MASKED, ioapic::MASKED);
        ioapic::set_entry(pin, u64::MAX);
        sweep.expect(pin, ioapic::entry(pin), 0xff00_0000_0000_0000 | u64::from(ENTRY_WRITABLE));
        ioapic::set_entry(pin, ioapic::MASKED);
        sweep.expect(pin, ioapic::entry(pin), ioapic::MASKED);
    }
    sweep.finish();
}
