//! A second opinion: the iced-x86 disassembler on the same bytes.

use std::vec::Vec;

use iced_x86::{Code, DecoderOptions, Mnemonic, OpKind, Register};
use phalanx_arch_api::AccessSize;

use crate::decode::{
    AluOp, BitOp, Instruction, MachineStatus, MemoryAccess, MemoryAction, MemoryOperand, Mode, Operation, Port, Reg,
    RegisterOperand, Repeat, Seg, Source, StringAccess, StringOp, System, UnaryOp,
};

/// Where the instruction pretends to be.
pub(super) const IP: u64 = 0x7654_3210;

/// What iced makes of the bytes; `None` for an invalid instruction.
pub(super) fn disassemble(bytes: &[u8], mode: Mode) -> Option<iced_x86::Instruction> {
    let bits = match mode {
        Mode::Bits16 => 16,
        Mode::Bits32 => 32,
        Mode::Bits64 => 64,
    };
    let bytes = bytes.get(..15).unwrap_or(bytes);
    // AMD's reading, for CR8 by LOCK MOV CR0.
    let mut decoder = iced_x86::Decoder::with_ip(bits, bytes, IP, DecoderOptions::AMD);
    let instruction = decoder.decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// Whether the decoder promises to know this instruction.
pub(super) fn is_promised(iced: &iced_x86::Instruction) -> bool {
    use Mnemonic as M;
    let has_memory = (0..iced.op_count()).any(|n| iced.op_kind(n) == OpKind::Memory);
    match iced.mnemonic() {
        M::Mov => is_promised_move(iced, has_memory),
        M::Movzx | M::Movsx | M::Movsxd | M::Movnti | M::Xchg | M::Xadd | M::Cmpxchg => has_memory,
        M::Add | M::Or | M::Adc | M::Sbb | M::And | M::Sub | M::Xor | M::Cmp | M::Test => has_memory,
        M::Inc | M::Dec | M::Not | M::Neg | M::Bt | M::Bts | M::Btr | M::Btc => has_memory,
        _ => string_op(iced).is_some() || is_promised_system(iced.mnemonic()),
    }
}

/// Moves of general-purpose registers and immediates to and from memory, and of control and debug registers.
fn is_promised_move(iced: &iced_x86::Instruction, has_memory: bool) -> bool {
    let registers: Vec<Register> =
        (0..iced.op_count()).filter(|n| iced.op_kind(*n) == OpKind::Register).map(|n| iced.op_register(n)).collect();
    if registers.iter().any(|register| register.is_cr() || register.is_dr()) {
        return true;
    }
    has_memory && registers.iter().all(|register| register.is_gpr())
}

fn is_promised_system(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Cpuid
            | M::Rdmsr
            | M::Wrmsr
            | M::Hlt
            | M::Vmmcall
            | M::Vmcall
            | M::Invd
            | M::Wbinvd
            | M::Wbnoinvd
            | M::In
            | M::Out
            | M::Lmsw
            | M::Smsw
            | M::Clts
            | M::Xgetbv
            | M::Xsetbv
            | M::Rdtsc
            | M::Rdtscp
            | M::Rdpmc
            | M::Invlpg
            | M::Invlpga
            | M::Iret
            | M::Iretd
            | M::Iretq
            | M::Pause
            | M::Monitor
            | M::Mwait
            | M::Vmrun
            | M::Vmload
            | M::Vmsave
            | M::Stgi
            | M::Clgi
            | M::Skinit
            | M::Int
            | M::Int3
            | M::Into
            | M::Int1
            | M::Rsm
    )
}

