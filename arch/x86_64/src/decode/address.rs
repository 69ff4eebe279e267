//! From a memory operand to a linear address.

use phalanx_arch_api::AccessSize;

use super::{MemoryAccess, MemoryAction, MemoryOperand, Registers, Seg, Source};

/// The linear address that `operand` stands for. Not checked against limits or for being canonical: hardware did that
/// before the exit.
pub fn effective_address(operand: &MemoryOperand, registers: &impl Registers) -> u64 {
    linear(operand, 0, registers)
}

/// The linear address `extra` bytes past the operand.
fn linear(operand: &MemoryOperand, extra: u64, registers: &impl Registers) -> u64 {
    let base = match (operand.base(), operand.relative_to_next()) {
        (Some(reg), _) => registers.gpr(reg),
        (None, Some(length)) => registers.rip().wrapping_add(u64::from(length)),
        (None, None) => 0,
    };
    let index = operand.index().map_or(0, |reg| registers.gpr(reg) << operand.scale());
    let displacement = operand.displacement().cast_unsigned();
    let offset = base.wrapping_add(index).wrapping_add(displacement).wrapping_add(extra);
    in_segment(operand.segment(), offset & operand.address_size().all_ones(), operand.linear_size(), registers)
}

/// The linear address of `offset` in a segment; `None` is one without base.
pub(super) fn in_segment(
    segment: Option<Seg>,
    offset: u64,
    linear_size: AccessSize,
    registers: &impl Registers,
) -> u64 {
    let base = segment.map_or(0, |segment| registers.segment_base(segment));
    base.wrapping_add(offset) & linear_size.all_ones()
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
