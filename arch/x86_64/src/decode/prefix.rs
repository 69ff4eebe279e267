//! Prefixes and the sizes that follow from them.

use phalanx_arch_api::AccessSize;

use super::cursor::Cursor;
use super::{DecodeError, Instruction, Mode, Operation, Reg, RegisterOperand, Repeat, Seg};

/// REX bits (AMD APM vol. 3, 1.2.7).
const REX_B: u8 = 1 << 0;
const REX_X: u8 = 1 << 1;
const REX_R: u8 = 1 << 2;
const REX_W: u8 = 1 << 3;

/// The state of decoding one instruction: its bytes and what its prefixes said.
pub(super) struct Decoder<'a> {
    pub(super) bytes: Cursor<'a>,
    pub(super) mode: Mode,
    pub(super) repeat: Repeat,
    pub(super) lock: bool,
    pub(super) operand_override: bool,
    address_override: bool,
    segment: Option<Seg>,
    rex: u8,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8], mode: Mode) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            mode,
            repeat: Repeat::Never,
            lock: false,
            operand_override: false,
            address_override: false,
            segment: None,
            rex: 0,
        }
    }

    /// Reads all prefixes and returns the byte after them.
    ///
    /// Of several prefixes of one group the last counts. A REX prefix counts only right before the opcode.
    pub(super) fn prefixes(&mut self) -> Result<u8, DecodeError> {
        loop {
            let byte = self.bytes.u8()?;
            match byte {
                0x40..=0x4f if self.mode == Mode::Bits64 => {
                    self.rex = byte;
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
                0x64 => self.segment = Some(Seg::Fs),
                0x65 => self.segment = Some(Seg::Gs),
                opcode => return Ok(opcode),
            }
            self.rex = 0;
        }
    }

    /// In 64-bit mode the overrides of the old segments do nothing, and do not cancel one of FS or GS
    /// (AMD APM vol. 3, 1.2.4).
    fn override_segment(&mut self, segment: Seg) {
        if self.mode != Mode::Bits64 {
            self.segment = Some(segment);
        }
    }

    /// Whether any of the prefixes is there that select another instruction in parts of the opcode map.
    pub(super) fn has_mandatory_prefix(&self) -> bool {
        self.operand_override || self.repeat != Repeat::Never
    }

    /// The operand size of an instruction that is not a byte instruction.
    pub(super) fn operand_size(&self) -> AccessSize {
        match (self.mode, self.operand_override) {
            (Mode::Bits64, _) if self.rex & REX_W != 0 => AccessSize::B8,
            (Mode::Bits16, false) | (Mode::Bits32 | Mode::Bits64, true) => AccessSize::B2,
            (Mode::Bits16, true) | (Mode::Bits32 | Mode::Bits64, false) => AccessSize::B4,
        }
    }

    /// The operand size of an opcode whose lowest bit chooses between bytes and words.
    pub(super) fn size_by_opcode(&self, opcode: u8) -> AccessSize {
        if opcode & 1 == 0 { AccessSize::B1 } else { self.operand_size() }
    }

    /// The width in which addresses are computed.
    pub(super) fn address_size(&self) -> AccessSize {
        match (self.mode, self.address_override) {
            (Mode::Bits64, false) => AccessSize::B8,
            (Mode::Bits16, false) | (Mode::Bits32, true) => AccessSize::B2,
            (Mode::Bits16, true) | (Mode::Bits32, false) | (Mode::Bits64, true) => AccessSize::B4,
        }
    }

    /// The segment whose base counts: the override, else `default`; in 64-bit mode only FS and GS have one.
    pub(super) fn effective_segment(&self, default: Seg) -> Option<Seg> {
        match self.mode {
            Mode::Bits64 => self.segment,
            Mode::Bits16 | Mode::Bits32 => Some(self.segment.unwrap_or(default)),
        }
    }

    /// An operand in the register with this number: with no REX prefix the byte registers 4 to 7 are AH to BH.
    pub(super) fn register(&self, number: u8, size: AccessSize) -> RegisterOperand {
        let high = size == AccessSize::B1 && self.rex == 0 && number & 0b1100 == 0b0100;
        let number = if high { number & 0b11 } else { number };
        RegisterOperand { reg: Reg::from_number(number), high }
    }

    /// `number` from the reg field of ModRM, extended by REX.R.
    pub(super) fn extend_reg(&self, number: u8) -> u8 {
        number | if self.rex & REX_R != 0 { 8 } else { 0 }
    }

    /// `number` from the rm or base field, extended by REX.B.
    pub(super) fn extend_base(&self, number: u8) -> u8 {
        number | if self.rex & REX_B != 0 { 8 } else { 0 }
    }

    /// `number` from the index field, extended by REX.X.
    pub(super) fn extend_index(&self, number: u8) -> u8 {
        number | if self.rex & REX_X != 0 { 8 } else { 0 }
    }

    /// An immediate of this operand size, sign-extended: never more than 32 bits wide in the encoding.
    pub(super) fn immediate(&mut self, size: AccessSize) -> Result<u64, DecodeError> {
        let value = match size {
            AccessSize::B1 => self.bytes.i8()?,
            AccessSize::B2 => self.bytes.i16()?,
            AccessSize::B4 | AccessSize::B8 => self.bytes.i32()?,
        };
        Ok(value.cast_unsigned())
    }

    /// Closes the instruction: checks the LOCK prefix, notes the length, makes RIP-relative operands relative to the
    /// instruction's own address.
    pub(super) fn finish(&self, mut operation: Operation) -> Result<Instruction, DecodeError> {
        if self.lock && !operation.may_be_locked() {
            return Err(DecodeError::Unknown);
        }
        let length = self.bytes.length();
        if let Some(operand) = operation.memory_operand_mut()
            && operand.rip_relative
        {
            operand.displacement += i64::from(length);
        }
        Ok(Instruction { length, operation })
    }
}
