//! What an instruction is, once decoded.

use phalanx_arch_api::AccessSize;

use super::{AluOp, BitOp, Reg, RegisterOperand, Seg, UnaryOp};

/// How the processor reads code (AMD APM vol. 2, table 1-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Real mode, virtual-8086 mode and 16-bit code segments.
    Bits16,
    /// 32-bit code segments, in protected and compatibility mode.
    Bits32,
    /// 64-bit mode.
    Bits64,
}

impl Mode {
    /// The mode by EFER.LMA and the code segment's L and D bits. D is clear in real and virtual-8086 mode.
    #[must_use]
    pub const fn of(long_mode_active: bool, cs_long: bool, cs_default: bool) -> Self {
        match (long_mode_active && cs_long, cs_default) {
            (true, _) => Self::Bits64,
            (false, true) => Self::Bits32,
            (false, false) => Self::Bits16,
        }
    }
}

/// Why an instruction could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the instruction does: fetch more, or raise the fetch's page fault.
    Truncated,
    /// Longer than 15 bytes: #GP(0).
    TooLong,
    /// No instruction, or one that no exit needs: #UD.
    Unknown,
}

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Bytes, 1 to 15, with prefixes.
    pub length: u8,
    /// What it does.
    pub operation: Operation,
}

/// What an instruction does, as far as an exit can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Works on one memory operand.
    Memory(MemoryAccess),
    /// A string instruction.
    String(StringAccess),
    /// An instruction that is intercepted as such.
    System(System),
}

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
    /// An immediate, sign-extended to 64 bits.
    Immediate(u64),
}

/// `segment:[base + (index << scale) + displacement]`, computed modulo 2^`address_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOperand {
    /// Whose base is added; `None` where 64-bit mode ignores it.
    pub segment: Option<Seg>,
    /// Base register.
    pub base: Option<Reg>,
    /// Index register.
    pub index: Option<Reg>,
    /// Left shift of the index, 0 to 3.
    pub scale: u8,
    /// Relative to the instruction's first byte (the length is already in `displacement`).
    pub rip_relative: bool,
    /// Signed displacement, or a 64-bit absolute address.
    pub displacement: i64,
    /// Width of the effective address.
    pub address_size: AccessSize,
    /// Which linear addresses there are: 32 bits outside 64-bit mode.
    pub linear_size: AccessSize,
}

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
    /// The element at rSI: used by MOVS, CMPS, LODS, OUTS.
    pub source: MemoryOperand,
    /// The element at ES:rDI: used by MOVS, CMPS, STOS, SCAS, INS.
    pub destination: MemoryOperand,
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

/// The port of IN and OUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Number in the instruction.
    Immediate(u8),
    /// Number in DX.
    Dx,
}

/// The operand of LMSW and SMSW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineStatus {
    /// A register. LMSW reads 16 bits of it, SMSW writes this many bytes of CR0 to it.
    Register(RegisterOperand, AccessSize),
    /// 16 bits in memory.
    Memory(MemoryOperand),
}

/// Instructions that are intercepted as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the instructions'")]
pub enum System {
    Cpuid,
    Rdmsr,
    Wrmsr,
    Hlt,
    Vmmcall,
    Vmcall,
    Invd,
    Wbinvd,
    Wbnoinvd,
    In { size: AccessSize, port: Port },
    Out { size: AccessSize, port: Port },
    ReadControl { control: u8, to: Reg },
    WriteControl { control: u8, from: Reg },
    ReadDebug { debug: u8, to: Reg },
    WriteDebug { debug: u8, from: Reg },
    Lmsw(MachineStatus),
    Smsw(MachineStatus),
    Clts,
    Xgetbv,
    Xsetbv,
    Rdtsc,
    Rdtscp,
    Rdpmc,
    Invlpg(MemoryOperand),
    Invlpga,
    Iret,
    Pause,
    Monitor,
    Mwait,
    Vmrun,
    Vmload,
    Vmsave,
    Stgi,
    Clgi,
    Skinit,
    Interrupt(u8),
    Breakpoint,
    Overflow,
    Icebp,
    Rsm,
}

impl Operation {
    /// Whether a LOCK prefix is allowed (AMD APM vol. 3, 1.2.5): read-modify-write of memory, and AMD's CR8 by CR0.
    pub(super) const fn may_be_locked(&self) -> bool {
        match self {
            Self::Memory(access) => access.writes() && access.reads(),
            Self::System(System::ReadControl { .. } | System::WriteControl { .. }) => true,
            Self::String(_) | Self::System(_) => false,
        }
    }

    /// The memory operand that ModRM encodes.
    pub(super) const fn memory_operand_mut(&mut self) -> Option<&mut MemoryOperand> {
        match self {
            Self::Memory(access) => Some(&mut access.operand),
            Self::System(
                System::Invlpg(operand)
                | System::Lmsw(MachineStatus::Memory(operand))
                | System::Smsw(MachineStatus::Memory(operand)),
            ) => Some(operand),
            Self::String(_) | Self::System(_) => None,
        }
    }
}
