//! Interrupts from one CPU to another (Intel SDM vol. 3A, 12.6.1).

use core::sync::atomic::{Ordering, fence};

use phalanx_arch_api::Hpa;

use super::super::instr;
use super::registers::{Mode, Register, mode, msr, read, write};

/// How often the command register is polled before the APIC counts as stuck.
const POLLS: u32 = 1_000_000;
/// The previous command has not been delivered yet (xAPIC).
const PENDING: u32 = 1 << 12;
/// Level "assert": for every command but the old INIT de-assert.
const ASSERT: u32 = 1 << 14;
/// Destination shorthand.
const ALL_BUT_THIS: u32 = 0b11 << 18;

/// Delivery modes.
const NMI: u32 = 0b100 << 8;
const INIT: u32 = 0b101 << 8;
const STARTUP: u32 = 0b110 << 8;

/// Writes the command register. Interrupts are disabled, as the two halves belong together. What was written to memory
/// before is visible to the CPU that is interrupted.
fn command(destination: u32, low: u32) {
    fence(Ordering::SeqCst);
    match mode() {
        Mode::X2Apic => {
            let value = u64::from(destination) << 32 | u64::from(low);
            // SAFETY: what is delivered has a handler; INIT and start-up are sent by the start-up code only.
            unsafe { instr::wrmsr(msr(Register::Command), value) };
        }
        Mode::XApic => {
            let mut polls = POLLS;
            while read(Register::Command) & PENDING != 0 && polls > 0 {
                polls -= 1;
                instr::pause();
            }
            write(Register::CommandHigh, destination << 24);
            write(Register::Command, low);
        }
    }
}

/// Sends a vector to one CPU.
#[inline]
pub(in super::super) fn send(apic_id: u32, vector: u8) {
    command(apic_id, ASSERT | u32::from(vector));
}

/// Sends INIT to one CPU: it waits for [`send_startup`] then, whatever it did before.
pub(in super::super) fn send_init(apic_id: u32) {
    command(apic_id, ASSERT | INIT);
}

/// Sends a start-up message to one CPU: it begins in real mode at `page`, which is below 1 MiB.
pub(in super::super) fn send_startup(apic_id: u32, page: Hpa) {
    command(apic_id, ASSERT | STARTUP | (page.as_u64() >> 12) as u32 & 0xff);
}

/// Sends a non-maskable interrupt to every CPU but this one.
pub(in super::super) fn send_nmi_to_others() {
    command(0, ASSERT | ALL_BUT_THIS | NMI);
}
