//! Single instructions, each wrapped once.

use core::arch::asm;

/// Reads a system register by name or encoding: `read_register!("CTR_EL0")`.
#[macro_export]
macro_rules! read_register {
    ($name:literal) => {{
        let value: u64;
        // SAFETY: reads a register; one that the processor lacks raises an exception that the trap table reports.
        unsafe { core::arch::asm!(concat!("mrs {}, ", $name), out(reg) value, options(nostack)) };
        value
    }};
}

/// Writes a system register by name or encoding, then ISB. Needs `unsafe`: registers can take memory away.
#[macro_export]
macro_rules! write_register {
    ($name:literal, $value:expr) => {
        core::arch::asm!(concat!("msr ", $name, ", {}"), "isb", in(reg) $value, options(nostack))
    };
}

/// CNTVCT_EL0: the virtual counter, read in program order.
#[inline(always)]
pub fn ticks() -> u64 {
    let value: u64;
    // SAFETY: reads a counter.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) value, options(nostack)) };
    value
}

/// CNTPCT_EL0: the physical counter, read in program order.
pub fn physical_ticks() -> u64 {
    let value: u64;
    // SAFETY: reads a counter.
    unsafe { asm!("isb", "mrs {}, cntpct_el0", out(reg) value, options(nostack)) };
    value
}

/// Unmasks IRQs.
pub fn enable_interrupts() {
    // SAFETY: the vectors are set before main runs. Not `nomem`: handlers write memory.
    unsafe { asm!("msr daifclr, #2", "isb", options(nostack)) };
}

/// Masks IRQs.
pub fn disable_interrupts() {
    // SAFETY: only masks interrupts.
    unsafe { asm!("msr daifset, #2", options(nostack)) };
}

/// Waits until an interrupt is pending, with IRQs masked, then takes it. No wake-up is lost: WFI ends for a masked
/// interrupt as well (Arm ARM, D1.6.2 "Wait for Interrupt").
pub fn wait_for_interrupt() {
    // SAFETY: as for `enable_interrupts`.
    unsafe { asm!("msr daifset, #2", "dsb sy", "wfi", "msr daifclr, #2", "isb", "msr daifset, #2", options(nostack)) };
}

/// WFI.
pub fn wfi() {
    // SAFETY: waits.
    unsafe { asm!("dsb sy", "wfi", options(nostack)) };
}

/// WFE.
pub fn wfe() {
    // SAFETY: waits.
    unsafe { asm!("wfe", options(nostack)) };
}

/// SEV.
pub fn sev() {
    // SAFETY: sets event registers.
    unsafe { asm!("sev", options(nostack)) };
}

/// YIELD.
pub fn pause() {
    // SAFETY: a hint.
    unsafe { asm!("yield", options(nostack)) };
}

/// Stops this CPU for good.
pub fn stop() -> ! {
    loop {
        // SAFETY: waits with everything masked.
        unsafe { asm!("msr daifset, #15", "wfi", options(nomem, nostack)) };
    }
}

/// MPIDR_EL1, its affinity fields only: as PSCI and the device tree spell a CPU.
pub fn affinity() -> u64 {
    read_register!("mpidr_el1") & 0xff_00ff_ffff
}

/// Index of this CPU in the order in which they were started; 0 is the boot CPU.
pub fn index() -> usize {
    read_register!("tpidr_el1") as usize
}

/// Makes what was written to memory visible to instruction fetches (Arm ARM, B2.4.4): `bytes` from `start`.
pub fn synchronise_code(start: u64, bytes: u64) {
    let (data, code) = {
        let ctr = read_register!("ctr_el0");
        (4 << (ctr >> 16 & 15), 4 << (ctr & 15))
    };
    // SAFETY: cache maintenance of the guest's own memory.
    unsafe {
        (start & !(data - 1)..start + bytes).step_by(data as usize).for_each(|at| asm!("dc cvau, {}", in(reg) at));
        asm!("dsb ish");
        (start & !(code - 1)..start + bytes).step_by(code as usize).for_each(|at| asm!("ic ivau, {}", in(reg) at));
        asm!("dsb ish", "isb");
    }
}
