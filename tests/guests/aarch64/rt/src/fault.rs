//! Exceptions by class and status (Arm ARM, D24.2 "ESR_EL1").

use core::fmt;

/// A synchronous exception as a test compares it: exception class, and for aborts the fault status code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fault(pub u8, pub u8);

/// UNDEFINED.
pub const UNDEFINED: Fault = Fault(0x00, 0);
/// FP or SIMD that CPACR_EL1 traps.
pub const FP_TRAPPED: Fault = Fault(0x07, 0);
/// SVE that CPACR_EL1 traps.
pub const SVE_TRAPPED: Fault = Fault(0x19, 0);
/// Illegal execution state.
pub const ILLEGAL_STATE: Fault = Fault(0x0e, 0);
/// SVC.
pub const SVC: Fault = Fault(0x15, 0);
/// A system instruction of EL0 that EL1 traps.
pub const SYSTEM_TRAPPED: Fault = Fault(0x18, 0);
/// PC alignment.
pub const PC_ALIGNMENT: Fault = Fault(0x22, 0);
/// SP alignment.
pub const SP_ALIGNMENT: Fault = Fault(0x26, 0);
/// BRK.
pub const BREAKPOINT: Fault = Fault(0x3c, 0);

/// Synchronous external abort, not on a table walk.
pub const EXTERNAL: u8 = 0x10;
/// Synchronous external abort on a table walk, plus the level.
pub const EXTERNAL_ON_WALK: u8 = 0x14;
/// Translation fault, plus the level.
pub const TRANSLATION: u8 = 0x04;
/// Address size fault, plus the level.
pub const ADDRESS_SIZE: u8 = 0x00;
/// Alignment fault.
pub const ALIGNMENT: u8 = 0x21;

/// An instruction abort at EL1.
pub const fn instruction_abort(status: u8) -> Fault {
    Fault(0x21, status)
}

/// A data abort at EL1.
pub const fn data_abort(status: u8) -> Fault {
    Fault(0x25, status)
}

impl Fault {
    /// From ESR_EL1.
    pub(crate) fn from_esr(esr: u64) -> Self {
        let class = (esr >> 26) as u8 & 0x3f;
        let is_abort = matches!(class, 0x20 | 0x21 | 0x24 | 0x25);
        Self(class, if is_abort { esr as u8 & 0x3f } else { 0 })
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0x00 => "undefined",
            0x01 => "wfx",
            0x07 => "fp-trapped",
            0x09 => "pac-trapped",
            0x0d => "bti",
            0x0e => "illegal-state",
            0x15 => "svc",
            0x16 => "hvc",
            0x17 => "smc",
            0x18 => "system-trapped",
            0x19 => "sve-trapped",
            0x1c => "pac-failed",
            0x1d => "sme-trapped",
            0x20 | 0x21 => return write!(f, "instruction-abort({:#x})", self.1),
            0x22 => "pc-alignment",
            0x24 | 0x25 => return write!(f, "data-abort({:#x})", self.1),
            0x26 => "sp-alignment",
            0x2f => "serror",
            0x3c => "brk",
            other => return write!(f, "class({other:#x})"),
        };
        write!(f, "{name}")
    }
}
