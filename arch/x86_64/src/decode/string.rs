//! String instructions, one element at a time, as the processor itself interrupts and resumes them.
//!
//! The caller asks [`StringAccess::is_finished`] first (RCX may be 0), moves one element, and calls
//! [`StringAccess::step`]. Until that says that the instruction is finished, the instruction pointer stays: the guest
//! re-executes the rest, so no count that a guest chooses keeps the hypervisor busy.

use phalanx_arch_api::AccessSize;

use super::address::in_segment;
use super::{AluOp, Mode, Reg, RegisterOperand, Registers, Seg, alu, flags};

/// How often a string instruction runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Never,
    /// REP and REPE (0xf3): RCX times; SCAS and CMPS end when ZF is clear.
    WhileEqual,
    /// REPNE (0xf2): RCX times; SCAS and CMPS end when ZF is set.
    WhileNotEqual,
}

/// A string instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringAccess {
    /// Which one.
    pub op: StringOp,
    /// Bytes of an element.
    pub size: AccessSize,
    /// The REP prefix.
    pub repeat: Repeat,
    /// The segment of the element at rSI; `None` where 64-bit mode ignores it.
    pub source_segment: Option<Seg>,
    /// Width of rSI, rDI and rCX.
    pub address_size: AccessSize,
    /// The mode that it was decoded in: in 64-bit mode, ES has no base.
    pub mode: Mode,
}

/// The string instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringOp {
    /// Memory to memory.
    Movs,
    /// Compares memory with memory.
    Cmps,
    /// RAX and its parts to memory.
    Stos,
    /// Memory to RAX and its parts.
    Lods,
    /// Compares RAX and its parts with memory.
    Scas,
    /// Port DX to memory.
    Ins,
    /// Memory to port DX.
    Outs,
}

impl StringAccess {
    /// Linear address of the element at rSI: MOVS, CMPS, LODS, OUTS.
    pub fn source_address(&self, registers: &impl Registers) -> u64 {
        self.address(Reg::Rsi, self.source_segment, registers)
    }

    /// Linear address of the element at ES:rDI: MOVS, CMPS, STOS, SCAS, INS.
    pub fn destination_address(&self, registers: &impl Registers) -> u64 {
        let segment = self.mode.effective_segment(None, Seg::Es);
        self.address(Reg::Rdi, segment, registers)
    }

    fn address(&self, index: Reg, segment: Option<Seg>, registers: &impl Registers) -> u64 {
        let offset = registers.gpr(index) & self.address_size.all_ones();
        in_segment(segment, offset, self.mode.linear_size(), registers)
    }

    /// Whether nothing is left to do before an element is touched: a repeat count of zero.
    pub fn is_finished(&self, registers: &impl Registers) -> bool {
        self.repeat != Repeat::Never && self.count(registers) == 0
    }

    /// LODS: the element arrives in the accumulator.
    pub fn load(&self, value: u64, registers: &mut impl Registers) {
        RegisterOperand::low(Reg::Rax).write(self.size, value, registers);
    }

    /// STOS and SCAS: the accumulator's part that takes part.
    pub fn accumulator(&self, registers: &impl Registers) -> u64 {
        RegisterOperand::low(Reg::Rax).read(self.size, registers)
    }

    /// SCAS (accumulator and element at rDI) and CMPS (elements at rSI and rDI): sets the flags of `first - second`.
    pub fn compare(&self, first: u64, second: u64, registers: &mut impl Registers) {
        let (_, rflags) = alu(AluOp::Cmp, self.size, first, second, registers.rflags());
        registers.set_rflags(rflags);
    }

    /// Steps rSI, rDI and rCX over one element; `true` when the instruction is finished.
    pub fn step(&self, registers: &mut impl Registers) -> bool {
        let bytes = u64::from(self.size.bytes());
        let backwards = registers.rflags() & flags::DF != 0;
        let delta = if backwards { bytes.wrapping_neg() } else { bytes };
        if self.uses_source() {
            self.advance(Reg::Rsi, delta, registers);
        }
        if self.uses_destination() {
            self.advance(Reg::Rdi, delta, registers);
        }
        if self.repeat == Repeat::Never {
            return true;
        }
        self.advance(Reg::Rcx, u64::MAX, registers);
        self.count(registers) == 0 || self.comparison_ends(registers)
    }

    /// Whether the element at rSI takes part.
    #[must_use]
    pub const fn uses_source(&self) -> bool {
        matches!(self.op, StringOp::Movs | StringOp::Cmps | StringOp::Lods | StringOp::Outs)
    }

    /// Whether the element at rDI takes part.
    #[must_use]
    pub const fn uses_destination(&self) -> bool {
        !matches!(self.op, StringOp::Lods | StringOp::Outs)
    }

    /// The repeat count: rCX in the address size.
    pub fn count(&self, registers: &impl Registers) -> u64 {
        registers.gpr(Reg::Rcx) & self.address_size.all_ones()
    }

    fn comparison_ends(&self, registers: &impl Registers) -> bool {
        let equal = registers.rflags() & flags::ZF != 0;
        match (self.op, self.repeat) {
            (StringOp::Cmps | StringOp::Scas, Repeat::WhileEqual) => !equal,
            (StringOp::Cmps | StringOp::Scas, Repeat::WhileNotEqual) => equal,
            _ => false,
        }
    }

    /// Adds to a register in the address size: 16 bits keep the rest, 32 bits clear the upper half.
    fn advance(&self, reg: Reg, delta: u64, registers: &mut impl Registers) {
        let value = registers.gpr(reg).wrapping_add(delta);
        RegisterOperand::low(reg).write(self.address_size, value, registers);
    }
}
