//! Arithmetic and its flags (Intel SDM vol. 1, 3.4.3.1 and appendix A).

use phalanx_arch_api::AccessSize;

/// The status flags in RFLAGS.
pub mod flags {
    /// Carry.
    pub const CF: u64 = 1 << 0;
    /// Even parity of the low byte.
    pub const PF: u64 = 1 << 2;
    /// Carry out of bit 3.
    pub const AF: u64 = 1 << 4;
    /// Zero.
    pub const ZF: u64 = 1 << 6;
    /// Sign.
    pub const SF: u64 = 1 << 7;
    /// Direction of string instructions: set means downwards.
    pub const DF: u64 = 1 << 10;
    /// Signed overflow.
    pub const OF: u64 = 1 << 11;
    /// All that arithmetic sets.
    pub const STATUS: u64 = CF | PF | AF | ZF | SF | OF;
}

use flags::{AF, CF, OF, PF, SF, STATUS, ZF};

/// Operations on two operands; the first eight in the order of their encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instructions'")]
pub enum AluOp {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Cmp,
    Test,
}

impl AluOp {
    /// By the number that opcodes and ModRM extensions use; only the low three bits count.
    pub(super) const fn from_number(number: u8) -> Self {
        match number & 7 {
            0 => Self::Add,
            1 => Self::Or,
            2 => Self::Adc,
            3 => Self::Sbb,
            4 => Self::And,
            5 => Self::Sub,
            6 => Self::Xor,
            _ => Self::Cmp,
        }
    }

    /// Whether the result goes anywhere but to the flags.
    #[must_use]
    pub const fn has_result(self) -> bool {
        !matches!(self, Self::Cmp | Self::Test)
    }
}

/// Operations on one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instructions'")]
pub enum UnaryOp {
    Inc,
    Dec,
    Not,
    Neg,
}

/// Operations on one bit; the names end as the instructions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// BT.
    Test,
    /// BTS.
    Set,
    /// BTR.
    Reset,
    /// BTC.
    Complement,
}

impl BitOp {
    /// By the low two bits of the ModRM extension, or of the opcode shifted right by 3.
    pub(super) const fn from_number(number: u8) -> Self {
        match number & 3 {
            0 => Self::Test,
            1 => Self::Set,
            2 => Self::Reset,
            _ => Self::Complement,
        }
    }
}

/// `a op b` on operands of `size`: the result, and `rflags` with the status flags that the instruction leaves.
///
/// CMP and TEST return the result that they would not store. AF, undefined after the logical operations, is cleared.
#[must_use]
pub fn alu(op: AluOp, size: AccessSize, a: u64, b: u64, rflags: u64) -> (u64, u64) {
    let carry = rflags & CF;
    match op {
        AluOp::Add => add(size, a, b, 0, rflags),
        AluOp::Adc => add(size, a, b, carry, rflags),
        AluOp::Sub | AluOp::Cmp => subtract(size, a, b, 0, rflags),
        AluOp::Sbb => subtract(size, a, b, carry, rflags),
        AluOp::And | AluOp::Test => logic(size, a & b, rflags),
        AluOp::Or => logic(size, a | b, rflags),
        AluOp::Xor => logic(size, a ^ b, rflags),
    }
}

/// INC and DEC keep CF, NOT keeps all flags.
#[must_use]
pub fn unary(op: UnaryOp, size: AccessSize, a: u64, rflags: u64) -> (u64, u64) {
    let keep_carry = |(result, new): (u64, u64)| (result, new & !CF | rflags & CF);
    match op {
        UnaryOp::Inc => keep_carry(add(size, a, 1, 0, rflags)),
        UnaryOp::Dec => keep_carry(subtract(size, a, 1, 0, rflags)),
        UnaryOp::Not => (!a & size.all_ones(), rflags),
        UnaryOp::Neg => subtract(size, 0, a, 0, rflags),
    }
}

/// A bit instruction on the bit `number` modulo the operand's width; sets CF to the bit's old value, leaves the rest.
#[must_use]
pub fn bit(op: BitOp, size: AccessSize, a: u64, number: u64, rflags: u64) -> (u64, u64) {
    let mask = 1u64 << (number & u64::from(size.bytes() * 8 - 1));
    let result = match op {
        BitOp::Test => a,
        BitOp::Set => a | mask,
        BitOp::Reset => a & !mask,
        BitOp::Complement => a ^ mask,
    };
    let carry = if a & mask != 0 { CF } else { 0 };
    (result & size.all_ones(), rflags & !CF | carry)
}

fn add(size: AccessSize, a: u64, b: u64, carry: u64, rflags: u64) -> (u64, u64) {
    let result = a.wrapping_add(b).wrapping_add(carry);
    let carries = a & b | (a | b) & !result;
    let overflow = (a ^ result) & (b ^ result);
    finish(size, result, carries, overflow, rflags)
}

fn subtract(size: AccessSize, a: u64, b: u64, borrow: u64, rflags: u64) -> (u64, u64) {
    let result = a.wrapping_sub(b).wrapping_sub(borrow);
    let borrows = !a & b | (!a | b) & result;
    let overflow = (a ^ b) & (a ^ result);
    finish(size, result, borrows, overflow, rflags)
}

fn logic(size: AccessSize, result: u64, rflags: u64) -> (u64, u64) {
    finish(size, result, 0, 0, rflags)
}

/// Flags from the result, the carry out of each bit, and a word whose sign bit says overflow.
fn finish(size: AccessSize, result: u64, carries: u64, overflow: u64, rflags: u64) -> (u64, u64) {
    let sign = 1u64 << (size.bytes() * 8 - 1);
    let result = result & size.all_ones();
    let when = |condition: bool, flag: u64| if condition { flag } else { 0 };
    let status = when(carries & sign != 0, CF)
        | when((result & 0xff).count_ones().is_multiple_of(2), PF)
        | when(carries & 8 != 0, AF)
        | when(result == 0, ZF)
        | when(result & sign != 0, SF)
        | when(overflow & sign != 0, OF);
    (result, rflags & !STATUS | status)
}
