//! Encodings that guests use on device registers, one by one.

use phalanx_arch_api::AccessSize::{self, B1, B2, B4, B8};

use crate::decode::{
    AluOp, BitOp, DecodeError, MemoryAccess, MemoryAction, Mode, Operation, Reg, RegisterOperand, Seg, Source, decode,
};

fn access(bytes: &[u8], mode: Mode) -> MemoryAccess {
    let instruction = decode(bytes, mode).unwrap();
    assert_eq!(usize::from(instruction.length), bytes.len(), "{bytes:02x?}");
    match instruction.operation {
        Operation::Memory(access) => access,
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

fn load(reg: Reg, width: AccessSize, signed: bool) -> MemoryAction {
    MemoryAction::Load { to: RegisterOperand::low(reg), width, signed }
}

fn from(reg: Reg) -> Source {
    Source::Register(RegisterOperand::low(reg))
}

#[test]
fn moves_in_64_bit_mode() {
    let cases: [(&[u8], AccessSize, MemoryAction); 14] = [
        // mov eax, [rdi+0x20]
        (&[0x8b, 0x47, 0x20], B4, load(Reg::Rax, B4, false)),
        // mov [rdi+0xb0], esi
        (&[0x89, 0xb7, 0xb0, 0, 0, 0], B4, MemoryAction::Store(from(Reg::Rsi))),
        // mov dword [0xffffffffff5fc0b0], 0
        (&[0xc7, 0x04, 0x25, 0xb0, 0xc0, 0x5f, 0xff, 0, 0, 0, 0], B4, MemoryAction::Store(Source::Immediate(0))),
        // mov r9, [r12]
        (&[0x4d, 0x8b, 0x0c, 0x24], B8, load(Reg::R9, B8, false)),
        // mov [r13+0], r15b
        (&[0x45, 0x88, 0x7d, 0], B1, MemoryAction::Store(from(Reg::R15))),
        // mov sil, [rax]
        (&[0x40, 0x8a, 0x30], B1, load(Reg::Rsi, B1, false)),
        // movzx eax, byte [rdx]
        (&[0x0f, 0xb6, 0x02], B1, load(Reg::Rax, B4, false)),
        // movzx ecx, word [rdx]
        (&[0x0f, 0xb7, 0x0a], B2, load(Reg::Rcx, B4, false)),
        // movsx rax, byte [rbx]
        (&[0x48, 0x0f, 0xbe, 0x03], B1, load(Reg::Rax, B8, true)),
        // movsxd rdx, dword [rsp+8]
        (&[0x48, 0x63, 0x54, 0x24, 8], B4, load(Reg::Rdx, B8, true)),
        // mov word [rax], 0x1234
        (&[0x66, 0xc7, 0x00, 0x34, 0x12], B2, MemoryAction::Store(Source::Immediate(0x1234))),
        // mov qword [rax], -1
        (&[0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff], B8, MemoryAction::Store(Source::Immediate(-1))),
        // movabs eax, [0x1122334455667788]
        (&[0xa1, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11], B4, load(Reg::Rax, B4, false)),
        // movnti [rax], rcx
        (&[0x48, 0x0f, 0xc3, 0x08], B8, MemoryAction::Store(from(Reg::Rcx))),
    ];
    for (bytes, size, action) in cases {
        let access = access(bytes, Mode::Bits64);
        assert_eq!((access.size, access.action), (size, action), "{bytes:02x?}");
        assert!(!access.lock);
    }
}

#[test]
fn read_modify_write() {
    let cases: [(&[u8], MemoryAction); 9] = [
        // or dword [rax], 0x100
        (&[0x81, 0x08, 0, 1, 0, 0], MemoryAction::Alu(AluOp::Or, Source::Immediate(0x100))),
        // and dword [rax], -2
        (&[0x83, 0x20, 0xfe], MemoryAction::Alu(AluOp::And, Source::Immediate(-2))),
        // cmp [rax], ecx
        (&[0x39, 0x08], MemoryAction::Alu(AluOp::Cmp, from(Reg::Rcx))),
        // sub edx, [rax]
        (&[0x2b, 0x10], MemoryAction::AluToRegister(AluOp::Sub, RegisterOperand::low(Reg::Rdx))),
        // test dword [rax], 0x1000
        (&[0xf7, 0x00, 0, 0x10, 0, 0], MemoryAction::Alu(AluOp::Test, Source::Immediate(0x1000))),
        // xchg [rax], ebx
        (&[0x87, 0x18], MemoryAction::Exchange(RegisterOperand::low(Reg::Rbx))),
        // bts dword [rax], 5
        (&[0x0f, 0xba, 0x28, 5], MemoryAction::Bit(BitOp::Set, Source::Immediate(5))),
        // btr [rax], ecx
        (&[0x0f, 0xb3, 0x08], MemoryAction::Bit(BitOp::Reset, from(Reg::Rcx))),
        // cmpxchg [rax], edx
        (&[0x0f, 0xb1, 0x10], MemoryAction::CompareExchange(RegisterOperand::low(Reg::Rdx))),
    ];
    for (bytes, action) in cases {
        let access = access(bytes, Mode::Bits64);
        assert_eq!((access.size, access.action), (B4, action), "{bytes:02x?}");
        assert_eq!(access.operand.base(), Some(Reg::Rax));
    }
}

#[test]
fn high_byte_registers_need_the_absence_of_rex() {
    let high = access(&[0x88, 0x20], Mode::Bits64);
    let ah = RegisterOperand { reg: Reg::Rax, high: true };
    assert_eq!(high.action, MemoryAction::Store(Source::Register(ah)));
    let low = access(&[0x40, 0x88, 0x20], Mode::Bits64);
    assert_eq!(low.action, MemoryAction::Store(from(Reg::Rsp)));
}

#[test]
fn operands_with_segment_base_index_and_scale() {
    // mov eax, gs:[rbx+r9*8+0x10]
    let operand = access(&[0x65, 0x42, 0x8b, 0x44, 0xcb, 0x10], Mode::Bits64).operand;
    assert_eq!((operand.base(), operand.index(), operand.scale()), (Some(Reg::Rbx), Some(Reg::R9), 3));
    assert_eq!((operand.segment(), operand.displacement()), (Some(Seg::Gs), 0x10));
    // mov eax, [rip+0x100]: counted from the end of the instruction's 6 bytes
    let operand = access(&[0x8b, 0x05, 0, 1, 0, 0], Mode::Bits64).operand;
    assert_eq!((operand.relative_to_next(), operand.displacement()), (Some(6), 0x100));
    // mov al, es:[bx+si-1] in 16-bit code
    let operand = access(&[0x26, 0x8a, 0x40, 0xff], Mode::Bits16).operand;
    assert_eq!((operand.base(), operand.index()), (Some(Reg::Rbx), Some(Reg::Rsi)));
    assert_eq!((operand.segment(), operand.displacement()), (Some(Seg::Es), -1));
    assert_eq!(operand.address_size(), B2);
    // mov eax, [ebp+0]: the stack segment is the default
    let operand = access(&[0x8b, 0x45, 0], Mode::Bits32).operand;
    assert_eq!((operand.segment(), operand.address_size()), (Some(Seg::Ss), B4));
}

#[test]
fn lock_is_for_read_modify_write_only() {
    assert!(access(&[0xf0, 0x09, 0x08], Mode::Bits64).lock);
    assert!(access(&[0xf0, 0x0f, 0xc1, 0x08], Mode::Bits64).lock);
    for bytes in [&[0xf0, 0x89, 0x08][..], &[0xf0, 0x39, 0x08], &[0xf0, 0x0f, 0xa2], &[0xf0, 0x03, 0x08]] {
        assert_eq!(decode(bytes, Mode::Bits64), Err(DecodeError::Unknown), "{bytes:02x?}");
    }
}

#[test]
fn ends_of_the_bytes() {
    assert_eq!(decode(&[], Mode::Bits64), Err(DecodeError::Truncated));
    assert_eq!(decode(&[0x8b], Mode::Bits64), Err(DecodeError::Truncated));
    assert_eq!(decode(&[0x8b, 0x05, 1, 2, 3], Mode::Bits64), Err(DecodeError::Truncated));
    assert_eq!(decode(&[0x66; 15], Mode::Bits64), Err(DecodeError::TooLong));
    assert_eq!(decode(&[0x66; 100], Mode::Bits32), Err(DecodeError::TooLong));
    assert_eq!(decode(&[0x66; 14], Mode::Bits32), Err(DecodeError::Truncated));
    let mut longest = [0x2e; 15];
    longest[13..].copy_from_slice(&[0x8b, 0x00]);
    assert_eq!(decode(&longest, Mode::Bits64).unwrap().length, 15);
}

#[test]
fn a_rex_prefix_counts_only_right_before_the_opcode() {
    // 48 66 8b 00: mov ax, [rax]
    assert_eq!(access(&[0x48, 0x66, 0x8b, 0x00], Mode::Bits64).size, B2);
    assert_eq!(access(&[0x66, 0x48, 0x8b, 0x00], Mode::Bits64).size, B8);
}

#[test]
fn modes_follow_the_code_segment() {
    assert_eq!(Mode::of(true, true, false), Mode::Bits64);
    assert_eq!(Mode::of(true, false, true), Mode::Bits32);
    assert_eq!(Mode::of(false, false, true), Mode::Bits32);
    assert_eq!(Mode::of(false, true, false), Mode::Bits16);
}
