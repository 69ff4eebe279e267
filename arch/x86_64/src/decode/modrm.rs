//! ModRM and SIB: how long the operand is (Intel SDM vol. 2A, tables 2-1 to 2-3).

use phalanx_arch_api::AccessSize;

use super::RegisterOperand;
use super::prefix::Decoder;

/// ModRM bytes and a SIB byte that stand for a displacement alone in 16-bit, 32-bit and 64-bit addresses.
const ABSOLUTE_16: u8 = 0x06;
const ABSOLUTE_32: u8 = 0x04;
const NO_BASE_NO_INDEX: u8 = 0x25;

/// A ModRM byte; what it says of memory is in the decoder.
#[derive(Clone, Copy)]
pub(super) struct ModRm(u8);

impl ModRm {
    /// The reg field without REX: an opcode extension in groups.
    #[inline]
    pub(super) const fn extension(self) -> u8 {
        self.0 >> 3 & 7
    }

    /// The register in the rm field without REX; `None` where it describes memory.
    #[inline]
    pub(super) const fn register(self) -> Option<u8> {
        if self.0 >= 0xc0 { Some(self.0 & 7) } else { None }
    }
}

impl Decoder {
    /// Reads ModRM and all that belongs to it. One copy for all opcodes.
    #[inline(never)]
    pub(super) fn modrm(&mut self) -> ModRm {
        let byte = self.bytes.u8();
        self.operand.modrm = byte;
        let displacement = match (byte >> 6, byte & 7, self.operand.address_size) {
            (3, _, _) => 0,
            (0, 6, AccessSize::B2) | (2, _, AccessSize::B2) => self.bytes.i16(),
            (1, _, AccessSize::B2) => self.bytes.i8(),
            (0, _, AccessSize::B2) => 0,
            (mode, 4, _) => {
                self.operand.sib = self.bytes.u8();
                self.displacement(mode, self.operand.sib & 7)
            }
            (mode, rm, _) => self.displacement(mode, rm),
        };
        self.operand.displacement = i64::from(displacement);
        ModRm(byte)
    }

    /// The register in the reg field.
    #[inline]
    pub(super) fn reg_operand(&self, modrm: ModRm, size: AccessSize) -> RegisterOperand {
        self.register(self.reg_number(modrm.0), size)
    }

    /// The register in the rm field.
    pub(super) fn rm_operand(&self, modrm: ModRm, size: AccessSize) -> RegisterOperand {
        self.register(self.rm_number(modrm.0), size)
    }

    #[inline]
    fn displacement(&mut self, mode: u8, base: u8) -> i32 {
        match (mode, base) {
            (1, _) => self.bytes.i8(),
            (0, 5) | (2, _) => self.bytes.i32(),
            _ => 0,
        }
    }

    /// Makes the operand one at `offset`, without registers.
    pub(super) fn set_absolute(&mut self, offset: i64) {
        let has_16_bits = self.operand.address_size == AccessSize::B2;
        self.operand.modrm = if has_16_bits { ABSOLUTE_16 } else { ABSOLUTE_32 };
        self.operand.sib = NO_BASE_NO_INDEX;
        self.operand.rex = 0;
        self.operand.displacement = offset;
    }
}
