//! The processor's own local APIC (Intel SDM vol. 3A, chapter 12).
//!
//! Its registers are memory (xAPIC) unless firmware switched to model-specific registers (x2APIC), or an APIC id needs
//! more than 8 bits. All CPUs use the same mode. Each CPU drives its own: nothing here is shared.

use core::sync::atomic::{AtomicU64, Ordering};

use phalanx_arch_api::Hpa;

use super::instr::{self, Msr};
use super::interrupts::{SPURIOUS, TIMER};
use super::paging::direct_map_address;

/// Registers, by offset in the xAPIC page (table 12-1).
const ID: u32 = 0x20;
const VERSION: u32 = 0x30;
const TASK_PRIORITY: u32 = 0x80;
pub(super) const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS_VECTOR: u32 = 0xf0;
const INTERRUPT_REQUEST: u32 = 0x200;
const COMMAND: u32 = 0x300;
const COMMAND_HIGH: u32 = 0x310;
const LVT_TIMER: u32 = 0x320;
const LVT_THERMAL: u32 = 0x330;
const LVT_COUNTERS: u32 = 0x340;
const LVT_LINT0: u32 = 0x350;
const LVT_ERROR: u32 = 0x370;
const INITIAL_COUNT: u32 = 0x380;
const CURRENT_COUNT: u32 = 0x390;
const DIVIDE: u32 = 0x3e0;

/// Bits of the APIC base register.
const BASE_X2APIC: u64 = 1 << 10;
const BASE_ENABLE: u64 = 1 << 11;
const BASE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// Software enable, in the spurious-vector register.
const ENABLE: u32 = 1 << 8;
/// A local vector that delivers nothing.
const MASKED: u32 = 1 << 16;
/// The timer compares with the TSC, instead of counting down.
const TIMER_TSC_DEADLINE: u32 = 0b10 << 17;
/// The timer counts at the full rate of its clock.
const DIVIDE_BY_1: u32 = 0b1011;

/// The highest id that 8 bits can address; 255 means all.
const HIGHEST_XAPIC_ID: u32 = 254;
/// How often the command register is polled before the APIC counts as stuck.
const COMMAND_POLLS: u32 = 1_000_000;

/// How the registers are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As memory.
    XApic,
    /// As model-specific registers.
    X2Apic,
}

/// What the timer does when it is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerMode {
    /// Counts down once from a 32-bit value.
    OneShot,
    /// Fires when the TSC reaches a 64-bit value.
    TscDeadline,
}

/// Where the registers are in the direct map; 0 in x2APIC mode.
static REGISTERS: AtomicU64 = AtomicU64::new(0);

/// The mode that all CPUs use, given the mode this one is in and the highest APIC id of the machine.
#[must_use]
pub const fn choose_mode(is_x2apic_now: bool, has_x2apic: bool, highest_id: u32) -> Mode {
    if is_x2apic_now || (has_x2apic && highest_id > HIGHEST_XAPIC_ID) {
        Mode::X2Apic
    } else {
        Mode::XApic
    }
}

/// [`choose_mode`] for this machine, and the physical address of the registers.
pub(super) fn detect(highest_id: u32) -> (Mode, Hpa) {
    let base = instr::rdmsr(Msr::APIC_BASE);
    let has_x2apic = instr::cpuid(1, 0).ecx & 1 << 21 != 0;
    (
        choose_mode(base & BASE_X2APIC != 0, has_x2apic, highest_id),
        Hpa::new(base & BASE_ADDRESS),
    )
}

/// Sets the way to the registers, for all CPUs; returns the address of the end-of-interrupt register (xAPIC).
///
/// # Safety
/// In xAPIC mode, the page at `registers` is mapped uncached in the direct map before any other function is called.
pub(super) unsafe fn set_mode(mode: Mode, registers: Hpa) -> u64 {
    let address = match mode {
        Mode::XApic => direct_map_address(registers).as_u64(),
        Mode::X2Apic => 0,
    };
    REGISTERS.store(address, Ordering::Release);
    address + u64::from(END_OF_INTERRUPT)
}

/// The mode that [`set_mode`] chose.
#[inline]
#[must_use]
pub fn mode() -> Mode {
    if REGISTERS.load(Ordering::Relaxed) == 0 {
        Mode::X2Apic
    } else {
        Mode::XApic
    }
}

#[inline]
fn register_pointer(base: u64, register: u32) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut((base + u64::from(register)) as usize)
}

#[inline]
fn x2apic_register(register: u32) -> Msr {
    Msr(Msr::X2APIC_FIRST.0 + register / 16)
}

#[inline]
fn read(register: u32) -> u32 {
    match REGISTERS.load(Ordering::Relaxed) {
        0 => instr::rdmsr(x2apic_register(register)) as u32,
        // SAFETY: `set_mode`'s caller vouched for the mapping; reads of the APIC's registers touch no memory.
        base => unsafe { register_pointer(base, register).read_volatile() },
    }
}

#[inline]
fn write(register: u32, value: u32) {
    match REGISTERS.load(Ordering::Relaxed) {
        // SAFETY: the local APIC cannot reach memory; what it delivers has a handler.
        0 => unsafe { instr::wrmsr(x2apic_register(register), u64::from(value)) },
        // SAFETY: as for `read`, and as above.
        base => unsafe { register_pointer(base, register).write_volatile(value) },
    }
}

