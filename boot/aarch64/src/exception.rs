//! Exceptions while nobody else takes them: at start-up, and when semihosting is tried for want of anything better.
#![cfg(target_os = "none")]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use phalanx_handoff::{Exit, Verdict};

use crate::cpu::{self, read};
use crate::entry::say;
use crate::stop::stop;

/// `hlt #0xf000`: a semihosting call (Arm, "Semihosting for AArch32 and AArch64").
const SEMIHOSTING_CALL: u32 = 0xd45e_0000;
/// ESR_ELx.EC (Arm ARM, section D24.2): an instruction that does not exist here.
const EC_UNKNOWN: u64 = 0;
/// Bytes of an instruction.
const INSTRUCTION_BYTES: u64 = 4;

unsafe extern "C" {
    /// The vectors in `entry.s`.
    static boot_vectors: u8;
}

/// Sends this CPU's exceptions to `entry.s`, and from there to [`on_exception`].
pub(crate) extern "C" fn set_vectors() {
    let vectors = &raw const boot_vectors;
    // SAFETY: the vectors save what they use on the stack, which every caller has, and return only behind an
    // instruction that was to have no effect. Each register is written at its own level only.
    unsafe {
        match cpu::level() {
            1 => asm!("msr vbar_el1, {}", "isb", in(reg) vectors, options(nostack, preserves_flags)),
            2 => asm!("msr vbar_el2, {}", "isb", in(reg) vectors, options(nostack, preserves_flags)),
            _ => asm!("msr vbar_el3, {}", "isb", in(reg) vectors, options(nostack, preserves_flags)),
        }
    }
}

/// Called by the vectors. Returns where a semihosting call found nobody; reports everything else, and stops.
pub(crate) extern "C" fn on_exception() {
    let (syndrome, address, fault) = match cpu::level() {
        1 => (read!("esr_el1"), read!("elr_el1"), read!("far_el1")),
        2 => (read!("esr_el2"), read!("elr_el2"), read!("far_el2")),
        _ => (read!("esr_el3"), read!("elr_el3"), read!("far_el3")),
    };
    // SAFETY: the instruction at this address was just fetched for execution, so that it is mapped.
    if syndrome >> 26 == EC_UNKNOWN && unsafe { (address as *const u32).read_volatile() } == SEMIHOSTING_CALL {
        return skip_to(address + INSTRUCTION_BYTES);
    }
    report(syndrome, address, fault)
}

fn skip_to(address: u64) {
    // SAFETY: the vectors' ERET goes behind a semihosting call, whose caller reckons with that.
    unsafe {
        match cpu::level() {
            1 => asm!("msr elr_el1, {}", in(reg) address, options(nomem, nostack, preserves_flags)),
            2 => asm!("msr elr_el2, {}", in(reg) address, options(nomem, nostack, preserves_flags)),
            _ => asm!("msr elr_el3, {}", in(reg) address, options(nomem, nostack, preserves_flags)),
        }
    }
}

fn report(syndrome: u64, address: u64, fault: u64) -> ! {
    static ONCE: AtomicBool = AtomicBool::new(false);
    // Only this CPU runs. What fails while it reports is not reported.
    if !ONCE.load(Ordering::Relaxed) {
        ONCE.store(true, Ordering::Relaxed);
        say(format_args!(
            "phalanx: error: exception at start-up: ESR {syndrome:#x}, ELR {address:#x}, FAR {fault:#x}\n\
             phalanx: help: check that what the loader and the device tree say about memory is right\n"
        ));
        stop(Exit::Semihosting, Verdict::Refused)
    }
    cpu::halt()
}
