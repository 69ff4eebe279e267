//! The one-byte opcode map (Intel SDM vol. 2D, table A-2).

use phalanx_arch_api::AccessSize;

use super::finish::Decoded;
use super::prefix::Decoder;
use super::{
    AluOp, MemoryAction, Mode, Port, Reg, RegisterOperand, Repeat, Seg, Source, StringAccess, StringOp, System, UnaryOp,
};

/// Decodes what follows `opcode`, which is not 0x0f.
pub(super) fn decode(decoder: &mut Decoder, opcode: u8) -> Decoded {
    let size = decoder.size_by_opcode(opcode);
    match opcode {
        0x00..=0x3f => decoder.alu(opcode, size),
        0x63 if decoder.mode() == Mode::Bits64 => decoder.movsxd(),
        0x6c..=0x6f | 0xa4..=0xa7 | 0xaa..=0xaf => decoder.string_by_opcode(opcode, size),
        0x80..=0x83 => decoder.alu_immediate(opcode, size),
        0x84..=0x89 => decoder.with_register(opcode, size),
        0x8a | 0x8b => decoder.load(size, size, false),
        0xa0..=0xa3 => decoder.absolute(size, opcode & 2 != 0),
        0xc6 | 0xc7 => decoder.store_immediate(size),
        0xf6 | 0xf7 => decoder.group_3(size),
        0xfe | 0xff => decoder.group_4_and_5(size),
        _ => system(decoder, opcode, size),
    }
}

/// Instructions without ModRM that are intercepted.
fn system(decoder: &mut Decoder, opcode: u8, size: AccessSize) -> Decoded {
    let size = port_size(size);
    let system = match opcode {
        0x90 if decoder.repeat == Repeat::WhileEqual => System::Pause,
        0xcc => System::Breakpoint,
        0xcd => System::Interrupt(decoder.bytes.u8()),
        0xce if decoder.mode() != Mode::Bits64 => System::Overflow,
        0xcf => System::Iret,
        0xe4 | 0xe5 => System::In { size, port: Port::Immediate(decoder.bytes.u8()) },
        0xe6 | 0xe7 => System::Out { size, port: Port::Immediate(decoder.bytes.u8()) },
        0xec | 0xed => System::In { size, port: Port::Dx },
        0xee | 0xef => System::Out { size, port: Port::Dx },
        0xf1 => System::Icebp,
        0xf4 => System::Hlt,
        _ => return decoder.refuse(),
    };
    decoder.system(system)
}

/// A port is at most 32 bits wide, whatever REX.W says.
fn port_size(size: AccessSize) -> AccessSize {
    if size == AccessSize::B8 { AccessSize::B4 } else { size }
}

impl Decoder {
    /// TEST, XCHG and MOV of memory with a register.
    fn with_register(&mut self, opcode: u8, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        let register = self.reg_operand(modrm, size);
        let action = match opcode & 0xfe {
            0x84 => MemoryAction::Alu(AluOp::Test, Source::Register(register)),
            0x86 => MemoryAction::Exchange(register),
            _ => MemoryAction::Store(Source::Register(register)),
        };
        self.access(modrm, size, action)
    }

    /// The register that ModRM names from memory of `size`, extended to `width`.
    pub(super) fn load(&mut self, size: AccessSize, width: AccessSize, signed: bool) -> Decoded {
        let modrm = self.modrm();
        let to = self.reg_operand(modrm, width);
        self.access(modrm, size, MemoryAction::Load { to, width, signed })
    }

    /// MOV of an immediate: group 11.
    fn store_immediate(&mut self, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        if modrm.extension() != 0 {
            return self.refuse();
        }
        let value = self.immediate(size);
        self.access(modrm, size, MemoryAction::Store(Source::Immediate(value)))
    }

    /// MOV between the accumulator and an absolute address of the address size.
    fn absolute(&mut self, size: AccessSize, store: bool) -> Decoded {
        let address = match self.operand.address_size {
            AccessSize::B2 => i64::from(self.bytes.i16()),
            AccessSize::B8 => self.bytes.i64(),
            AccessSize::B1 | AccessSize::B4 => i64::from(self.bytes.i32()),
        };
        let accumulator = RegisterOperand::low(Reg::Rax);
        let action = if store {
            MemoryAction::Store(Source::Register(accumulator))
        } else {
            MemoryAction::Load { to: accumulator, width: size, signed: false }
        };
        self.set_absolute(address);
        self.access_memory(size, action)
    }

    /// The eight operations at 0x00, 0x08, …: to memory, to a register; those on immediates have no memory operand.
    fn alu(&mut self, opcode: u8, size: AccessSize) -> Decoded {
        if opcode & 4 != 0 {
            return self.refuse();
        }
        let op = AluOp::from_number(opcode >> 3);
        let modrm = self.modrm();
        let register = self.reg_operand(modrm, size);
        let action = if opcode & 2 == 0 {
            MemoryAction::Alu(op, Source::Register(register))
        } else {
            MemoryAction::AluToRegister(op, register)
        };
        self.access(modrm, size, action)
    }

    /// Group 1. 0x82 is a second 0x80 outside 64-bit mode; 0x83 has a byte immediate.
    fn alu_immediate(&mut self, opcode: u8, size: AccessSize) -> Decoded {
        if opcode == 0x82 && self.mode() == Mode::Bits64 {
            return self.refuse();
        }
        let modrm = self.modrm();
        let value = self.immediate(if opcode == 0x83 { AccessSize::B1 } else { size });
        let op = AluOp::from_number(modrm.extension());
        self.access(modrm, size, MemoryAction::Alu(op, Source::Immediate(value)))
    }

    fn movsxd(&mut self) -> Decoded {
        let width = self.operand_size;
        let size = if width == AccessSize::B8 { AccessSize::B4 } else { width };
        self.load(size, width, true)
    }

    /// TEST with an immediate, NOT, NEG; the multiplications and divisions are left out.
    fn group_3(&mut self, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        let action = match modrm.extension() {
            0 | 1 => MemoryAction::Alu(AluOp::Test, Source::Immediate(self.immediate(size))),
            2 => MemoryAction::Unary(UnaryOp::Not),
            3 => MemoryAction::Unary(UnaryOp::Neg),
            _ => return self.refuse(),
        };
        self.access(modrm, size, action)
    }

    /// INC and DEC; calls, jumps and pushes are left out.
    fn group_4_and_5(&mut self, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        let op = match modrm.extension() {
            0 => UnaryOp::Inc,
            1 => UnaryOp::Dec,
            _ => return self.refuse(),
        };
        self.access(modrm, size, MemoryAction::Unary(op))
    }

    fn string_by_opcode(&mut self, opcode: u8, size: AccessSize) -> Decoded {
        let (op, size) = match opcode & 0xfe {
            0x6c => (StringOp::Ins, port_size(size)),
            0x6e => (StringOp::Outs, port_size(size)),
            0xa4 => (StringOp::Movs, size),
            0xa6 => (StringOp::Cmps, size),
            0xaa => (StringOp::Stos, size),
            0xac => (StringOp::Lods, size),
            _ => (StringOp::Scas, size),
        };
        self.string(StringAccess {
            op,
            size,
            repeat: self.repeat,
            source_segment: self.mode().effective_segment(self.operand.segment_override, Seg::Ds),
            address_size: self.operand.address_size,
            mode: self.mode(),
        })
    }
}
