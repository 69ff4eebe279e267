//! The system instructions behind 0x0f.

use phalanx_arch_api::AccessSize;

use super::finish::{Decoded, lmsw, smsw};
use super::prefix::Decoder;
use super::{MachineStatus, Operation, Reg, Repeat, System};

/// Decodes what follows 0x0f `opcode`.
pub(super) fn decode(decoder: &mut Decoder, opcode: u8) -> Decoded {
    decoder.system(match opcode {
        0x01 => return group_7(decoder),
        0x06 => System::Clts,
        0x08 => System::Invd,
        0x09 if decoder.repeat == Repeat::WhileEqual => System::Wbnoinvd,
        0x09 => System::Wbinvd,
        0x20 | 0x22 => return control_register(decoder, opcode),
        0x21 | 0x23 => return debug_register(decoder, opcode),
        0x30 => System::Wrmsr,
        0x31 => System::Rdtsc,
        0x32 => System::Rdmsr,
        0x33 => System::Rdpmc,
        0xa2 => System::Cpuid,
        0xaa => System::Rsm,
        _ => return decoder.refuse(),
    })
}

/// The number of the special register and the general-purpose one. The mod field is ignored: both are registers.
fn registers(decoder: &mut Decoder) -> (u8, Reg) {
    let byte = decoder.bytes.u8();
    (decoder.reg_number(byte), Reg::from_number(decoder.rm_number(byte)))
}

/// MOV to and from control registers. LOCK MOV CR0 is how AMD reaches CR8 without REX (AMD APM vol. 3, MOV CRn).
fn control_register(decoder: &mut Decoder, opcode: u8) -> Decoded {
    let (number, gpr) = registers(decoder);
    let control = match (decoder.lock, number) {
        (true, 0) => 8,
        (false, 0 | 2 | 3 | 4 | 8) => number,
        _ => return decoder.refuse(),
    };
    decoder.done(Operation::System(match opcode & 2 {
        0 => System::ReadControl { control, to: gpr },
        _ => System::WriteControl { control, from: gpr },
    }))
}

/// MOV to and from debug registers.
fn debug_register(decoder: &mut Decoder, opcode: u8) -> Decoded {
    let (debug, gpr) = registers(decoder);
    if debug > 7 {
        return decoder.refuse();
    }
    decoder.system(match opcode & 2 {
        0 => System::ReadDebug { debug, to: gpr },
        _ => System::WriteDebug { debug, from: gpr },
    })
}

/// Group 7: SMSW, LMSW, INVLPG, and the instructions that whole ModRM bytes stand for.
fn group_7(decoder: &mut Decoder) -> Decoded {
    let modrm = decoder.modrm();
    let size = decoder.operand_size;
    match (modrm.extension(), modrm.register()) {
        (4, Some(_)) => {
            let register = decoder.rm_operand(modrm, size);
            decoder.system(System::Smsw(MachineStatus::Register(register, size)))
        }
        (6, Some(_)) => {
            let register = decoder.rm_operand(modrm, AccessSize::B2);
            decoder.system(System::Lmsw(MachineStatus::Register(register, AccessSize::B2)))
        }
        (4, None) => decoder.system_at(smsw),
        (6, None) => decoder.system_at(lmsw),
        (7, None) => decoder.system_at(System::Invlpg),
        (extension, Some(number)) => whole_byte(decoder, extension, number),
        (_, None) => decoder.refuse(),
    }
}

/// Instructions that are one ModRM byte with mod = 3. The first three rows are Intel's, where prefixes select other
/// instructions; in AMD's they are ignored (with REP, VMMCALL is VMGEXIT, which is VMMCALL in an unencrypted guest).
fn whole_byte(decoder: &Decoder, reg: u8, rm: u8) -> Decoded {
    if reg < 3 && decoder.has_mandatory_prefix() {
        return decoder.refuse();
    }
    decoder.system(match (reg, rm) {
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
        _ => return decoder.refuse(),
    })
}
