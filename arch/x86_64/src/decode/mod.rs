//! Decodes one guest instruction: what it does to memory that is not RAM, or how long it is.
//!
//! Two kinds of exit need this. An access to a device register says *where* and *which way* but not which register
//! or which operation; and a processor without NRIPS does not say how long an intercepted instruction is. So the
//! decoder knows the integer instructions that touch memory, the string instructions, and everything that can be
//! intercepted; the rest is [`DecodeError::Unknown`].
//!
//! ```text
//! bytes ── prefix ──▶ opcode map (one_byte, two_byte, system) ── modrm ── finish ──▶ Instruction
//!                                            execute(value read) ──▶ registers, flags, value to write
//! ```
//!
//! The decoder reads at most 15 bytes, never goes back, and cannot fail in another way than by [`DecodeError`].
//! Source: Intel SDM vol. 2, chapter 2 and appendix A; AMD APM vol. 3, chapter 1 and appendix A.
#![forbid(unsafe_code)]

mod address;
mod alu;
mod cursor;
mod execute;
mod finish;
mod instruction;
mod intercept;
mod memory;
mod modrm;
mod one_byte;
mod operand;
mod prefix;
mod registers;
mod string;
mod system;
#[cfg(test)]
mod tests;
mod two_byte;

pub use address::effective_address;
pub use alu::{AluOp, BitOp, UnaryOp, alu, bit, flags, unary};
pub use instruction::{DecodeError, Instruction, Mode, Operation};
pub use intercept::{MachineStatus, Port, System};
pub use memory::{MemoryAccess, MemoryAction, Source};
pub use operand::MemoryOperand;
pub use registers::{Reg, RegisterOperand, Registers, Seg};
pub use string::{Repeat, StringAccess, StringOp};

use prefix::Decoder;

/// No instruction is longer, prefixes included (Intel SDM vol. 2A, 2.3.11).
pub const MAX_INSTRUCTION_LENGTH: usize = 15;

/// Decodes the instruction at the start of `bytes` as a processor in `mode` would.
///
/// # Errors
/// [`DecodeError::Truncated`] where `bytes` ends inside the instruction (the rest lies on a page that could not be
/// fetched), [`DecodeError::TooLong`] where a processor raises #GP for its length, [`DecodeError::Unknown`] else.
pub fn decode(bytes: &[u8], mode: Mode) -> Result<Instruction, DecodeError> {
    let mut decoder = Decoder::new(bytes, mode);
    match decoder.opcode() {
        0x0f => two_byte::decode(&mut decoder),
        opcode => one_byte::decode(&mut decoder, opcode),
    }
}
