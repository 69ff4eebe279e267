//! Single instructions, each wrapped once.

use core::arch::asm;

/// RDTSC: the time-stamp counter, in its ticks.
#[inline(always)]
pub fn tsc() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads a counter.
    unsafe { asm!("rdtsc", out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

/// STI, with its shadow spent on a NOP.
pub fn enable_interrupts() {
    // SAFETY: the trap table is loaded before main runs. Not `nomem`: handlers write memory.
    unsafe { asm!("sti", "nop", options(nostack)) };
}

/// CLI.
pub fn disable_interrupts() {
    // SAFETY: only masks interrupts.
    unsafe { asm!("cli", options(nostack)) };
}

/// Waits for one interrupt without a gap between enabling and halting; interrupts are off again afterwards.
pub fn wait_for_interrupt() {
    // SAFETY: STI's shadow covers HLT (Intel SDM vol. 2B, STI), so no wake-up is lost.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// PAUSE.
pub fn pause() {
    core::hint::spin_loop();
}

/// Stops this CPU for good.
pub fn stop() -> ! {
    loop {
        // SAFETY: halts with interrupts masked.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Task register: the selector of this CPU's TSS.
pub fn task_selector() -> u16 {
    let selector: u16;
    // SAFETY: reads a register.
    unsafe { asm!("str {0:x}", out(reg) selector, options(nomem, nostack)) };
    selector
}

macro_rules! control_register {
    ($read:ident, $write:ident, $name:literal) => {
        #[doc = concat!("Reads ", $name, ".")]
        pub fn $read() -> u64 {
            let value: u64;
            // SAFETY: reads a register.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nostack)) };
            value
        }

        #[doc = concat!("Writes ", $name, ".")]
        ///
        /// # Safety
        /// The new value keeps the code, its stack and its data mapped; a value that faults may only be tried inside
        /// [`crate::trap::attempt`].
        pub unsafe fn $write(value: u64) {
            // SAFETY: as the caller promises.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack)) };
        }
    };
}

control_register!(read_cr0, write_cr0, "cr0");
control_register!(read_cr2, write_cr2, "cr2");
control_register!(read_cr3, write_cr3, "cr3");
control_register!(read_cr4, write_cr4, "cr4");
control_register!(read_cr8, write_cr8, "cr8");
control_register!(read_dr6, write_dr6, "dr6");
control_register!(read_dr7, write_dr7, "dr7");

/// INVLPG for the page of `address`.
pub fn invalidate_page(address: u64) {
    // SAFETY: drops a translation from the TLB; the tables stay as they are.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack)) };
}
