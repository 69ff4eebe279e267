//! Instructions with one memory operand.

use phalanx_arch_api::AccessSize;

use super::{AluOp, BitOp, MemoryOperand, RegisterOperand, UnaryOp};

/// An instruction with one memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccess {
    /// Where.
    pub operand: MemoryOperand,
    /// Bytes read or written at the operand.
    pub size: AccessSize,
    /// With a LOCK prefix.
    pub lock: bool,
    /// What is done there.
    pub action: MemoryAction,
}

/// What an instruction does with its memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryAction {
    /// MOV, MOVZX, MOVSX, MOVSXD from memory.
    Load {
        /// Destination.
        to: RegisterOperand,
        /// Operand size of the destination; larger than the memory operand where the value is extended.
        width: AccessSize,
        /// Extended with the sign instead of zeros.
        signed: bool,
    },
    /// MOV and MOVNTI to memory.
    Store(Source),
    /// `memory = memory op source`; CMP and TEST only set flags.
    Alu(AluOp, Source),
    /// `register = register op memory`; CMP only sets flags.
    AluToRegister(AluOp, RegisterOperand),
    /// INC, DEC, NOT, NEG.
    Unary(UnaryOp),
    /// XCHG: locked with and without the prefix.
    Exchange(RegisterOperand),
    /// XADD.
    ExchangeAdd(RegisterOperand),
    /// CMPXCHG, with RAX and its parts as the value that is compared.
    CompareExchange(RegisterOperand),
    /// BT, BTS, BTR, BTC. A register's bit number reaches beyond the operand: see [`MemoryAccess::linear_address`].
    Bit(BitOp, Source),
}

/// The operand that is not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A register.
    Register(RegisterOperand),
    /// An immediate, sign-extended to the operand's size.
    Immediate(i32),
}
