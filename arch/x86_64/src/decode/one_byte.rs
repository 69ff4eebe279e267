//! The one-byte opcode map (Intel SDM vol. 2D, table A-2).

use phalanx_arch_api::AccessSize;

use super::prefix::Decoder;
use super::{
    AluOp, DecodeError, MemoryAccess, MemoryAction, MemoryOperand, Mode, Operation, Port, Reg, RegisterOperand, Repeat,
    Seg, Source, StringAccess, StringOp, System, UnaryOp,
};

/// Decodes what follows `opcode`, which is not 0x0f.
pub(super) fn decode(decoder: &mut Decoder<'_>, opcode: u8) -> Result<Operation, DecodeError> {
    let size = decoder.size_by_opcode(opcode);
    match opcode {
        0x88 | 0x89 => decoder.with_register(size, |reg| MemoryAction::Store(Source::Register(reg))),
        0x8a | 0x8b => decoder.load(size, size, false),
        0xc6 | 0xc7 => decoder.store_immediate(size),
        0xa0..=0xa3 => decoder.absolute(size, opcode & 2 != 0),
        0x00..=0x3f => decoder.alu(opcode, size),
        0x63 if decoder.mode == Mode::Bits64 => decoder.movsxd(),
        0x80..=0x83 => decoder.alu_immediate(opcode, size),
        0x84 | 0x85 => decoder.with_register(size, |reg| MemoryAction::Alu(AluOp::Test, Source::Register(reg))),
        0x86 | 0x87 => decoder.with_register(size, MemoryAction::Exchange),
        0xf6 | 0xf7 => decoder.group_3(size),
        0xfe | 0xff => decoder.group_4_and_5(size),
        0x6c..=0x6f | 0xa4..=0xa7 | 0xaa..=0xaf => decoder.string(opcode, size),
        _ => system(decoder, opcode, size).map(Operation::System),
    }
}

/// Instructions without ModRM that are intercepted.
fn system(decoder: &mut Decoder<'_>, opcode: u8, size: AccessSize) -> Result<System, DecodeError> {
    // A port is at most 32 bits wide, whatever REX.W says.
    let port_size = if size == AccessSize::B8 { AccessSize::B4 } else { size };
    Ok(match opcode {
        0x90 if decoder.repeat == Repeat::WhileEqual => System::Pause,
        0xcc => System::Breakpoint,
        0xcd => System::Interrupt(decoder.bytes.u8()?),
        0xce if decoder.mode != Mode::Bits64 => System::Overflow,
        0xcf => System::Iret,
        0xe4 | 0xe5 => System::In { size: port_size, port: decoder.port()? },
        0xe6 | 0xe7 => System::Out { size: port_size, port: decoder.port()? },
        0xec | 0xed => System::In { size: port_size, port: Port::Dx },
        0xee | 0xef => System::Out { size: port_size, port: Port::Dx },
        0xf1 => System::Icebp,
        0xf4 => System::Hlt,
        _ => return Err(DecodeError::Unknown),
    })
}