/// The string instruction and its element size; SSE instructions of the same name are none.
fn string_op(iced: &iced_x86::Instruction) -> Option<(StringOp, u32)> {
    Some(match iced.code() {
        Code::Movsb_m8_m8 => (StringOp::Movs, 1),
        Code::Movsw_m16_m16 => (StringOp::Movs, 2),
        Code::Movsd_m32_m32 => (StringOp::Movs, 4),
        Code::Movsq_m64_m64 => (StringOp::Movs, 8),
        Code::Cmpsb_m8_m8 => (StringOp::Cmps, 1),
        Code::Cmpsw_m16_m16 => (StringOp::Cmps, 2),
        Code::Cmpsd_m32_m32 => (StringOp::Cmps, 4),
        Code::Cmpsq_m64_m64 => (StringOp::Cmps, 8),
        Code::Stosb_m8_AL => (StringOp::Stos, 1),
        Code::Stosw_m16_AX => (StringOp::Stos, 2),
        Code::Stosd_m32_EAX => (StringOp::Stos, 4),
        Code::Stosq_m64_RAX => (StringOp::Stos, 8),
        Code::Lodsb_AL_m8 => (StringOp::Lods, 1),
        Code::Lodsw_AX_m16 => (StringOp::Lods, 2),
        Code::Lodsd_EAX_m32 => (StringOp::Lods, 4),
        Code::Lodsq_RAX_m64 => (StringOp::Lods, 8),
        Code::Scasb_AL_m8 => (StringOp::Scas, 1),
        Code::Scasw_AX_m16 => (StringOp::Scas, 2),
        Code::Scasd_EAX_m32 => (StringOp::Scas, 4),
        Code::Scasq_RAX_m64 => (StringOp::Scas, 8),
        Code::Insb_m8_DX => (StringOp::Ins, 1),
        Code::Insw_m16_DX => (StringOp::Ins, 2),
        Code::Insd_m32_DX => (StringOp::Ins, 4),
        Code::Outsb_DX_m8 => (StringOp::Outs, 1),
        Code::Outsw_DX_m16 => (StringOp::Outs, 2),
        Code::Outsd_DX_m32 => (StringOp::Outs, 4),
        _ => return None,
    })
}

/// Whether both mean the same instruction.
pub(super) fn agrees(ours: &Instruction, iced: &iced_x86::Instruction) -> bool {
    let same = match &ours.operation {
        Operation::Memory(access) => memory_agrees(access, iced),
        Operation::String(string) => string_agrees(string, iced),
        Operation::System(system) => system_agrees(system, iced),
    };
    same && usize::from(ours.length) == iced.len()
}

fn memory_agrees(access: &MemoryAccess, iced: &iced_x86::Instruction) -> bool {
    let MemoryAccess { operand, size, lock, action } = access;
    let size = *size;
    let source = |n: u32, source: &Source| source_agrees(iced, n, size, source);
    let register = |n: u32, register: &RegisterOperand| is_register(iced, n, size, *register);
    let m = iced.mnemonic();
    let (memory_index, same) = match action {
        MemoryAction::Load { to, width, signed } => {
            let expected: &[Mnemonic] = match (signed, width == &size) {
                (false, true) => &[Mnemonic::Mov, Mnemonic::Movzx],
                (false, false) => &[Mnemonic::Movzx],
                (true, true) => &[Mnemonic::Movsxd, Mnemonic::Movsx],
                (true, false) => &[Mnemonic::Movsx, Mnemonic::Movsxd],
            };
            (1, expected.contains(&m) && is_register(iced, 0, *width, *to))
        }
        MemoryAction::Store(from) => (0, matches!(m, Mnemonic::Mov | Mnemonic::Movnti) && source(1, from)),
        MemoryAction::Alu(op, from) => (0, m == alu_mnemonic(*op) && source(1, from)),
        MemoryAction::AluToRegister(op, to) => (1, m == alu_mnemonic(*op) && register(0, to)),
        MemoryAction::Unary(op) => (0, m == unary_mnemonic(*op)),
        MemoryAction::Exchange(with) => (0, m == Mnemonic::Xchg && register(1, with)),
        MemoryAction::ExchangeAdd(with) => (0, m == Mnemonic::Xadd && register(1, with)),
        MemoryAction::CompareExchange(with) => (0, m == Mnemonic::Cmpxchg && register(1, with)),
        MemoryAction::Bit(op, Source::Immediate(number)) => {
            (0, m == bit_mnemonic(*op) && iced.immediate8() == *number as u8)
        }
        MemoryAction::Bit(op, from) => (0, m == bit_mnemonic(*op) && source(1, from)),
    };
    same && iced.op_kind(memory_index) == OpKind::Memory
        && iced.memory_size().size() == size.bytes() as usize
        && iced.has_lock_prefix() == *lock
        && operand_agrees(operand, iced)
}

