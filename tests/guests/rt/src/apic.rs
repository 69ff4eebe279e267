//! The local APIC, as xAPIC (registers in memory) or x2APIC (registers as MSRs).

use crate::{cpu, irq, msr};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Physical address of the xAPIC registers.
pub const BASE: u64 = 0xfee0_0000;
const X2APIC_MSRS: u32 = 0x800;
const ENABLE: u64 = 1 << 11;
const ENABLE_X2APIC: u64 = 1 << 10;

/// Register numbers: the xAPIC offset divided by 16, and the MSR number less 0x800 (Intel SDM vol. 3A, table 12-6).
#[allow(missing_docs, reason = "the names are the manual's")]
pub mod reg {
    pub const ID: u32 = 0x02;
    pub const VERSION: u32 = 0x03;
    pub const TPR: u32 = 0x08;
    pub const PPR: u32 = 0x0a;
    pub const EOI: u32 = 0x0b;
    pub const LDR: u32 = 0x0d;
    pub const DFR: u32 = 0x0e;
    pub const SVR: u32 = 0x0f;
    pub const ISR: u32 = 0x10;
    pub const TMR: u32 = 0x18;
    pub const IRR: u32 = 0x20;
    pub const ESR: u32 = 0x28;
    pub const ICR: u32 = 0x30;
    pub const ICR_HIGH: u32 = 0x31;
    pub const LVT_TIMER: u32 = 0x32;
    pub const LVT_LINT0: u32 = 0x35;
    pub const LVT_LINT1: u32 = 0x36;
    pub const LVT_ERROR: u32 = 0x37;
    pub const INITIAL_COUNT: u32 = 0x38;
    pub const CURRENT_COUNT: u32 = 0x39;
    pub const DIVIDE: u32 = 0x3e;
    pub const SELF_IPI: u32 = 0x3f;
}

/// Interrupt command bits (Intel SDM vol. 3A, figure 12-12).
#[allow(missing_docs, reason = "the names are the manual's")]
pub mod icr {
    pub const FIXED: u32 = 0;
    pub const LOWEST: u32 = 1 << 8;
    pub const SMI: u32 = 2 << 8;
    pub const NMI: u32 = 4 << 8;
    pub const INIT: u32 = 5 << 8;
    pub const STARTUP: u32 = 6 << 8;
    pub const LOGICAL: u32 = 1 << 11;
    pub const PENDING: u32 = 1 << 12;
    pub const ASSERT: u32 = 1 << 14;
    pub const LEVEL: u32 = 1 << 15;
    pub const TO_SELF: u32 = 1 << 18;
    pub const TO_ALL: u32 = 2 << 18;
    pub const TO_OTHERS: u32 = 3 << 18;
}

/// LVT: masked.
pub const MASKED: u32 = 1 << 16;
/// LVT timer: periodic.
pub const PERIODIC: u32 = 1 << 17;
/// LVT timer: TSC deadline.
pub const DEADLINE: u32 = 2 << 17;

static X2APIC: AtomicBool = AtomicBool::new(false);

/// Enables the local APIC of this CPU in the mode it is in, with LINT0 masked and all priorities accepted.
pub(crate) fn init() {
    X2APIC.store(msr::read(msr::APIC_BASE) & ENABLE_X2APIC != 0, Relaxed);
    write(reg::SVR, 0x100 | u32::from(irq::SPURIOUS));
    write(reg::LVT_LINT0, MASKED);
    write(reg::TPR, 0);
}

/// Switches this CPU to x2APIC mode; every CPU of the guest has to follow.
pub fn enable_x2apic() {
    // SAFETY: changes how the registers are reached, and `X2APIC` follows.
    unsafe { msr::write(msr::APIC_BASE, msr::read(msr::APIC_BASE) | ENABLE | ENABLE_X2APIC) };
    X2APIC.store(true, Relaxed);
}

/// Whether the guest uses x2APIC mode.
pub fn is_x2apic() -> bool {
    X2APIC.load(Relaxed)
}

/// Where register `number` lies in memory.
pub fn mmio(number: u32) -> *mut u32 {
    (BASE + u64::from(number) * 16) as *mut u32
}

/// Reads a register.
pub fn read(number: u32) -> u32 {
    if is_x2apic() {
        return msr::read(X2APIC_MSRS + number) as u32;
    }
    // SAFETY: a device register in the identity map.
    unsafe { mmio(number).read_volatile() }
}

/// Writes a register.
pub fn write(number: u32, value: u32) {
    if is_x2apic() {
        // SAFETY: the local APIC reaches no memory.
        return unsafe { msr::write(X2APIC_MSRS + number, u64::from(value)) };
    }
    // SAFETY: a device register in the identity map.
    unsafe { mmio(number).write_volatile(value) };
}

/// Ends the interrupt in service.
pub fn end_of_interrupt() {
    write(reg::EOI, 0);
}

/// APIC id of this CPU.
pub fn id() -> u32 {
    if is_x2apic() { read(reg::ID) } else { read(reg::ID) >> 24 }
}

/// Sends an interrupt command to `destination` (an APIC id, or a logical one with [`icr::LOGICAL`]).
pub fn send(destination: u32, command: u32) {
    if is_x2apic() {
        // SAFETY: an interrupt; where it may reset a CPU, that is the test.
        unsafe { msr::write(X2APIC_MSRS + reg::ICR, u64::from(destination) << 32 | u64::from(command)) };
        return;
    }
    write(reg::ICR_HIGH, destination << 24);
    write(reg::ICR, command);
    while read(reg::ICR) & icr::PENDING != 0 {
        cpu::pause();
    }
}

/// Starts the count-down timer: `count` ticks of the divided-by-1 clock, then `vector`; with [`PERIODIC`] or not.
pub fn start_timer(vector: u8, mode: u32, count: u32) {
    write(reg::DIVIDE, 0xb);
    write(reg::LVT_TIMER, u32::from(vector) | mode);
    write(reg::INITIAL_COUNT, count);
}

/// Stops the timer, whatever its mode.
pub fn stop_timer() {
    write(reg::LVT_TIMER, MASKED);
    write(reg::INITIAL_COUNT, 0);
}

/// Puts the timer into TSC-deadline mode; [`set_deadline`] arms it.
pub fn use_deadline(vector: u8) {
    write(reg::LVT_TIMER, u32::from(vector) | DEADLINE);
}

/// Arms the timer for the time-stamp `tsc`; 0 disarms.
#[inline(always)]
pub fn set_deadline(tsc: u64) {
    // SAFETY: arms an interrupt.
    unsafe { msr::write(msr::TSC_DEADLINE, tsc) };
}
