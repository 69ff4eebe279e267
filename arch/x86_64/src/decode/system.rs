//! The system instructions behind 0x0f.

use phalanx_arch_api::AccessSize;

use super::modrm::Rm;
use super::prefix::Decoder;
use super::{DecodeError, MachineStatus, Reg, Repeat, System};

/// Decodes what follows 0x0f `opcode`.
pub(super) fn decode(decoder: &mut Decoder<'_>, opcode: u8) -> Result<System, DecodeError> {
    Ok(match opcode {
        0x01 => return group_7(decoder),
        0x06 => System::Clts,
        0x08 => System::Invd,
        0x09 if decoder.repeat == Repeat::WhileEqual => System::Wbnoinvd,
        0x09 => System::Wbinvd,
        0x20..=0x23 => return move_special(decoder, opcode),
        0x30 => System::Wrmsr,
        0x31 => System::Rdtsc,
        0x32 => System::Rdmsr,
        0x33 => System::Rdpmc,
        0xa2 => System::Cpuid,
        0xaa => System::Rsm,
        _ => return Err(DecodeError::Unknown),
    })
}

/// MOV to and from control and debug registers. The mod field is ignored: the operand is always a register.
fn move_special(decoder: &mut Decoder<'_>, opcode: u8) -> Result<System, DecodeError> {
    let byte = decoder.bytes.u8()?;
    let gpr = Reg::from_number(decoder.extend_base(byte & 7));
    let number = decoder.extend_reg(byte >> 3 & 7);
    if opcode & 1 != 0 {
        return debug_register(decoder, opcode, number, gpr);
    }
    // LOCK MOV CR0 is how AMD reaches CR8 without REX (AMD APM vol. 3, MOV CRn).
    let control = if decoder.lock { number | 8 } else { number };
    if !matches!(control, 0 | 2 | 3 | 4 | 8) || (decoder.lock && number != 0) {
        return Err(DecodeError::Unknown);
    }
    Ok(match opcode & 2 {
        0 => System::ReadControl { control, to: gpr },
        _ => System::WriteControl { control, from: gpr },
    })
}

fn debug_register(decoder: &Decoder<'_>, opcode: u8, debug: u8, gpr: Reg) -> Result<System, DecodeError> {
    if debug > 7 || decoder.lock {
        return Err(DecodeError::Unknown);
    }
    Ok(match opcode & 2 {
        0 => System::ReadDebug { debug, to: gpr },
        _ => System::WriteDebug { debug, from: gpr },
    })
}

/// Group 7: SMSW, LMSW, INVLPG, and the instructions that whole ModRM bytes stand for.
fn group_7(decoder: &mut Decoder<'_>) -> Result<System, DecodeError> {
    let modrm = decoder.modrm()?;
    let size = decoder.operand_size();
    match (modrm.extension, modrm.rm) {
        (4, Rm::Register(number)) => {
            let register = decoder.register(number, size);
            Ok(System::Smsw(MachineStatus::Register(register, size)))
        }
        (6, Rm::Register(number)) => {
            let register = decoder.register(number, AccessSize::B2);
            Ok(System::Lmsw(MachineStatus::Register(register, AccessSize::B2)))
        }
        (4, Rm::Memory(operand)) => Ok(System::Smsw(MachineStatus::Memory(operand))),
        (6, Rm::Memory(operand)) => Ok(System::Lmsw(MachineStatus::Memory(operand))),
        (7, Rm::Memory(operand)) => Ok(System::Invlpg(operand)),
        (extension, Rm::Register(number)) => whole_byte(decoder, extension, number & 7),
        (_, Rm::Memory(_)) => Err(DecodeError::Unknown),
    }
}

/// Instructions that are one ModRM byte with mod = 3. The first three rows are Intel's, where prefixes select other
/// instructions; in AMD's they are ignored (with REP, VMMCALL is VMGEXIT, which is VMMCALL in an unencrypted guest).
fn whole_byte(decoder: &Decoder<'_>, reg: u8, rm: u8) -> Result<System, DecodeError> {
    if reg < 3 && decoder.has_mandatory_prefix() {
        return Err(DecodeError::Unknown);
    }
    Ok(match (reg, rm) {
        (0, 1) => System::Vmcall,
        (1, 0) => System::Monitor,
        (1, 1) => System::Mwait,
        (2, 0) => System::Xgetbv,
        (2, 1) => System::Xsetbv,
        (3, 0) => System::Vmrun,
        (3, 1) => System::Vmmcall,
        (3, 2) => System::Vmload,
        (3, 3) => System::Vmsave,
        (3, 4) => System::Stgi,
        (3, 5) => System::Clgi,
        (3, 6) => System::Skinit,
        (3, 7) => System::Invlpga,
        (7, 1) => System::Rdtscp,
        _ => return Err(DecodeError::Unknown),
    })
}
