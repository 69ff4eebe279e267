//! The registers that an instruction names, and the view of the vCPU through which it uses them.

use phalanx_arch_api::AccessSize;

/// A general-purpose register; the discriminant is its number in ModRM, SIB and REX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Reg {
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

impl Reg {
    /// The register with this number; only the low four bits count.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number & 15 {
            0 => Self::Rax,
            1 => Self::Rcx,
            2 => Self::Rdx,
            3 => Self::Rbx,
            4 => Self::Rsp,
            5 => Self::Rbp,
            6 => Self::Rsi,
            7 => Self::Rdi,
            8 => Self::R8,
            9 => Self::R9,
            10 => Self::R10,
            11 => Self::R11,
            12 => Self::R12,
            13 => Self::R13,
            14 => Self::R14,
            _ => Self::R15,
        }
    }

    /// The number, 0 to 15.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A segment register; the discriminant is its number in a ModRM byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Seg {
    Es,
    Cs,
    Ss,
    Ds,
    Fs,
    Gs,
}

/// The vCPU's registers as an instruction sees them.
pub trait Registers {
    /// All 64 bits of a general-purpose register.
    fn gpr(&self, reg: Reg) -> u64;
    /// Sets all 64 bits of a general-purpose register.
    fn set_gpr(&mut self, reg: Reg, value: u64);
    /// The instruction pointer: the address of the instruction's first byte.
    fn rip(&self) -> u64;
    /// The flags.
    fn rflags(&self) -> u64;
    /// Sets the flags.
    fn set_rflags(&mut self, value: u64);
    /// The base of a segment. In 64-bit mode only FS and GS are asked for.
    fn segment_base(&self, segment: Seg) -> u64;
}

/// A register operand: the low bytes of a register, or (AH, CH, DH, BH) its second byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterOperand {
    /// The register that holds it.
    pub reg: Reg,
    /// Bits 8 to 15 instead of the low bits. Only byte operands of the first four registers.
    pub high: bool,
}

impl RegisterOperand {
    /// The low bytes of `reg`.
    #[must_use]
    pub const fn low(reg: Reg) -> Self {
        Self { reg, high: false }
    }

    /// The operand's value, zero-extended from `size`.
    #[inline]
    pub fn read(self, size: AccessSize, registers: &impl Registers) -> u64 {
        let value = registers.gpr(self.reg);
        let shifted = if self.high { value >> 8 } else { value };
        shifted & size.all_ones()
    }

    /// Writes the operand as an instruction of this operand size does: 32 bits clear the upper half, 8 and 16 bits
    /// leave the rest of the register alone (Intel SDM vol. 1, 3.4.1.1).
    #[inline]
    pub fn write(self, size: AccessSize, value: u64, registers: &mut impl Registers) {
        let value = value & size.all_ones();
        let merged = match size {
            AccessSize::B8 | AccessSize::B4 => value,
            AccessSize::B2 | AccessSize::B1 => {
                let shift = if self.high { 8 } else { 0 };
                registers.gpr(self.reg) & !(size.all_ones() << shift) | value << shift
            }
        };
        registers.set_gpr(self.reg, merged);
    }
}
