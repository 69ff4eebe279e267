//! The memory operand of an instruction: kept as encoded, read when somebody asks.
//!
//! An access to a device register comes with its guest-physical address, so most operands are never looked at: decoding
//! only measures them (Intel SDM vol. 2A, tables 2-1 to 2-3).

use phalanx_arch_api::AccessSize;

use super::prefix::rex;
use super::{Mode, Reg, Seg};

/// `segment:[base + (index << scale) + displacement]`, computed modulo 2^`address_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOperand {
    pub(super) displacement: i64,
    pub(super) modrm: u8,
    pub(super) sib: u8,
    pub(super) rex: u8,
    pub(super) mode: Mode,
    pub(super) address_size: AccessSize,
    pub(super) segment_override: Option<Seg>,
    pub(super) instruction_length: u8,
}

/// Base register, index register and default segment by the rm field of 16-bit addresses.
const BASES_16: [(Option<Reg>, Option<Reg>, Seg); 8] = [
    (Some(Reg::Rbx), Some(Reg::Rsi), Seg::Ds),
    (Some(Reg::Rbx), Some(Reg::Rdi), Seg::Ds),
    (Some(Reg::Rbp), Some(Reg::Rsi), Seg::Ss),
    (Some(Reg::Rbp), Some(Reg::Rdi), Seg::Ss),
    (Some(Reg::Rsi), None, Seg::Ds),
    (Some(Reg::Rdi), None, Seg::Ds),
    (Some(Reg::Rbp), None, Seg::Ss),
    (Some(Reg::Rbx), None, Seg::Ds),
];

impl MemoryOperand {
    /// Signed displacement, or an absolute address of 64 bits.
    #[must_use]
    pub const fn displacement(&self) -> i64 {
        self.displacement
    }

    /// Width of the effective address.
    #[must_use]
    pub const fn address_size(&self) -> AccessSize {
        self.address_size
    }

    /// Width of linear addresses: 32 bits outside 64-bit mode.
    #[must_use]
    pub const fn linear_size(&self) -> AccessSize {
        self.mode.linear_size()
    }

    /// Base register.
    #[must_use]
    pub fn base(&self) -> Option<Reg> {
        match self.has_16_bits() {
            true if self.is_displacement_only() => None,
            true => BASES_16[usize::from(self.rm())].0,
            false if self.is_displacement_only() => None,
            false => Some(Reg::from_number(self.base_field() | (self.rex & rex::B) << 3)),
        }
    }

    /// Index register. Field 4 without REX.X means none.
    #[must_use]
    pub fn index(&self) -> Option<Reg> {
        if self.has_16_bits() {
            return if self.is_displacement_only() { None } else { BASES_16[usize::from(self.rm())].1 };
        }
        let number = self.sib >> 3 & 7 | (self.rex & rex::X) << 2;
        (self.has_sib() && number != 4).then_some(Reg::from_number(number))
    }

    /// Left shift of the index, 0 to 3.
    #[must_use]
    pub const fn scale(&self) -> u8 {
        if self.has_sib() { self.sib >> 6 } else { 0 }
    }

    /// The distance from the instruction's first byte to the address that the displacement counts from; `None` unless
    /// that is the next instruction's.
    #[must_use]
    pub fn relative_to_next(&self) -> Option<u8> {
        let relative = self.mode == Mode::Bits64 && !self.has_sib() && self.is_displacement_only();
        relative.then_some(self.instruction_length)
    }

    /// Whose base is added; `None` where 64-bit mode ignores it.
    #[must_use]
    pub fn segment(&self) -> Option<Seg> {
        let default = match (self.has_16_bits(), self.base()) {
            (true, Some(_)) => BASES_16[usize::from(self.rm())].2,
            (false, Some(Reg::Rsp | Reg::Rbp)) => Seg::Ss,
            _ => Seg::Ds,
        };
        self.mode.effective_segment(self.segment_override, default)
    }

    const fn rm(&self) -> u8 {
        self.modrm & 7
    }

    const fn has_16_bits(&self) -> bool {
        matches!(self.address_size, AccessSize::B2)
    }

    const fn has_sib(&self) -> bool {
        self.rm() == 4 && !self.has_16_bits()
    }

    const fn base_field(&self) -> u8 {
        if self.has_sib() { self.sib & 7 } else { self.rm() }
    }

    /// The one form without base register: field 5, or 6 in 16-bit addresses, with mod = 0.
    const fn is_displacement_only(&self) -> bool {
        let field = if self.has_16_bits() { 6 } else { 5 };
        self.modrm >> 6 == 0 && self.base_field() == field
    }
}
