//! The instructions that exits name: what they are and how long.

use phalanx_arch_api::AccessSize::{B1, B2, B4, B8};

use crate::decode::{MachineStatus, Mode, Operation, Port, Reg, RegisterOperand, Repeat, StringOp, System, decode};

fn system(bytes: &[u8], mode: Mode) -> System {
    let instruction = decode(bytes, mode).unwrap();
    assert_eq!(usize::from(instruction.length), bytes.len(), "{bytes:02x?}");
    match instruction.operation {
        Operation::System(system) => system,
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

#[test]
fn plain_instructions() {
    let cases: [(&[u8], System); 33] = [
        (&[0x0f, 0xa2], System::Cpuid),
        (&[0x0f, 0x32], System::Rdmsr),
        (&[0x0f, 0x30], System::Wrmsr),
        (&[0x0f, 0x31], System::Rdtsc),
        (&[0x0f, 0x01, 0xf9], System::Rdtscp),
        (&[0x0f, 0x33], System::Rdpmc),
        (&[0xf4], System::Hlt),
        (&[0xf3, 0x90], System::Pause),
        (&[0x0f, 0x01, 0xd9], System::Vmmcall),
        (&[0x0f, 0x01, 0xc1], System::Vmcall),
        (&[0x0f, 0x08], System::Invd),
        (&[0x0f, 0x09], System::Wbinvd),
        (&[0xf3, 0x0f, 0x09], System::Wbnoinvd),
        (&[0x0f, 0x06], System::Clts),
        (&[0x0f, 0x01, 0xd0], System::Xgetbv),
        (&[0x0f, 0x01, 0xd1], System::Xsetbv),
        (&[0x0f, 0x01, 0xc8], System::Monitor),
        (&[0x0f, 0x01, 0xc9], System::Mwait),
        (&[0x0f, 0x01, 0xd8], System::Vmrun),
        (&[0x0f, 0x01, 0xda], System::Vmload),
        (&[0x0f, 0x01, 0xdb], System::Vmsave),
        (&[0x0f, 0x01, 0xdc], System::Stgi),
        (&[0x0f, 0x01, 0xdd], System::Clgi),
        (&[0x0f, 0x01, 0xde], System::Skinit),
        (&[0x0f, 0x01, 0xdf], System::Invlpga),
        (&[0x0f, 0xaa], System::Rsm),
        (&[0xcf], System::Iret),
        (&[0x48, 0xcf], System::Iret),
        (&[0xcc], System::Breakpoint),
        (&[0xcd, 0x80], System::Interrupt(0x80)),
        (&[0xf1], System::Icebp),
        (&[0x66, 0x2e, 0x0f, 0xa2], System::Cpuid),
        (&[0x41, 0x0f, 0xa2], System::Cpuid),
    ];
    for (bytes, expected) in cases {
        assert_eq!(system(bytes, Mode::Bits64), expected, "{bytes:02x?}");
    }
    assert_eq!(system(&[0xce], Mode::Bits32), System::Overflow);
}

#[test]
fn ports() {
    let long = Mode::Bits64;
    assert_eq!(system(&[0xe4, 0x71], long), System::In { size: B1, port: Port::Immediate(0x71) });
    assert_eq!(system(&[0x66, 0xed], long), System::In { size: B2, port: Port::Dx });
    assert_eq!(system(&[0x48, 0xef], long), System::Out { size: B4, port: Port::Dx });
    assert_eq!(system(&[0xee], Mode::Bits16), System::Out { size: B1, port: Port::Dx });
    assert_eq!(system(&[0xef], Mode::Bits16), System::Out { size: B2, port: Port::Dx });
}

#[test]
fn control_and_debug_registers() {
    let long = Mode::Bits64;
    let cr3 = System::WriteControl { control: 3, from: Reg::Rdi };
    assert_eq!(system(&[0x0f, 0x22, 0xdf], long), cr3);
    let cr8 = System::ReadControl { control: 8, to: Reg::R10 };
    assert_eq!(system(&[0x45, 0x0f, 0x20, 0xc2], long), cr8);
    let cr8_of_amd = System::ReadControl { control: 8, to: Reg::Rcx };
    assert_eq!(system(&[0xf0, 0x0f, 0x20, 0xc1], Mode::Bits32), cr8_of_amd);
    let dr7 = System::WriteDebug { debug: 7, from: Reg::Rax };
    assert_eq!(system(&[0x0f, 0x23, 0xf8], long), dr7);
    // The mod field does not count.
    assert_eq!(system(&[0x0f, 0x22, 0x1f], long), cr3);
}

#[test]
fn machine_status_word() {
    let long = Mode::Bits64;
    let ax = MachineStatus::Register(RegisterOperand::low(Reg::Rax), B2);
    assert_eq!(system(&[0x0f, 0x01, 0xf0], long), System::Lmsw(ax));
    let rcx = MachineStatus::Register(RegisterOperand::low(Reg::Rcx), B8);
    assert_eq!(system(&[0x48, 0x0f, 0x01, 0xe1], long), System::Smsw(rcx));
    let System::Smsw(MachineStatus::Memory(operand)) = system(&[0x0f, 0x01, 0x67, 8], long) else {
        panic!("smsw [rdi+8]");
    };
    assert_eq!((operand.base(), operand.displacement()), (Some(Reg::Rdi), 8));
    let System::Invlpg(operand) = system(&[0x0f, 0x01, 0x3d, 0, 0, 0, 0], long) else {
        panic!("invlpg [rip]");
    };
    assert_eq!((operand.relative_to_next(), operand.displacement()), (Some(7), 0));
}

#[test]
fn strings() {
    let instruction = decode(&[0xf3, 0x48, 0xa5], Mode::Bits64).unwrap();
    let Operation::String(string) = instruction.operation else { panic!("rep movsq") };
    assert_eq!((string.op, string.size, string.repeat), (StringOp::Movs, B8, Repeat::WhileEqual));
    assert_eq!(instruction.length, 3);
    let instruction = decode(&[0xf3, 0x6c], Mode::Bits32).unwrap();
    let Operation::String(string) = instruction.operation else { panic!("rep insb") };
    assert_eq!((string.op, string.size), (StringOp::Ins, B1));
}
