//! List registers of a GICv3 by their number: each is a system register of its own, and instructions name them.
//!
//! A table of two instructions a register is jumped into: 5 instructions an access.

/// Reads list register `n`.
pub(super) fn read(n: usize) -> u64 {
    let value: u64;
    // SAFETY: jumps to one of the 16 pairs below; `n` is below the number of registers that exist.
    unsafe {
        core::arch::asm!(
            "adr {value}, 3f",
            "add {value}, {value}, {n}, lsl #3",
            "br {value}",
            "3:",
            ".irp bank, 12, 13",
            ".irp number, 0, 1, 2, 3, 4, 5, 6, 7",
            "mrs {value}, S3_4_C12_C\\bank\\()_\\number",
            "b 4f",
            ".endr",
            ".endr",
            "4:",
            value = out(reg) value,
            n = in(reg) n & 0xf,
            options(nostack, preserves_flags)
        );
    }
    value
}

/// Writes list register `n`.
#[inline(always)]
pub(super) fn write(n: usize, value: u64) {
    // SAFETY: jumps to one of the 16 pairs below; `n` is below the number of registers that exist. What a list register
    // holds concerns the guest alone, and physical interrupts that were given to it.
    unsafe {
        core::arch::asm!(
            "adr {place}, 3f",
            "add {place}, {place}, {n}, lsl #3",
            "br {place}",
            "3:",
            ".irp bank, 12, 13",
            ".irp number, 0, 1, 2, 3, 4, 5, 6, 7",
            "msr S3_4_C12_C\\bank\\()_\\number, {value}",
            "b 4f",
            ".endr",
            ".endr",
            "4:",
            place = out(reg) _,
            value = in(reg) value,
            n = in(reg) n & 0xf,
            options(nostack, preserves_flags)
        );
    }
}
