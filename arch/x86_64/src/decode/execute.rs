//! Carries out an instruction on a device register: the exit's second half.
//!
//! The caller reads the operand where [`MemoryAccess::reads`] says so, calls [`MemoryAccess::execute`], writes what it
//! returns, and steps over the instruction.

use super::address::sign_extend;
use super::{AluOp, BitOp};
use super::{MemoryAccess, MemoryAction, Reg, RegisterOperand, Registers, Source, alu, bit, unary};
use phalanx_arch_api::AccessSize;

impl MemoryAccess {
    /// Whether the instruction reads its memory operand.
    #[must_use]
    pub const fn reads(&self) -> bool {
        !matches!(self.action, MemoryAction::Store(_))
    }

    /// Whether the instruction writes its memory operand.
    #[must_use]
    pub const fn writes(&self) -> bool {
        match self.action {
            MemoryAction::Load { .. } | MemoryAction::AluToRegister(..) => false,
            MemoryAction::Alu(op, _) => op.has_result(),
            MemoryAction::Bit(op, _) => !matches!(op, BitOp::Test),
            MemoryAction::Store(_)
            | MemoryAction::Unary(_)
            | MemoryAction::Exchange(_)
            | MemoryAction::ExchangeAdd(_)
            | MemoryAction::CompareExchange(_) => true,
        }
    }

    /// Carries out the instruction where the operand's value is `memory` (ignored unless [`Self::reads`]): changes
    /// registers and flags, and returns what the instruction writes to the operand; `Some` exactly if [`Self::writes`].
    ///
    /// The instruction pointer is left alone.
    #[inline]
    pub fn execute(&self, memory: u64, registers: &mut impl Registers) -> Option<u64> {
        let size = self.size;
        let memory = memory & size.all_ones();
        match self.action {
            MemoryAction::Load { to, width, signed } => {
                let value = if signed { sign_extend(memory, size).cast_unsigned() } else { memory };
                to.write(width, value, registers);
                None
            }
            MemoryAction::Store(source) => Some(source.value(size, registers)),
            MemoryAction::Alu(op, source) => self.alu_to_memory(op, memory, source, registers),
            MemoryAction::AluToRegister(op, register) => {
                self.alu_to_register(op, register, memory, registers);
                None
            }
            MemoryAction::Unary(op) => {
                let (result, rflags) = unary(op, size, memory, registers.rflags());
                registers.set_rflags(rflags);
                Some(result)
            }
            MemoryAction::Exchange(register) => {
                let value = register.read(size, registers);
                register.write(size, memory, registers);
                Some(value)
            }
            MemoryAction::ExchangeAdd(register) => {
                let value = register.read(size, registers);
                register.write(size, memory, registers);
                let (sum, rflags) = alu(AluOp::Add, size, memory, value, registers.rflags());
                registers.set_rflags(rflags);
                Some(sum)
            }
            MemoryAction::CompareExchange(register) => Some(self.compare_exchange(register, memory, registers)),
            MemoryAction::Bit(op, source) => {
                let number = source.value(size, registers);
                let (result, rflags) = bit(op, size, memory, number, registers.rflags());
                registers.set_rflags(rflags);
                self.writes().then_some(result)
            }
        }
    }

    fn alu_to_memory(&self, op: AluOp, memory: u64, source: Source, registers: &mut impl Registers) -> Option<u64> {
        let value = source.value(self.size, registers);
        let (result, rflags) = alu(op, self.size, memory, value, registers.rflags());
        registers.set_rflags(rflags);
        op.has_result().then_some(result)
    }

    fn alu_to_register(&self, op: AluOp, register: RegisterOperand, memory: u64, registers: &mut impl Registers) {
        let value = register.read(self.size, registers);
        let (result, rflags) = alu(op, self.size, value, memory, registers.rflags());
        registers.set_rflags(rflags);
        if op.has_result() {
            register.write(self.size, result, registers);
        }
    }

    /// Where the comparison fails, the old value is written back as the processor does.
    fn compare_exchange(&self, register: RegisterOperand, memory: u64, registers: &mut impl Registers) -> u64 {
        let accumulator = RegisterOperand::low(Reg::Rax);
        let expected = accumulator.read(self.size, registers);
        let (difference, rflags) = alu(AluOp::Cmp, self.size, expected, memory, registers.rflags());
        registers.set_rflags(rflags);
        if difference == 0 {
            return register.read(self.size, registers);
        }
        accumulator.write(self.size, memory, registers);
        memory
    }
}

impl Source {
    /// The operand's value, `size` bytes of it.
    #[inline]
    pub fn value(self, size: AccessSize, registers: &impl Registers) -> u64 {
        match self {
            Self::Register(register) => register.read(size, registers),
            Self::Immediate(value) => i64::from(value).cast_unsigned() & size.all_ones(),
        }
    }
}
