//! Reading and writing system registers by name or encoding.
//!
//! With VHE in use (HCR_EL2.E2H = 1) the EL1 names reach the EL2 registers, and a guest's own registers have the names
//! `…_EL12` and `…_EL02` (Arm ARM, D8.2.12 "Virtualization Host Extensions"). [`crate::switched`] has a table of both.

/// Reads a system register: `mrs!("SCTLR_EL1")`.
macro_rules! mrs {
    ($name:expr) => {{
        let value: u64;
        // SAFETY: every register that is read this way is readable at EL2 and has no side effect.
        unsafe {
            ::core::arch::asm!(
                concat!("mrs {}, ", $name),
                out(reg) value,
                options(nomem, nostack, preserves_flags)
            );
        }
        value
    }};
}

/// Writes a system register: `msr!("ELR_EL2", value)`. The caller sees to barriers.
macro_rules! msr {
    ($name:expr, $value:expr) => {{
        let value: u64 = $value;
        // SAFETY: the registers written this way belong to the guest that is loaded, or control its traps.
        unsafe {
            ::core::arch::asm!(
                concat!("msr ", $name, ", {}"),
                in(reg) value,
                options(nostack, preserves_flags)
            );
        }
    }};
}

/// Makes what was written to system registers take effect before the next instruction.
#[inline(always)]
pub(crate) fn isb() {
    // SAFETY: a barrier.
    unsafe { core::arch::asm!("isb", options(nostack, preserves_flags)) };
}

pub(crate) use {mrs, msr};
