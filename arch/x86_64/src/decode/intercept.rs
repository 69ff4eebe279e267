//! Instructions that are intercepted as such.

use phalanx_arch_api::AccessSize;

use super::{MemoryOperand, Reg, RegisterOperand};

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