fn source_agrees(iced: &iced_x86::Instruction, n: u32, size: AccessSize, source: &Source) -> bool {
    match source {
        Source::Register(register) => is_register(iced, n, size, *register),
        Source::Immediate(value) => {
            let value = i64::from(*value).cast_unsigned();
            iced.try_immediate(n).is_ok_and(|other| (other ^ value) & size.all_ones() == 0)
        }
    }
}

fn is_register(iced: &iced_x86::Instruction, n: u32, size: AccessSize, ours: RegisterOperand) -> bool {
    iced.op_kind(n) == OpKind::Register && iced.op_register(n) == register(ours, size)
}

/// Our operand in iced's names.
fn register(operand: RegisterOperand, size: AccessSize) -> Register {
    let number = u32::from(operand.reg.number());
    if operand.high {
        return [Register::AH, Register::CH, Register::DH, Register::BH][number as usize];
    }
    match size {
        AccessSize::B1 if number >= 4 => Register::SPL + (number - 4),
        AccessSize::B1 => Register::AL + number,
        AccessSize::B2 => Register::AX + number,
        AccessSize::B4 => Register::EAX + number,
        AccessSize::B8 => Register::RAX + number,
    }
}

fn address_register(reg: Option<Reg>, size: AccessSize) -> Register {
    reg.map_or(Register::None, |reg| register(RegisterOperand::low(reg), size))
}

fn operand_agrees(operand: &MemoryOperand, iced: &iced_x86::Instruction) -> bool {
    let size = operand.address_size();
    let mask = size.all_ones();
    let base = match operand.relative_to_next() {
        Some(_) if size == AccessSize::B4 => Register::EIP,
        Some(_) => Register::RIP,
        None => address_register(operand.base(), size),
    };
    // iced gives the target of an IP-relative operand.
    let from = operand.relative_to_next().map_or(0, |length| IP + u64::from(length));
    let displacement = from.wrapping_add(operand.displacement().cast_unsigned()) & mask;
    iced.memory_base() == base
        && iced.memory_index() == address_register(operand.index(), size)
        && iced.memory_index_scale() == 1 << operand.scale()
        && iced.memory_displacement64() & mask == displacement
        && (base != Register::None || operand.index().is_some() || displ_size(iced) == size.bytes())
        && segment_agrees(operand.segment(), iced)
}

fn displ_size(iced: &iced_x86::Instruction) -> u32 {
    iced.memory_displ_size()
}

fn segment_agrees(segment: Option<Seg>, iced: &iced_x86::Instruction) -> bool {
    let Some(segment) = segment else {
        return !matches!(iced.memory_segment(), Register::FS | Register::GS);
    };
    let expected = match segment {
        Seg::Es => Register::ES,
        Seg::Cs => Register::CS,
        Seg::Ss => Register::SS,
        Seg::Ds => Register::DS,
        Seg::Fs => Register::FS,
        Seg::Gs => Register::GS,
    };
    iced.memory_segment() == expected
}

fn string_agrees(string: &StringAccess, iced: &iced_x86::Instruction) -> bool {
    let repeat = match (iced.has_rep_prefix(), iced.has_repne_prefix()) {
        (true, _) => Repeat::WhileEqual,
        (_, true) => Repeat::WhileNotEqual,
        _ => Repeat::Never,
    };
    let (si, di) = match string.address_size {
        AccessSize::B2 => (OpKind::MemorySegSI, OpKind::MemoryESDI),
        AccessSize::B4 => (OpKind::MemorySegESI, OpKind::MemoryESEDI),
        _ => (OpKind::MemorySegRSI, OpKind::MemoryESRDI),
    };
    let has = |kind: OpKind| (0..iced.op_count()).any(|n| iced.op_kind(n) == kind);
    string_op(iced) == Some((string.op, string.size.bytes()))
        && repeat == string.repeat
        && has(si) == string.uses_source()
        && has(di) == string.uses_destination()
        && (!string.uses_source() || segment_agrees(string.source_segment, iced))
}

fn alu_mnemonic(op: AluOp) -> Mnemonic {
    match op {
        AluOp::Add => Mnemonic::Add,
        AluOp::Or => Mnemonic::Or,
        AluOp::Adc => Mnemonic::Adc,
        AluOp::Sbb => Mnemonic::Sbb,
        AluOp::And => Mnemonic::And,
        AluOp::Sub => Mnemonic::Sub,
        AluOp::Xor => Mnemonic::Xor,
        AluOp::Cmp => Mnemonic::Cmp,
        AluOp::Test => Mnemonic::Test,
    }
}

