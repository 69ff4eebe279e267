//! Instructions that the language has no word for: barriers, waits, calls of the firmware.

use core::arch::asm;

use phalanx_handoff::board::Conduit;

/// Makes the effects of system register writes visible to what follows.
#[inline(always)]
pub fn isb() {
    // SAFETY: a barrier.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

/// Completes all memory accesses, those to devices included, before what follows.
#[inline(always)]
pub fn dsb() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

/// Completes all stores before what follows, as every CPU of the inner shareable domain sees it.
#[inline(always)]
pub fn dsb_stores() {
    // SAFETY: a barrier.
    unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) };
}

/// Later loads happen after earlier ones, of devices too.
#[inline(always)]
pub fn dmb_loads() {
    // SAFETY: a barrier.
    unsafe { asm!("dmb ishld", options(nostack, preserves_flags)) };
}

/// Waits for an interrupt, a masked one too.
#[inline(always)]
pub fn wfi() {
    // SAFETY: a wait.
    unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
}

/// Sends an event to all CPUs.
#[inline(always)]
pub fn sev() {
    // SAFETY: a hint.
    unsafe { asm!("dsb sy", "sev", options(nostack, preserves_flags)) };
}

/// Lets an emulator or another hardware thread go on while this CPU spins.
#[inline(always)]
pub fn relax() {
    // SAFETY: a hint.
    unsafe { asm!("yield", options(nomem, nostack, preserves_flags)) };
}

/// Masks all asynchronous exceptions.
#[inline(always)]
pub fn mask_interrupts() {
    // SAFETY: masks more than before.
    unsafe { asm!("msr daifset, #0xf", options(nostack, preserves_flags)) };
}

/// Stops this CPU.
pub fn halt_forever() -> ! {
    mask_interrupts();
    loop {
        wfi();
    }
}

/// Frame pointer of the caller.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, x29", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Stack pointer.
#[inline(always)]
#[must_use]
pub fn stack_pointer() -> u64 {
    let value;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Calls the firmware (SMCCC, DEN 0028, 2.6): X4 to X17 may change, the rest does not. Returns X0.
///
/// # Safety
/// What the firmware does must leave this CPU and the memory in use as they are.
pub unsafe fn call_firmware(conduit: Conduit, function: u32, arguments: [u64; 3]) -> u64 {
    let [mut x1, mut x2, mut x3] = arguments;
    let mut x0 = u64::from(function);
    macro_rules! call {
        ($instruction:literal) => {
            // SAFETY: the caller's promise; all that the convention lets change is named.
            unsafe {
                asm!($instruction, inout("x0") x0, inout("x1") x1, inout("x2") x2, inout("x3") x3,
                    out("x4") _, out("x5") _, out("x6") _, out("x7") _, out("x8") _, out("x9") _, out("x10") _,
                    out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _, out("x16") _, out("x17") _)
            }
        };
    }
    match conduit {
        Conduit::Smc => call!("smc #0"),
        Conduit::Hvc => call!("hvc #0"),
    }
    let _ = (x1, x2, x3);
    x0
}
