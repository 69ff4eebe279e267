//! What an instruction is, once decoded.

use super::{MachineStatus, MemoryAccess, MemoryOperand, StringAccess, System};

/// How the processor reads code (AMD APM vol. 2, table 1-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Real mode, virtual-8086 mode and 16-bit code segments.
    Bits16,
    /// 32-bit code segments, in protected and compatibility mode.
    Bits32,
    /// 64-bit mode.
    Bits64,
}

impl Mode {
    /// The mode by EFER.LMA and the code segment's L and D bits. D is clear in real and virtual-8086 mode.
    #[must_use]
    pub const fn of(long_mode_active: bool, cs_long: bool, cs_default: bool) -> Self {
        match (long_mode_active && cs_long, cs_default) {
            (true, _) => Self::Bits64,
            (false, true) => Self::Bits32,
            (false, false) => Self::Bits16,
        }
    }
}

/// Why an instruction could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the instruction does: fetch more, or raise the fetch's page fault.
    Truncated,
    /// Longer than 15 bytes: #GP(0).
    TooLong,
    /// No instruction, or one that no exit needs: #UD.
    Unknown,
}

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes, 1 to 15, with prefixes.
    pub length: u8,
    /// What it does.
    pub operation: Operation,
}

/// What an instruction does, as far as an exit can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Works on one memory operand.
    Memory(MemoryAccess),
    /// A string instruction.
    String(StringAccess),
    /// An instruction that is intercepted as such.
    System(System),
}

impl Operation {
    /// Whether a LOCK prefix is allowed (AMD APM vol. 3, 1.2.5): read-modify-write of memory, and AMD's CR8 by CR0.
    pub(super) const fn may_be_locked(&self) -> bool {
        match self {
            Self::Memory(access) => access.writes() && access.reads(),
            Self::System(System::ReadControl { .. } | System::WriteControl { .. }) => true,
            Self::String(_) | Self::System(_) => false,
        }
    }

    /// The memory operand that ModRM encodes.
    pub(super) const fn memory_operand_mut(&mut self) -> Option<&mut MemoryOperand> {
        match self {
            Self::Memory(access) => Some(&mut access.operand),
            Self::System(
                System::Invlpg(operand)
                | System::Lmsw(MachineStatus::Memory(operand))
                | System::Smsw(MachineStatus::Memory(operand)),
            ) => Some(operand),
            Self::String(_) | Self::System(_) => None,
        }
    }
}
