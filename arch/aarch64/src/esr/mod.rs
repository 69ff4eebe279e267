//! ESR_EL2: why a guest came to EL2, and the same in words for the crash card.
//!
//! Arm ARM, D24.2.40 "ESR_EL2, Exception Syndrome Register (EL2)". [`decode`] is pure and total.
//!
//! | file | what |
//! |---|---|
//! | `abort` | instruction and data aborts |
//! | `class` | the numbers of the exception classes |
//! | `fault` | the fault status code of an abort |
//! | `words` | a syndrome, explained |
#![deny(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod abort;
mod class;
mod fault;
#[cfg(test)]
mod tests;
mod words;

pub use abort::{DataAbort, DataAccess, InstructionAbort};
pub use fault::{Fault, FaultClass};
pub use words::Explained;

use crate::sysreg::SysReg;

/// IL: the instruction had 32 bits.
const IL: u64 = 1 << 25;
/// ISS of a trapped MSR, MRS or system instruction: a read.
const READ: u32 = 1 << 0;
/// ISS of WFI and its kin: WFE or WFET.
const EVENT: u32 = 1 << 0;
/// The same: WFIT or WFET.
const TIMED: u32 = 1 << 1;
/// The same: the register field is valid.
const REGISTER_VALID: u32 = 1 << 2;

/// Why a guest came to EL2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// HVC. ELR_EL2 points behind it.
    Hvc {
        /// Its immediate.
        immediate: u16,
    },
    /// SMC, trapped. ELR_EL2 points to it.
    Smc {
        /// Its immediate.
        immediate: u16,
    },
    /// MSR, MRS or a system instruction.
    SystemRegister(Trap),
    /// A load, a store or cache maintenance that stage 2 does not allow.
    DataAbort(DataAbort),
    /// An instruction fetch that stage 2 does not allow.
    InstructionAbort(InstructionAbort),
    /// WFI, WFE or one of their timed forms.
    Wait(Wait),
    /// FP or SIMD.
    FpAccess,
    /// SVE.
    SveAccess,
    /// SME.
    SmeAccess,
    /// An instruction of a feature that no guest is told of: LD64B and its kin, 128-bit registers.
    HiddenFeature,
    /// A pointer authentication instruction.
    PointerAuthentication,
    /// An AArch32 instruction of EL0 that reaches for a system register.
    Aarch32,
    /// An exception without a class of its own, an undefined instruction for one.
    NoReason,
    /// PSTATE.IL was set.
    IllegalState,
    /// A misaligned program counter.
    PcAlignment,
    /// A misaligned stack pointer.
    SpAlignment,
    /// An SError interrupt.
    SystemError,
    /// A hardware breakpoint, a watchpoint or a single step.
    Debug,
    /// BRK.
    Brk {
        /// Its immediate.
        immediate: u16,
    },
    /// A class without a name here: the whole syndrome.
    Unknown(u64),
}

/// A trapped MSR, MRS or system instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The register or instruction.
    pub register: SysReg,
    /// General register, 31 for XZR.
    pub rt: u8,
    /// MRS, else MSR or a system instruction.
    pub read: bool,
}

/// A trapped WFI, WFE, WFIT or WFET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// WFE or WFET: an event ends it too.
    pub event: bool,
    /// WFIT or WFET: a point in time ends it too.
    pub timed: bool,
    /// General register with that point in time as CNTVCT_EL0 counts, where the processor names it.
    pub until: Option<u8>,
}

/// Decodes ESR_EL2 of an exception from a lower level.
#[inline(always)]
#[must_use]
pub fn decode(esr: u64) -> Exit {
    let iss = syndrome(esr);
    match exception_class(esr) {
        class::HVC => Exit::Hvc { immediate: immediate(esr) },
        class::SYSTEM_REGISTER => Exit::SystemRegister(trap(iss)),
        class::DATA_ABORT => Exit::DataAbort(DataAbort::new(iss)),
        class::WAIT => Exit::Wait(wait(iss)),
        class::SMC => Exit::Smc { immediate: immediate(esr) },
        class::INSTRUCTION_ABORT => Exit::InstructionAbort(InstructionAbort::new(iss)),
        class::FP => Exit::FpAccess,
        _ => decode_rare(esr),
    }
}

/// The classes that no working guest raises.
#[cold]
fn decode_rare(esr: u64) -> Exit {
    match exception_class(esr) {
        class::SVE => Exit::SveAccess,
        class::SME => Exit::SmeAccess,
        class::LOAD_STORE_64 | class::WIDE_REGISTER => Exit::HiddenFeature,
        class::POINTER_AUTHENTICATION => Exit::PointerAuthentication,
        class::CP15 | class::CP15_PAIR | class::CP14 | class::CP14_MEMORY | class::CP14_PAIR | class::VMRS => {
            Exit::Aarch32
        }
        class::HVC32 | class::SMC32 => Exit::Aarch32,
        class::NO_REASON => Exit::NoReason,
        class::ILLEGAL_STATE => Exit::IllegalState,
        class::PC_ALIGNMENT => Exit::PcAlignment,
        class::SP_ALIGNMENT => Exit::SpAlignment,
        class::SYSTEM_ERROR => Exit::SystemError,
        class::BREAKPOINT | class::STEP | class::WATCHPOINT => Exit::Debug,
        class::BRK => Exit::Brk { immediate: immediate(esr) },
        _ => Exit::Unknown(esr),
    }
}

/// Whether the exception is an HVC: the question that is asked first.
#[inline(always)]
#[must_use]
pub const fn is_hvc(esr: u64) -> bool {
    exception_class(esr) == class::HVC
}

/// The data abort, if the exception is one: the question that is asked second.
#[inline(always)]
#[must_use]
pub const fn data_abort(esr: u64) -> Option<DataAbort> {
    if exception_class(esr) == class::DATA_ABORT { Some(DataAbort::new(syndrome(esr))) } else { None }
}

/// Bytes of the instruction that trapped: 4, or 2 in AArch32's T32.
#[inline(always)]
#[must_use]
pub const fn instruction_bytes(esr: u64) -> u64 {
    if esr & IL == 0 { 2 } else { 4 }
}

/// EC, bits 31 to 26.
#[inline(always)]
const fn exception_class(esr: u64) -> u8 {
    (esr >> 26 & 0x3f) as u8
}

/// ISS, bits 24 to 0.
#[inline(always)]
const fn syndrome(esr: u64) -> u32 {
    (esr & 0x1ff_ffff) as u32
}

/// The immediate of an HVC, SMC or BRK.
#[inline(always)]
#[must_use]
pub const fn immediate(esr: u64) -> u16 {
    (esr & 0xffff) as u16
}

#[inline(always)]
const fn trap(iss: u32) -> Trap {
    Trap { register: SysReg::from_syndrome(iss), rt: (iss >> 5 & 0x1f) as u8, read: iss & READ != 0 }
}

#[inline(always)]
const fn wait(iss: u32) -> Wait {
    let until =
        if iss & (TIMED | REGISTER_VALID) == TIMED | REGISTER_VALID { Some((iss >> 5 & 0x1f) as u8) } else { None };
    Wait { event: iss & EVENT != 0, timed: iss & TIMED != 0, until }
}
