//! Instructions carried out on a device register.

use phalanx_arch_api::AccessSize;

use super::machine::Machine;
use crate::decode::flags::{CF, DF, OF, PF, ZF};
use crate::decode::{
    MemoryAccess, Mode, Operation, Reg, RegisterOperand, Registers, Seg, StringAccess, decode, effective_address,
};

fn access(bytes: &[u8], mode: Mode) -> MemoryAccess {
    match decode(bytes, mode).unwrap().operation {
        Operation::Memory(access) => access,
        other => panic!("{other:?}"),
    }
}

fn string(bytes: &[u8], mode: Mode) -> StringAccess {
    match decode(bytes, mode).unwrap().operation {
        Operation::String(string) => string,
        other => panic!("{other:?}"),
    }
}

/// Runs `bytes` on a memory operand of value `memory`: what is written, and the registers afterwards.
fn run(bytes: &[u8], memory: u64, mut machine: Machine) -> (Option<u64>, Machine) {
    let access = access(bytes, Mode::Bits64);
    let written = access.execute(memory, &mut machine);
    assert_eq!(written.is_some(), access.writes(), "{bytes:02x?}");
    (written, machine)
}

const FULL: u64 = 0x1111_2222_3333_4444;

#[test]
fn loads_extend_as_the_width_says() {
    let rax = |bytes: &[u8]| {
        let (written, machine) = run(bytes, 0xffff_ffff_ffff_ff85, Machine::with(&[(Reg::Rax, FULL)]));
        assert_eq!(written, None);
        machine.gpr(Reg::Rax)
    };
    assert_eq!(rax(&[0x8a, 0x07]), 0x1111_2222_3333_4485);
    assert_eq!(rax(&[0x8a, 0x27]), 0x1111_2222_3333_8544);
    assert_eq!(rax(&[0x66, 0x8b, 0x07]), 0x1111_2222_3333_ff85);
    assert_eq!(rax(&[0x8b, 0x07]), 0xffff_ff85);
    assert_eq!(rax(&[0x48, 0x8b, 0x07]), 0xffff_ffff_ffff_ff85);
    assert_eq!(rax(&[0x0f, 0xb6, 0x07]), 0x85);
    assert_eq!(rax(&[0x0f, 0xbe, 0x07]), 0xffff_ff85);
    assert_eq!(rax(&[0x48, 0x0f, 0xbe, 0x07]), 0xffff_ffff_ffff_ff85);
    assert_eq!(rax(&[0x66, 0x0f, 0xbe, 0x07]), 0x1111_2222_3333_ff85);
    assert_eq!(rax(&[0x48, 0x63, 0x07]), 0xffff_ffff_ffff_ff85);
}

#[test]
fn stores_take_the_low_bytes() {
    let machine = Machine::with(&[(Reg::Rax, FULL)]);
    assert_eq!(run(&[0x89, 0x07], 0, machine.clone()).0, Some(0x3333_4444));
    assert_eq!(run(&[0x88, 0x27], 0, machine.clone()).0, Some(0x44));
    assert_eq!(run(&[0x66, 0xc7, 0x07, 0xff, 0xff], 0, machine).0, Some(0xffff));
}

#[test]
fn arithmetic_on_memory_and_from_memory() {
    let machine = Machine::with(&[(Reg::Rcx, 1)]);
    let (written, after) = run(&[0x01, 0x0f], 0xffff_ffff, machine.clone());
    assert_eq!(written, Some(0));
    assert_eq!(after.rflags & (CF | ZF | OF), CF | ZF);
    // sub ecx, [rdi]
    let (written, after) = run(&[0x2b, 0x0f], 2, machine.clone());
    assert_eq!((written, after.gpr(Reg::Rcx)), (None, 0xffff_ffff));
    assert_eq!(after.rflags & CF, CF);
    // cmp dword [rdi], 5
    let (written, after) = run(&[0x83, 0x3f, 5], 5, machine);
    assert_eq!((written, after.rflags & (ZF | PF)), (None, ZF | PF));
}

#[test]
fn exchanges() {
    let machine = Machine::with(&[(Reg::Rbx, 7), (Reg::Rax, 5)]);
    let (written, after) = run(&[0x87, 0x1f], 9, machine.clone());
    assert_eq!((written, after.gpr(Reg::Rbx)), (Some(7), 9));
    let (written, after) = run(&[0x0f, 0xc1, 0x1f], 9, machine.clone());
    assert_eq!((written, after.gpr(Reg::Rbx)), (Some(16), 9));
    // cmpxchg [rdi], ebx with EAX = 5
    let (written, after) = run(&[0x0f, 0xb1, 0x1f], 5, machine.clone());
    assert_eq!((written, after.gpr(Reg::Rax), after.rflags & ZF), (Some(7), 5, ZF));
    let (written, after) = run(&[0x0f, 0xb1, 0x1f], 6, machine);
    assert_eq!((written, after.gpr(Reg::Rax), after.rflags & ZF), (Some(6), 6, 0));
}

