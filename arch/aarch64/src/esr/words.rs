//! A syndrome in words, for the crash card.

use core::fmt;

use super::{DataAbort, Fault, FaultClass, class, exception_class, immediate, syndrome, trap};

/// The same classes, taken without a change of exception level.
const INSTRUCTION_ABORT_SAME: u8 = class::INSTRUCTION_ABORT + 1;
const DATA_ABORT_SAME: u8 = class::DATA_ABORT + 1;

/// Explains ESR_EL2: `data abort from EL2: translation fault, level 2, on a write`.
#[derive(Clone, Copy, Debug)]
pub struct Explained(pub u64);

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, iss) = (exception_class(self.0), syndrome(self.0));
        f.write_str(class_words(class))?;
        match class {
            class::INSTRUCTION_ABORT | INSTRUCTION_ABORT_SAME => explain_fault(f, Fault::new(iss)),
            class::DATA_ABORT | DATA_ABORT_SAME => explain_data(f, DataAbort::new(iss)),
            class::HVC | class::SMC | class::BRK => write!(f, " #{:#x}", immediate(self.0)),
            class::SYSTEM_REGISTER => {
                let trap = trap(iss);
                write!(f, ": {} of {}", if trap.read { "read" } else { "write" }, trap.register)
            }
            _ => Ok(()),
        }
    }
}

fn explain_data(f: &mut fmt::Formatter<'_>, abort: DataAbort) -> fmt::Result {
    explain_fault(f, abort.fault())?;
    f.write_str(match (abort.is_maintenance(), abort.is_write()) {
        (true, _) => ", on cache maintenance",
        (false, true) => ", on a write",
        (false, false) => ", on a read",
    })?;
    f.write_str(if abort.is_table_walk() { ", walking stage 1" } else { "" })?;
    f.write_str(if abort.has_address() { "" } else { ", FAR not valid" })
}

fn explain_fault(f: &mut fmt::Formatter<'_>, fault: Fault) -> fmt::Result {
    write!(f, ": {}", fault_words(fault.class()))?;
    match (fault.class(), fault.level()) {
        (FaultClass::Unknown, _) => write!(f, " {:#04x}", fault.code()),
        (_, Some(level)) => write!(f, ", level {level}"),
        (_, None) => Ok(()),
    }
}

const fn fault_words(class: FaultClass) -> &'static str {
    match class {
        FaultClass::AddressSize => "address size fault",
        FaultClass::Translation => "translation fault",
        FaultClass::AccessFlag => "access flag fault",
        FaultClass::Permission => "permission fault",
        FaultClass::External => "external abort",
        FaultClass::ExternalOnWalk => "external abort on a table walk",
        FaultClass::Parity => "parity or ECC error",
        FaultClass::ParityOnWalk => "parity or ECC error on a table walk",
        FaultClass::TagCheck => "tag check fault",
        FaultClass::Alignment => "alignment fault",
        FaultClass::GranuleProtection => "granule protection fault",
        FaultClass::TlbConflict => "TLB conflict",
        FaultClass::HardwareUpdate => "unsupported update of a descriptor",
        FaultClass::Lockdown => "lockdown fault",
        FaultClass::UnsupportedExclusive => "unsupported exclusive or atomic access",
        FaultClass::Unknown => "fault status",
    }
}

/// The exception classes of table "EC, bits [31:26]".
const fn class_words(class: u8) -> &'static str {
    match class {
        class::NO_REASON => "undefined instruction or no reason given",
        class::WAIT => "WFI or WFE",
        class::CP15 | class::CP15_PAIR => "AArch32 access to CP15",
        class::CP14 | class::CP14_MEMORY | class::CP14_PAIR => "AArch32 access to CP14",
        class::FP => "FP, SIMD, SVE or SME access",
        class::VMRS => "AArch32 VMRS",
        class::POINTER_AUTHENTICATION => "pointer authentication instruction",
        0x0a => "LD64B or ST64B",
        0x0d => "branch target exception",
        class::ILLEGAL_STATE => "illegal execution state",
        0x11 => "AArch32 SVC",
        class::HVC32 => "AArch32 HVC",
        class::SMC32 => "AArch32 SMC",
        0x14 => "128-bit system register access",
        0x15 => "SVC",
        class::HVC => "HVC",
        class::SMC => "SMC",
        class::SYSTEM_REGISTER => "system register access",
        class::SVE => "SVE access",
        0x1a => "ERET",
        0x1c => "pointer authentication failure",
        class::SME => "SME access",
        0x1e => "granule protection check",
        class::INSTRUCTION_ABORT => "instruction abort from a lower level",
        INSTRUCTION_ABORT_SAME => "instruction abort from EL2",
        class::PC_ALIGNMENT => "misaligned PC",
        class::DATA_ABORT => "data abort from a lower level",
        DATA_ABORT_SAME => "data abort from EL2",
        class::SP_ALIGNMENT => "misaligned SP",
        0x27 => "memory copy or set",
        0x28 => "AArch32 floating-point exception",
        0x2c => "floating-point exception",
        0x2d => "guarded control stack",
        class::SYSTEM_ERROR => "SError",
        class::BREAKPOINT => "breakpoint in a lower level",
        0x31 => "breakpoint in EL2",
        class::STEP => "single step in a lower level",
        0x33 => "single step in EL2",
        class::WATCHPOINT => "watchpoint from a lower level",
        0x35 => "watchpoint from EL2",
        0x38 => "AArch32 BKPT",
        0x3a => "AArch32 vector catch",
        class::BRK => "BRK",
        0x3d => "PMU exception",
        _ => "reserved exception class",
    }
}
