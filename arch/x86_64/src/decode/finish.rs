//! The end of decoding: what was found becomes an [`Instruction`], or an error.

use phalanx_arch_api::AccessSize;

use super::modrm::ModRm;
use super::prefix::Decoder;
use super::{
    DecodeError, Instruction, MachineStatus, MemoryAccess, MemoryAction, MemoryOperand, Operation, StringAccess, System,
};

/// The result of decoding.
pub(super) type Decoded = Result<Instruction, DecodeError>;

impl Decoder {
    /// An access of `size` bytes at the operand that `modrm` names. A register form never exits for its operand.
    #[inline(never)]
    pub(super) fn access(&mut self, modrm: ModRm, size: AccessSize, action: MemoryAction) -> Decoded {
        if modrm.register().is_some() { self.refuse() } else { self.access_memory(size, action) }
    }

    /// An access of `size` bytes at the operand. A LOCK prefix is for reading and writing (AMD APM vol. 3, 1.2.5).
    #[inline]
    pub(super) fn access_memory(&mut self, size: AccessSize, action: MemoryAction) -> Decoded {
        let access = MemoryAccess { operand: self.memory_operand(), size, lock: self.lock, action };
        if self.lock && !(access.reads() && access.writes()) || self.bytes.overrun().is_some() {
            return self.refuse();
        }
        Ok(Instruction { length: self.bytes.length(), operation: Operation::Memory(access) })
    }

    /// A string instruction.
    pub(super) fn string(&self, access: StringAccess) -> Decoded {
        self.unlocked(Operation::String(access))
    }

    /// An intercepted instruction.
    pub(super) fn system(&self, system: System) -> Decoded {
        self.unlocked(Operation::System(system))
    }

    /// INVLPG, LMSW or SMSW with its operand in memory.
    pub(super) fn system_at(&mut self, make: fn(MemoryOperand) -> System) -> Decoded {
        let operand = self.memory_operand();
        self.system(make(operand))
    }

    fn unlocked(&self, operation: Operation) -> Decoded {
        if self.lock { self.refuse() } else { self.done(operation) }
    }

    /// Any operation, with or without LOCK.
    pub(super) fn done(&self, operation: Operation) -> Decoded {
        match self.bytes.overrun() {
            None => Ok(Instruction { length: self.bytes.length(), operation }),
            Some(error) => Err(error),
        }
    }

    /// No instruction that is known here; or one whose end is missing.
    #[cold]
    pub(super) fn refuse(&self) -> Decoded {
        Err(self.bytes.overrun().unwrap_or(DecodeError::Unknown))
    }

    /// The operand, now that the instruction's length is known.
    #[inline]
    fn memory_operand(&mut self) -> MemoryOperand {
        self.operand.instruction_length = self.bytes.length();
        self.operand
    }
}

/// [`System::Smsw`] of memory.
pub(super) fn smsw(operand: MemoryOperand) -> System {
    System::Smsw(MachineStatus::Memory(operand))
}

/// [`System::Lmsw`] of memory.
pub(super) fn lmsw(operand: MemoryOperand) -> System {
    System::Lmsw(MachineStatus::Memory(operand))
}