impl Decoder<'_> {
    /// An access of `size` at the ModRM operand, with the register operand of the same size.
    pub(super) fn with_register(
        &mut self,
        size: AccessSize,
        action: impl FnOnce(RegisterOperand) -> MemoryAction,
    ) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let register = self.register(modrm.reg, size);
        Ok(self.memory(modrm.rm.memory()?, size, action(register)))
    }

    /// The register that ModRM names from memory of `size`, extended to `width`.
    pub(super) fn load(&mut self, size: AccessSize, width: AccessSize, signed: bool) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let to = self.register(modrm.reg, width);
        let action = MemoryAction::Load { to, width, signed };
        Ok(self.memory(modrm.rm.memory()?, size, action))
    }

    pub(super) fn memory(&self, operand: MemoryOperand, size: AccessSize, action: MemoryAction) -> Operation {
        Operation::Memory(MemoryAccess { operand, size, lock: self.lock, action })
    }

    /// MOV of an immediate: group 11.
    fn store_immediate(&mut self, size: AccessSize) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let operand = modrm.rm.memory()?;
        if modrm.extension != 0 {
            return Err(DecodeError::Unknown);
        }
        let value = self.immediate(size)?;
        Ok(self.memory(operand, size, MemoryAction::Store(Source::Immediate(value))))
    }

    /// MOV between the accumulator and an absolute address of the address size.
    fn absolute(&mut self, size: AccessSize, store: bool) -> Result<Operation, DecodeError> {
        let displacement = match self.address_size() {
            AccessSize::B2 => self.bytes.i16()?,
            AccessSize::B8 => self.bytes.i64()?,
            AccessSize::B1 | AccessSize::B4 => self.bytes.i32()?,
        };
        let operand = MemoryOperand { displacement, ..self.operand(Seg::Ds) };
        let accumulator = RegisterOperand::low(Reg::Rax);
        let action = if store {
            MemoryAction::Store(Source::Register(accumulator))
        } else {
            MemoryAction::Load { to: accumulator, width: size, signed: false }
        };
        Ok(self.memory(operand, size, action))
    }

    /// The eight operations at 0x00, 0x08, …: to memory, to a register; those on immediates have no memory operand.
    fn alu(&mut self, opcode: u8, size: AccessSize) -> Result<Operation, DecodeError> {
        let op = AluOp::from_number(opcode >> 3);
        match opcode & 7 {
            0 | 1 => self.with_register(size, |reg| MemoryAction::Alu(op, Source::Register(reg))),
            2 | 3 => self.with_register(size, |reg| MemoryAction::AluToRegister(op, reg)),
            _ => Err(DecodeError::Unknown),
        }
    }

    /// Group 1. 0x82 is a second 0x80 outside 64-bit mode; 0x83 has a byte immediate.
    fn alu_immediate(&mut self, opcode: u8, size: AccessSize) -> Result<Operation, DecodeError> {
        if opcode == 0x82 && self.mode == Mode::Bits64 {
            return Err(DecodeError::Unknown);
        }
        let modrm = self.modrm()?;
        let operand = modrm.rm.memory()?;
        let value = self.immediate(if opcode == 0x83 { AccessSize::B1 } else { size })?;
        let op = AluOp::from_number(modrm.extension);
        Ok(self.memory(operand, size, MemoryAction::Alu(op, Source::Immediate(value))))
    }

    fn movsxd(&mut self) -> Result<Operation, DecodeError> {
        let width = self.operand_size();
        let size = if width == AccessSize::B8 { AccessSize::B4 } else { width };
        self.load(size, width, true)
    }

    /// TEST with an immediate, NOT, NEG; the multiplications and divisions are left out.
    fn group_3(&mut self, size: AccessSize) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let operand = modrm.rm.memory()?;
        let action = match modrm.extension {
            0 | 1 => MemoryAction::Alu(AluOp::Test, Source::Immediate(self.immediate(size)?)),
            2 => MemoryAction::Unary(UnaryOp::Not),
            3 => MemoryAction::Unary(UnaryOp::Neg),
            _ => return Err(DecodeError::Unknown),
        };
        Ok(self.memory(operand, size, action))
    }

    /// INC and DEC; calls, jumps and pushes are left out.
    fn group_4_and_5(&mut self, size: AccessSize) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let operand = modrm.rm.memory()?;
        let op = match modrm.extension {
            0 => UnaryOp::Inc,
            1 => UnaryOp::Dec,
            _ => return Err(DecodeError::Unknown),
        };
        Ok(self.memory(operand, size, MemoryAction::Unary(op)))
    }

    fn string(&mut self, opcode: u8, size: AccessSize) -> Result<Operation, DecodeError> {
        let op = match opcode & 0xfe {
            0x6c => StringOp::Ins,
            0x6e => StringOp::Outs,
            0xa4 => StringOp::Movs,
            0xa6 => StringOp::Cmps,
            0xaa => StringOp::Stos,
            0xac => StringOp::Lods,
            _ => StringOp::Scas,
        };
        let is_port = matches!(op, StringOp::Ins | StringOp::Outs);
        let size = if is_port && size == AccessSize::B8 { AccessSize::B4 } else { size };
        let source = MemoryOperand { base: Some(Reg::Rsi), ..self.operand(Seg::Ds) };
        let segment = (self.mode != Mode::Bits64).then_some(Seg::Es);
        let destination = MemoryOperand { base: Some(Reg::Rdi), segment, ..source };
        let repeat = self.repeat;
        Ok(Operation::String(StringAccess { op, size, repeat, source, destination }))
    }

    fn port(&mut self) -> Result<Port, DecodeError> {
        self.bytes.u8().map(Port::Immediate)
    }
}
