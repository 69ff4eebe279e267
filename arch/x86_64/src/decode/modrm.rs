//! ModRM and SIB: from bytes to a [`MemoryOperand`] (Intel SDM vol. 2A, tables 2-1 to 2-3).

use phalanx_arch_api::AccessSize;

use super::prefix::Decoder;
use super::{DecodeError, MemoryOperand, Mode, Reg, Seg};

/// The operands that a ModRM byte names.
#[derive(Clone, Copy)]
pub(super) struct ModRm {
    /// The reg field without REX: an opcode extension in groups.
    pub(super) extension: u8,
    /// The reg field extended by REX.R.
    pub(super) reg: u8,
    /// What the mod and rm fields name.
    pub(super) rm: Rm,
}

/// The operand in the mod and rm fields.
#[derive(Clone, Copy)]
pub(super) enum Rm {
    /// The register with this number.
    Register(u8),
    /// Memory.
    Memory(MemoryOperand),
}

impl Rm {
    /// The memory operand; a register form never exits for its operand.
    pub(super) const fn memory(self) -> Result<MemoryOperand, DecodeError> {
        match self {
            Self::Memory(operand) => Ok(operand),
            Self::Register(_) => Err(DecodeError::Unknown),
        }
    }
}

/// Base register, index register and whether the stack segment is the default, by the rm field of 16-bit addresses.
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

impl Decoder<'_> {
    /// Reads ModRM and all that belongs to it.
    pub(super) fn modrm(&mut self) -> Result<ModRm, DecodeError> {
        let byte = self.bytes.u8()?;
        let (mode, extension, rm) = (byte >> 6, byte >> 3 & 7, byte & 7);
        let rm = match mode {
            3 => Rm::Register(self.extend_base(rm)),
            _ if self.address_size() == AccessSize::B2 => Rm::Memory(self.address_16(mode, rm)?),
            _ => Rm::Memory(self.address_32(mode, rm)?),
        };
        Ok(ModRm { extension, reg: self.extend_reg(extension), rm })
    }

    /// An operand without registers yet.
    pub(super) fn operand(&self, default: Seg) -> MemoryOperand {
        MemoryOperand {
            segment: self.effective_segment(default),
            base: None,
            index: None,
            scale: 0,
            rip_relative: false,
            displacement: 0,
            address_size: self.address_size(),
            linear_size: if self.mode == Mode::Bits64 { AccessSize::B8 } else { AccessSize::B4 },
        }
    }

    fn address_16(&mut self, mode: u8, rm: u8) -> Result<MemoryOperand, DecodeError> {
        if mode == 0 && rm == 6 {
            let displacement = self.bytes.i16()?;
            return Ok(MemoryOperand { displacement, ..self.operand(Seg::Ds) });
        }
        let (base, index, default) = BASES_16[usize::from(rm & 7)];
        let displacement = match mode {
            0 => 0,
            1 => self.bytes.i8()?,
            _ => self.bytes.i16()?,
        };
        Ok(MemoryOperand { base, index, displacement, ..self.operand(default) })
    }

    /// 32-bit and 64-bit addresses share their encoding.
    fn address_32(&mut self, mode: u8, rm: u8) -> Result<MemoryOperand, DecodeError> {
        let (base_field, index, scale) = if rm == 4 { self.sib()? } else { (rm, None, 0) };
        if mode == 0 && base_field == 5 {
            let rip_relative = rm == 5 && self.mode == Mode::Bits64;
            let displacement = self.bytes.i32()?;
            let operand = self.operand(Seg::Ds);
            return Ok(MemoryOperand { index, scale, rip_relative, displacement, ..operand });
        }
        let base = Reg::from_number(self.extend_base(base_field));
        let displacement = match mode {
            0 => 0,
            1 => self.bytes.i8()?,
            _ => self.bytes.i32()?,
        };
        let default = if matches!(base, Reg::Rsp | Reg::Rbp) { Seg::Ss } else { Seg::Ds };
        let operand = self.operand(default);
        Ok(MemoryOperand { base: Some(base), index, scale, displacement, ..operand })
    }

    /// SIB: base field without REX, index register, scale. Index 4 without REX.X means none.
    fn sib(&mut self) -> Result<(u8, Option<Reg>, u8), DecodeError> {
        let byte = self.bytes.u8()?;
        let index = match self.extend_index(byte >> 3 & 7) {
            4 => None,
            number => Some(Reg::from_number(number)),
        };
        Ok((byte & 7, index, byte >> 6))
    }
}
