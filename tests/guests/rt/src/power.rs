//! Ways to end: power-off, reset, triple fault.

use crate::{cpu, hypercall, port};
use core::arch::asm;

/// PM1a_CNT.
pub const PM1A_CNT: u16 = 0x604;
/// The ACPI reset register.
pub const RESET_REG: u16 = 0xcf9;
/// SLP_EN with the SLP_TYP of `\_S5` that the virtual PC's DSDT names.
pub const S5: u16 = 5 << 10 | 1 << 13;
/// SLP_EN with the SLP_TYP that QEMU's PC boards take for `\_S5`.
const S5_QEMU: u16 = 1 << 13;

/// ACPI power-off.
pub fn off() -> ! {
    cpu::disable_interrupts();
    port::write16(PM1A_CNT, S5);
    if !hypercall::on_phalanx() {
        port::write16(PM1A_CNT, S5_QEMU);
    }
    cpu::stop()
}

/// Full reset through the ACPI reset register: the rising edge of bit 2.
pub fn reset() {
    port::write8(RESET_REG, 2);
    port::write8(RESET_REG, 6);
}

/// Reset by the keyboard controller's pulse.
pub fn keyboard_reset() {
    port::write8(0x64, 0xfe);
}

/// Shutdown: with an empty IDT, #UD becomes #DF becomes a triple fault.
pub fn triple_fault() -> ! {
    let empty = [0_u16; 5];
    // SAFETY: never returns; the CPU shuts down at the UD2.
    unsafe { asm!("lidt [{}]", "ud2", in(reg) empty.as_ptr(), options(noreturn)) }
}