/// Switches this CPU's APIC on: only the inter-processor interrupts and what LINT1 carries (NMI) are let through.
pub(super) fn enable() {
    let x2apic = if mode() == Mode::X2Apic {
        BASE_X2APIC
    } else {
        0
    };
    let base = instr::rdmsr(Msr::APIC_BASE) | BASE_ENABLE;
    // SAFETY: the address stays, and the mode is the one that `read` and `write` use. Enabled comes before x2APIC, as
    // the step from disabled to x2APIC is not allowed (12.12.5).
    unsafe {
        instr::wrmsr(Msr::APIC_BASE, base);
        instr::wrmsr(Msr::APIC_BASE, base | x2apic);
    }
    write(SPURIOUS_VECTOR, ENABLE | u32::from(SPURIOUS));
    write(TASK_PRIORITY, 0);
    write(LVT_TIMER, MASKED);
    write(LVT_LINT0, MASKED);
    write(LVT_ERROR, MASKED);
    let highest_local_vector = read(VERSION) >> 16 & 0xff;
    for (number, register) in [(4, LVT_COUNTERS), (5, LVT_THERMAL)] {
        if highest_local_vector >= number {
            write(register, MASKED);
        }
    }
}

/// The id of this CPU's APIC.
#[must_use]
pub fn id() -> u32 {
    match mode() {
        Mode::XApic => read(ID) >> 24,
        Mode::X2Apic => read(ID),
    }
}

/// Sends an interrupt command (12.6.1). Interrupts must be disabled: the two halves belong together.
fn command(destination: u32, low: u32) {
    match mode() {
        Mode::X2Apic => {
            let value = u64::from(destination) << 32 | u64::from(low);
            core::sync::atomic::fence(Ordering::SeqCst);
            // SAFETY: what is delivered has a handler; INIT and SIPI are sent by the start-up code only.
            unsafe { instr::wrmsr(x2apic_register(COMMAND), value) };
        }
        Mode::XApic => {
            const PENDING: u32 = 1 << 12;
            let mut polls = COMMAND_POLLS;
            while read(COMMAND) & PENDING != 0 && polls > 0 {
                polls -= 1;
                instr::pause();
            }
            write(COMMAND_HIGH, destination << 24);
            write(COMMAND, low);
        }
    }
}

/// Level "assert", for every command but the old INIT de-assert.
const ASSERT: u32 = 1 << 14;

/// Sends a fixed interrupt to one CPU.
#[inline]
pub(super) fn send(apic_id: u32, vector: u8) {
    command(apic_id, ASSERT | u32::from(vector));
}

/// Sends INIT to one CPU: it waits for [`send_startup`] then, whatever it did before.
pub(super) fn send_init(apic_id: u32) {
    command(apic_id, ASSERT | 0b101 << 8);
}

/// Sends a start-up message to one CPU: it begins in real mode at `page`, which is below 1 MiB.
pub(super) fn send_startup(apic_id: u32, page: Hpa) {
    command(
        apic_id,
        ASSERT | 0b110 << 8 | (page.as_u64() >> 12) as u32 & 0xff,
    );
}

/// Sends a non-maskable interrupt to every CPU but this one.
pub(super) fn send_nmi_to_others() {
    command(0, ASSERT | 0b11 << 18 | 0b100 << 8);
}

/// Lets this CPU's timer deliver its vector.
pub(super) fn enable_timer(mode: TimerMode) {
    let bits = match mode {
        TimerMode::OneShot => 0,
        TimerMode::TscDeadline => TIMER_TSC_DEADLINE,
    };
    write(DIVIDE, DIVIDE_BY_1);
    write(LVT_TIMER, u32::from(TIMER) | bits);
    // The deadline's register must not be written before the mode is in force (12.5.4.1): a full fence orders them.
    core::sync::atomic::fence(Ordering::SeqCst);
}

/// Makes the timer count down from its highest value without interrupting, to be measured.
pub(super) fn start_masked_count() {
    write(DIVIDE, DIVIDE_BY_1);
    write(LVT_TIMER, MASKED | u32::from(TIMER));
    write(INITIAL_COUNT, u32::MAX);
}

/// Starts the one-shot timer; 0 stops it.
#[inline]
pub(super) fn set_initial_count(count: u32) {
    write(INITIAL_COUNT, count);
}

/// What the one-shot timer has left to count; `None` in x2APIC mode, where reading it stops some emulators.
pub(super) fn current_count() -> Option<u32> {
    (mode() == Mode::XApic).then(|| read(CURRENT_COUNT))
}

/// Whether the timer's vector waits for interrupts to be enabled.
pub(super) fn timer_is_pending() -> bool {
    read(INTERRUPT_REQUEST + u32::from(TIMER) / 32 * 16) & 1 << (TIMER % 32) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_preferred_where_ids_allow() {
        assert_eq!(choose_mode(false, true, 254), Mode::XApic);
        assert_eq!(choose_mode(false, true, 255), Mode::X2Apic);
        assert_eq!(choose_mode(false, false, 300), Mode::XApic);
        assert_eq!(choose_mode(true, true, 3), Mode::X2Apic);
    }

    #[test]
    fn x2apic_registers_are_numbered_by_their_offset() {
        assert_eq!(x2apic_register(END_OF_INTERRUPT), Msr(0x80b));
        assert_eq!(x2apic_register(COMMAND), Msr(0x830));
    }
}
