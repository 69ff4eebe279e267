//! The opcode map behind 0x0f (Intel SDM vol. 2D, table A-3).

use phalanx_arch_api::AccessSize;

use super::finish::Decoded;
use super::prefix::Decoder;
use super::system;
use super::{BitOp, MemoryAction, Mode, Source};

/// Decodes what follows 0x0f.
pub(super) fn decode(decoder: &mut Decoder) -> Decoded {
    let opcode = decoder.bytes.u8();
    let width = decoder.operand_size;
    match opcode {
        0xa3 | 0xab | 0xb3 | 0xbb => decoder.bit_register(opcode, width),
        0xb0 | 0xb1 | 0xc0 | 0xc1 => decoder.exchange(opcode),
        0xb6 => decoder.load(AccessSize::B1, width, false),
        0xb7 => decoder.load(AccessSize::B2, width, false),
        0xba => decoder.bit_immediate(width),
        0xbe => decoder.load(AccessSize::B1, width, true),
        0xbf => decoder.load(AccessSize::B2, width, true),
        0xc3 => decoder.non_temporal_store(width),
        _ => system::decode(decoder, opcode),
    }
}

impl Decoder {
    /// BT, BTS, BTR, BTC with a bit number in a register.
    fn bit_register(&mut self, opcode: u8, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        let number = Source::Register(self.reg_operand(modrm, size));
        self.access(modrm, size, MemoryAction::Bit(BitOp::from_number(opcode >> 3), number))
    }

    /// Group 8: the same with a bit number modulo the operand's width.
    fn bit_immediate(&mut self, size: AccessSize) -> Decoded {
        let modrm = self.modrm();
        if modrm.extension() < 4 {
            return self.refuse();
        }
        let number = Source::Immediate(self.bytes.i8());
        self.access(modrm, size, MemoryAction::Bit(BitOp::from_number(modrm.extension()), number))
    }

    /// CMPXCHG and XADD.
    fn exchange(&mut self, opcode: u8) -> Decoded {
        let size = self.size_by_opcode(opcode);
        let modrm = self.modrm();
        let register = self.reg_operand(modrm, size);
        let action = match opcode & 0xfe {
            0xb0 => MemoryAction::CompareExchange(register),
            _ => MemoryAction::ExchangeAdd(register),
        };
        self.access(modrm, size, action)
    }

    /// MOVNTI: 32 or 64 bits.
    fn non_temporal_store(&mut self, width: AccessSize) -> Decoded {
        if self.has_mandatory_prefix() {
            return self.refuse();
        }
        let wide = self.mode() == Mode::Bits64 && width == AccessSize::B8;
        let size = if wide { AccessSize::B8 } else { AccessSize::B4 };
        let modrm = self.modrm();
        let register = self.reg_operand(modrm, size);
        self.access(modrm, size, MemoryAction::Store(Source::Register(register)))
    }
}
