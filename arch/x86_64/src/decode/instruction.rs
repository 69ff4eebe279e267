//! What an instruction is, once decoded.

use phalanx_arch_api::AccessSize;

use super::{MemoryAccess, Seg, StringAccess, System};

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

    /// The width of operands that are not bytes, with or without the prefix 0x66.
    pub(super) const fn operand_size(self, overridden: bool) -> AccessSize {
        match (self, overridden) {
            (Self::Bits16, false) | (Self::Bits32 | Self::Bits64, true) => AccessSize::B2,
            (Self::Bits16, true) | (Self::Bits32 | Self::Bits64, false) => AccessSize::B4,
        }
    }

    /// The width in which addresses are computed, with or without the prefix 0x67.
    pub(super) const fn address_size(self, overridden: bool) -> AccessSize {
        match (self, overridden) {
            (Self::Bits64, false) => AccessSize::B8,
            (Self::Bits16, false) | (Self::Bits32, true) => AccessSize::B2,
            (Self::Bits16, true) | (Self::Bits32, false) | (Self::Bits64, true) => AccessSize::B4,
        }
    }

    /// The width of linear addresses.
    pub(super) const fn linear_size(self) -> AccessSize {
        match self {
            Self::Bits64 => AccessSize::B8,
            Self::Bits16 | Self::Bits32 => AccessSize::B4,
        }
    }

    /// The segment whose base counts: `chosen` by a prefix, else `default`. In 64-bit mode only FS and GS have a base,
    /// and only they are chosen.
    pub(super) fn effective_segment(self, chosen: Option<Seg>, default: Seg) -> Option<Seg> {
        match self {
            Self::Bits64 => chosen,
            Self::Bits16 | Self::Bits32 => Some(chosen.unwrap_or(default)),
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
