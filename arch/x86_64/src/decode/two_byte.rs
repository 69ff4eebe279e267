//! The opcode map behind 0x0f (Intel SDM vol. 2D, table A-3).

use phalanx_arch_api::AccessSize;

use super::prefix::Decoder;
use super::system;
use super::{BitOp, DecodeError, MemoryAction, Mode, Operation, Repeat, Source};

/// Decodes what follows 0x0f.
pub(super) fn decode(decoder: &mut Decoder<'_>) -> Result<Operation, DecodeError> {
    let opcode = decoder.bytes.u8()?;
    let size = decoder.size_by_opcode(opcode);
    let width = decoder.operand_size();
    match opcode {
        0xa3 | 0xab | 0xb3 | 0xbb => {
            let op = BitOp::from_number(opcode >> 3);
            decoder.with_register(width, |reg| MemoryAction::Bit(op, Source::Register(reg)))
        }
        0xb0 | 0xb1 => decoder.with_register(size, MemoryAction::CompareExchange),
        0xb6 => decoder.load(AccessSize::B1, width, false),
        0xb7 => decoder.load(AccessSize::B2, width, false),
        0xba => decoder.bit_immediate(width),
        0xbe => decoder.load(AccessSize::B1, width, true),
        0xbf => decoder.load(AccessSize::B2, width, true),
        0xc0 | 0xc1 => decoder.with_register(size, MemoryAction::ExchangeAdd),
        0xc3 => decoder.non_temporal_store(),
        _ => system::decode(decoder, opcode).map(Operation::System),
    }
}

impl Decoder<'_> {
    /// Group 8: BT, BTS, BTR, BTC with a bit number modulo the operand's width.
    fn bit_immediate(&mut self, size: AccessSize) -> Result<Operation, DecodeError> {
        let modrm = self.modrm()?;
        let operand = modrm.rm.memory()?;
        if modrm.extension < 4 {
            return Err(DecodeError::Unknown);
        }
        let number = self.immediate(AccessSize::B1)?;
        let op = BitOp::from_number(modrm.extension);
        Ok(self.memory(operand, size, MemoryAction::Bit(op, Source::Immediate(number))))
    }

    /// MOVNTI: 32 or 64 bits.
    fn non_temporal_store(&mut self) -> Result<Operation, DecodeError> {
        if self.operand_override || self.repeat != Repeat::Never {
            return Err(DecodeError::Unknown);
        }
        let wide = self.mode == Mode::Bits64 && self.operand_size() == AccessSize::B8;
        let size = if wide { AccessSize::B8 } else { AccessSize::B4 };
        self.with_register(size, |reg| MemoryAction::Store(Source::Register(reg)))
    }
}