fn unary_mnemonic(op: UnaryOp) -> Mnemonic {
    match op {
        UnaryOp::Inc => Mnemonic::Inc,
        UnaryOp::Dec => Mnemonic::Dec,
        UnaryOp::Not => Mnemonic::Not,
        UnaryOp::Neg => Mnemonic::Neg,
    }
}

fn bit_mnemonic(op: BitOp) -> Mnemonic {
    match op {
        BitOp::Test => Mnemonic::Bt,
        BitOp::Set => Mnemonic::Bts,
        BitOp::Reset => Mnemonic::Btr,
        BitOp::Complement => Mnemonic::Btc,
    }
}

fn system_agrees(system: &System, iced: &iced_x86::Instruction) -> bool {
    use Mnemonic as M;
    let m = iced.mnemonic();
    match system {
        System::In { size, port } => {
            m == M::In && port_agrees(iced, 1, *port) && iced.op0_register() == accumulator(*size)
        }
        System::Out { size, port } => {
            m == M::Out && port_agrees(iced, 0, *port) && iced.op1_register() == accumulator(*size)
        }
        System::ReadControl { control, to } => is_move(iced, *to, Register::CR0, *control, 0),
        System::WriteControl { control, from } => is_move(iced, *from, Register::CR0, *control, 1),
        System::ReadDebug { debug, to } => is_move(iced, *to, Register::DR0, *debug, 0),
        System::WriteDebug { debug, from } => is_move(iced, *from, Register::DR0, *debug, 1),
        System::Lmsw(status) => m == M::Lmsw && status_agrees(status, iced),
        System::Smsw(status) => m == M::Smsw && status_agrees(status, iced),
        System::Invlpg(operand) => m == M::Invlpg && operand_agrees(operand, iced),
        System::Interrupt(vector) => m == M::Int && iced.immediate8() == *vector,
        System::Iret => matches!(m, M::Iret | M::Iretd | M::Iretq),
        other => std::format!("{other:?}") == plain_name(m),
    }
}

/// The variant of [`System`] without fields that the mnemonic stands for.
fn plain_name(mnemonic: Mnemonic) -> std::string::String {
    match mnemonic {
        Mnemonic::Int3 => "Breakpoint".into(),
        Mnemonic::Into => "Overflow".into(),
        Mnemonic::Int1 => "Icebp".into(),
        Mnemonic::Vmgexit => "Vmmcall".into(),
        other => std::format!("{other:?}"),
    }
}

fn accumulator(size: AccessSize) -> Register {
    register(RegisterOperand::low(Reg::Rax), size)
}

fn port_agrees(iced: &iced_x86::Instruction, n: u32, port: Port) -> bool {
    match port {
        Port::Dx => iced.op_kind(n) == OpKind::Register && iced.op_register(n) == Register::DX,
        Port::Immediate(number) => iced.try_immediate(n).is_ok_and(|n| n == u64::from(number)),
    }
}

/// MOV between the special register `first + number` and a whole general-purpose register at operand `gpr_index`.
fn is_move(iced: &iced_x86::Instruction, gpr: Reg, first: Register, number: u8, gpr_index: u32) -> bool {
    let ours = RegisterOperand::low(gpr);
    let whole = [register(ours, AccessSize::B4), register(ours, AccessSize::B8)];
    iced.mnemonic() == Mnemonic::Mov
        && whole.contains(&iced.op_register(gpr_index))
        && iced.op_register(1 - gpr_index) == first + u32::from(number)
}

fn status_agrees(status: &MachineStatus, iced: &iced_x86::Instruction) -> bool {
    match status {
        MachineStatus::Memory(operand) => iced.op0_kind() == OpKind::Memory && operand_agrees(operand, iced),
        // iced names LMSW's source in the operand size; 16 bits of it count.
        MachineStatus::Register(ours, _) if iced.mnemonic() == Mnemonic::Lmsw => {
            iced.op0_register().full_register() == register(*ours, AccessSize::B8)
        }
        MachineStatus::Register(ours, size) => is_register(iced, 0, *size, *ours),
    }
}