#[test]
fn bits_beyond_the_operand_move_the_address() {
    let bt = access(&[0x0f, 0xa3, 0x0f], Mode::Bits64);
    let at = |number: i64| {
        let registers = [(Reg::Rdi, 0x1000), (Reg::Rcx, number.cast_unsigned())];
        bt.linear_address(&Machine::with(&registers))
    };
    assert_eq!(at(0), 0x1000);
    assert_eq!(at(31), 0x1000);
    assert_eq!(at(32), 0x1004);
    assert_eq!(at(-1), 0xffc);
    assert_eq!(at(-32), 0xffc);
    assert_eq!(at(-33), 0xff8);
}

#[test]
fn addresses_wrap_in_their_width() {
    let mut machine = Machine::with(&[(Reg::Rbx, 0xffff_ffff), (Reg::Rsi, 2)]);
    machine.bases[Seg::Ds as usize] = 0x10;
    machine.bases[Seg::Fs as usize] = 0xffff_0000_0000_0000;
    // 16 bits: ds:[bx+si] = 0x10 + 0x0001
    let operand = access(&[0x8a, 0x00], Mode::Bits16).operand;
    assert_eq!(effective_address(&operand, &machine), 0x11);
    // 32 bits: ds:[ebx] = 0x10 + 0xffffffff wraps in the linear address
    let operand = access(&[0x8b, 0x03], Mode::Bits32).operand;
    assert_eq!(effective_address(&operand, &machine), 0xf);
    // 64 bits: DS has no base, FS has
    let operand = access(&[0x8b, 0x03], Mode::Bits64).operand;
    assert_eq!(effective_address(&operand, &machine), 0xffff_ffff);
    let operand = access(&[0x64, 0x8b, 0x03], Mode::Bits64).operand;
    assert_eq!(effective_address(&operand, &machine), 0xffff_0000_ffff_ffff);
    // fs:[eip-relative] and plain rip-relative
    machine.rip = 0xffff_ffff_8000_0000;
    let operand = access(&[0x8b, 0x05, 0xfa, 0xff, 0xff, 0xff], Mode::Bits64).operand;
    assert_eq!(effective_address(&operand, &machine), 0xffff_ffff_8000_0000);
}

#[test]
fn strings_step_by_element_and_count() {
    let rep_movs = string(&[0xf3, 0xa5], Mode::Bits64);
    let mut machine = Machine::with(&[(Reg::Rsi, 0x100), (Reg::Rdi, 0x200), (Reg::Rcx, 2)]);
    assert!(!rep_movs.is_finished(&machine));
    assert!(!rep_movs.step(&mut machine));
    assert!(rep_movs.step(&mut machine));
    assert!(rep_movs.is_finished(&machine));
    assert_eq!((machine.gpr(Reg::Rsi), machine.gpr(Reg::Rdi)), (0x108, 0x208));
    machine.rflags = DF;
    assert!(string(&[0xa5], Mode::Bits64).step(&mut machine));
    assert_eq!((machine.gpr(Reg::Rsi), machine.gpr(Reg::Rdi)), (0x104, 0x204));
}

#[test]
fn strings_in_16_bit_code_keep_the_upper_register_halves() {
    let rep_stos = string(&[0xf3, 0xaa], Mode::Bits16);
    let mut machine = Machine::with(&[(Reg::Rdi, 0xabcd_ffff), (Reg::Rcx, 0x1_0001)]);
    machine.bases[Seg::Es as usize] = 0x9_0000;
    assert_eq!(rep_stos.destination_address(&machine), 0x9_ffff);
    assert!(rep_stos.step(&mut machine));
    assert_eq!((machine.gpr(Reg::Rdi), machine.gpr(Reg::Rcx)), (0xabcd_0000, 0x1_0000));
}

#[test]
fn comparing_strings_end_by_the_zero_flag() {
    let repne_scas = string(&[0xf2, 0xae], Mode::Bits64);
    let mut machine = Machine::with(&[(Reg::Rax, 0x41), (Reg::Rcx, 10)]);
    repne_scas.compare(repne_scas.accumulator(&machine), 0x40, &mut machine);
    assert!(!repne_scas.step(&mut machine));
    repne_scas.compare(repne_scas.accumulator(&machine), 0x41, &mut machine);
    assert!(repne_scas.step(&mut machine));
    assert_eq!(machine.gpr(Reg::Rcx), 8);
    let lods = string(&[0xac], Mode::Bits64);
    lods.load(0x199, &mut machine);
    let al = RegisterOperand::low(Reg::Rax).read(AccessSize::B1, &machine);
    assert_eq!(al, 0x99);
}
