//! Prefixes and the sizes that follow from them.

use phalanx_arch_api::AccessSize;

use super::cursor::Cursor;
use super::{MemoryOperand, Mode, Reg, RegisterOperand, Repeat, Seg};

/// Bits of a REX prefix (AMD APM vol. 3, 1.2.7).
pub(super) mod rex {
    /// Extends the rm field, the base field, or the register in an opcode.
    pub(in super::super) const B: u8 = 1 << 0;
    /// Extends the index field.
    pub(in super::super) const X: u8 = 1 << 1;
    /// Extends the reg field.
    pub(super) const R: u8 = 1 << 2;
    /// 64-bit operands.
    pub(super) const W: u8 = 1 << 3;
}

/// One bit for each byte that can be a prefix in some mode.
const MAYBE_PREFIX: [u64; 4] = {
    let mut map = [0; 4];
    let prefixes = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
    let mut next = 0;
    while next < prefixes.len() {
        map[prefixes[next] / 64] |= 1 << (prefixes[next] % 64);
        next += 1;
    }
    map[1] |= 0xffff;
    map
};

/// The state of decoding one instruction: its bytes, what its prefixes said, and its memory operand so far.
pub(super) struct Decoder {
    pub(super) bytes: Cursor,
    pub(super) operand: MemoryOperand,
    pub(super) repeat: Repeat,
    pub(super) lock: bool,
    pub(super) operand_override: bool,
    address_override: bool,
    /// The operand size of an instruction that is not a byte instruction.
    pub(super) operand_size: AccessSize,
}

impl Decoder {
    #[inline]
    pub(super) fn new(bytes: &[u8], mode: Mode) -> Self {
        let operand = MemoryOperand {
            displacement: 0,
            modrm: 0,
            sib: 0,
            rex: 0,
            mode,
            address_size: mode.address_size(false),
            segment_override: None,
            instruction_length: 0,
        };
        Self {
            bytes: Cursor::new(bytes),
            operand,
            repeat: Repeat::Never,
            lock: false,
            operand_override: false,
            address_override: false,
            operand_size: mode.operand_size(false),
        }
    }

    /// Reads all prefixes and returns the byte after them.
    #[inline]
    pub(super) fn opcode(&mut self) -> u8 {
        let byte = self.bytes.u8();
        if MAYBE_PREFIX[usize::from(byte >> 6)] >> (byte & 63) & 1 == 0 {
            return byte;
        }
        let opcode = self.prefixes(byte);
        let wide = self.operand.rex & rex::W != 0;
        self.operand_size = if wide { AccessSize::B8 } else { self.mode().operand_size(self.operand_override) };
        self.operand.address_size = self.mode().address_size(self.address_override);
        opcode
    }

    /// The same, from a `byte` that may be a prefix.
    ///
    /// Of several prefixes of one group the last counts. A REX prefix counts only right before the opcode.
    #[inline(never)]
    fn prefixes(&mut self, mut byte: u8) -> u8 {
        loop {
            match byte {
                0x40..=0x4f if self.mode() == Mode::Bits64 => {
                    self.operand.rex = byte;
                    byte = self.bytes.u8();
                    continue;
                }
                0x66 => self.operand_override = true,
                0x67 => self.address_override = true,
                0xf0 => self.lock = true,
                0xf2 => self.repeat = Repeat::WhileNotEqual,
                0xf3 => self.repeat = Repeat::WhileEqual,
                0x26 => self.override_segment(Seg::Es),
                0x2e => self.override_segment(Seg::Cs),
                0x36 => self.override_segment(Seg::Ss),
                0x3e => self.override_segment(Seg::Ds),
                0x64 => self.operand.segment_override = Some(Seg::Fs),
                0x65 => self.operand.segment_override = Some(Seg::Gs),
                opcode => return opcode,
            }
            self.operand.rex = 0;
            byte = self.bytes.u8();
        }
    }

    /// The mode that is decoded for.
    #[inline]
    pub(super) const fn mode(&self) -> Mode {
        self.operand.mode
    }

    /// In 64-bit mode the overrides of the old segments do nothing, and do not cancel one of FS or GS
    /// (AMD APM vol. 3, 1.2.4).
    fn override_segment(&mut self, segment: Seg) {
        if self.mode() != Mode::Bits64 {
            self.operand.segment_override = Some(segment);
        }
    }

    /// Whether any of the prefixes is there that select another instruction in parts of the opcode map.
    pub(super) fn has_mandatory_prefix(&self) -> bool {
        self.operand_override || self.repeat != Repeat::Never
    }

    /// The operand size of an opcode whose lowest bit chooses between bytes and words.
    #[inline]
    pub(super) fn size_by_opcode(&self, opcode: u8) -> AccessSize {
        if opcode & 1 == 0 { AccessSize::B1 } else { self.operand_size }
    }

    /// An operand in the register with this number: with no REX prefix the byte registers 4 to 7 are AH to BH.
    #[inline]
    pub(super) fn register(&self, number: u8, size: AccessSize) -> RegisterOperand {
        let high = size == AccessSize::B1 && self.operand.rex == 0 && number & 0b1100 == 0b0100;
        let number = if high { number & 0b11 } else { number };
        RegisterOperand { reg: Reg::from_number(number), high }
    }

    /// The number in the reg field of the ModRM `byte`, extended by REX.R.
    #[inline]
    pub(super) fn reg_number(&self, byte: u8) -> u8 {
        byte >> 3 & 7 | (self.operand.rex & rex::R) << 1
    }

    /// The number in the rm field of the ModRM `byte`, extended by REX.B.
    #[inline]
    pub(super) fn rm_number(&self, byte: u8) -> u8 {
        byte & 7 | (self.operand.rex & rex::B) << 3
    }

    /// An immediate of this operand size: never more than 32 bits wide in the encoding, sign-extended where it is used.
    pub(super) fn immediate(&mut self, size: AccessSize) -> i32 {
        match size {
            AccessSize::B1 => self.bytes.i8(),
            AccessSize::B2 => self.bytes.i16(),
            AccessSize::B4 | AccessSize::B8 => self.bytes.i32(),
        }
    }
}
