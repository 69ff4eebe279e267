//! This CPU: the few registers and instructions that start-up needs.
#![cfg(target_os = "none")]

use core::arch::asm;

/// Reads a system register that does not change, or whose reading has no effect.
macro_rules! read {
    ($register:literal) => {{
        let value: u64;
        // SAFETY: reading the register has no side effect; the callers are at a level that may.
        unsafe { asm!(concat!("mrs {}, ", $register), out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }};
}
pub(crate) use read;

/// The exception level: 1 to 3.
pub(crate) fn level() -> u64 {
    read!("CurrentEL") >> 2 & 3
}

/// MPIDR_EL1: who this CPU is.
pub(crate) fn mpidr() -> u64 {
    read!("mpidr_el1")
}

/// Drops what the caches hold of a range that was written while they were off, to the point of coherency.
pub(crate) fn invalidate_cache(start: u64, bytes: u64) {
    // CTR_EL0.DminLine: log2 of the words in the smallest data cache line.
    let line = 4 << (read!("ctr_el0") >> 16 & 0xf);
    let mut at = start & !(line - 1);
    while at < start + bytes {
        // SAFETY: nothing in the range was written through the caches, so that nothing is lost.
        unsafe { asm!("dc ivac, {}", in(reg) at, options(nostack, preserves_flags)) };
        at += line;
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

/// Makes new table entries visible to the table walk.
pub(crate) fn publish_tables() {
    // SAFETY: barriers.
    unsafe { asm!("dsb ishst", "isb", options(nostack, preserves_flags)) };
}

/// Stops this CPU for good.
pub(crate) fn halt() -> ! {
    loop {
        // SAFETY: interrupts are masked and stay so; what wakes the CPU sends it back here.
        unsafe { asm!("wfi", options(nomem, nostack, preserves_flags)) };
    }
}
