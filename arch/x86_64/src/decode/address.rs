//! From a memory operand to a linear address.

use phalanx_arch_api::AccessSize;

use super::{MemoryAccess, MemoryAction, MemoryOperand, Registers, Source};

/// The linear address that `operand` stands for. Not checked against limits or for being canonical: hardware did that
/// before the exit.
pub fn effective_address(operand: &MemoryOperand, registers: &impl Registers) -> u64 {
    linear(operand, 0, registers)
}

/// The linear address `extra` bytes past the operand, wrapped as the address size says.
fn linear(operand: &MemoryOperand, extra: u64, registers: &impl Registers) -> u64 {
    let base = match operand.base {
        Some(reg) => registers.gpr(reg),
        None if operand.rip_relative => registers.rip(),
        None => 0,
    };
    let index = operand.index.map_or(0, |reg| registers.gpr(reg) << (operand.scale & 3));
    let offset = base.wrapping_add(index).wrapping_add(operand.displacement.cast_unsigned()).wrapping_add(extra);
    let segment = operand.segment.map_or(0, |segment| registers.segment_base(segment));
    segment.wrapping_add(offset & operand.address_size.all_ones()) & operand.linear_size.all_ones()
}

impl MemoryAccess {
    /// The linear address of the bytes that are accessed.
    ///
    /// A bit instruction with a register takes its signed bit number from the operand's start, so it reaches up to
    /// 2^60 bytes to either side (Intel SDM vol. 2A, BT).
    pub fn linear_address(&self, registers: &impl Registers) -> u64 {
        linear(&self.operand, self.bit_string_offset(registers), registers)
    }

    fn bit_string_offset(&self, registers: &impl Registers) -> u64 {
        let MemoryAction::Bit(_, Source::Register(register)) = self.action else {
            return 0;
        };
        let number = sign_extend(register.read(self.size, registers), self.size);
        let bytes = i64::from(self.size.bytes());
        (number.div_euclid(bytes * 8) * bytes).cast_unsigned()
    }
}

/// The value's low `size` bytes as a signed number.
pub(super) fn sign_extend(value: u64, size: AccessSize) -> i64 {
    let shift = 64 - 8 * size.bytes();
    (value << shift).cast_signed() >> shift
}
