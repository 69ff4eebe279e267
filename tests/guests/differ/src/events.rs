//! Interrupts that the guest sends to itself, and what waits for them.

use crate::code::Code;
use crate::random::Random;
use crate::state::{Piece, RAX, RCX, RDX};

const ICR: u32 = 0xfee0_0300;
const ICR_HIGH: u32 = 0xfee0_0310;
const TO_SELF: u32 = 1 << 18;
const NMI: u32 = 4 << 8;
const ASSERT: u32 = 1 << 14;
const STI: u8 = 0xfb;
const CLI: u8 = 0xfa;
const NOP: u8 = 0x90;
const HLT: u8 = 0xf4;
/// MOV CR8, RAX.
const SET_CR8: [u8; 4] = [0x44, 0x0f, 0x22, 0xc0];
/// XOR EAX, EAX.
const CLEAR_EAX: [u8; 2] = [0x31, 0xc0];
/// MSRs of x2APIC mode.
const X2_ICR: u64 = 0x830;
const X2_SELF_IPI: u64 = 0x83f;

/// A vector that is no exception's and not the end of a piece.
fn vector(random: &mut Random) -> u32 {
    random.of(&[0x21, 0x30, 0x31, 0x40, 0x5f, 0x71, 0x81, 0x90, 0xc3, 0xe0, 0xfe])
}

fn send_self(code: Code, random: &mut Random) -> Code {
    let vector = vector(random);
    code.store32(ICR, TO_SELF | ASSERT | vector)
}

/// Two interrupts, a task priority, and interrupts switched on around them in some order.
pub(crate) fn own_interrupts(random: &mut Random) -> Piece {
    let priority = random.below(16);
    let code = Code::of(&SET_CR8);
    let code = if random.once_in(2) { code.then(&[STI]) } else { code };
    let code = send_self(code, random).then(&[NOP]);
    let code = if random.once_in(2) { send_self(code, random) } else { code };
    let code = code.then(&[STI, NOP, NOP]).then(&CLEAR_EAX).then(&SET_CR8).then(&[NOP, CLI]);
    let piece = Piece::new(random, code).with(RAX, priority);
    if random.once_in(6) { piece.stepped(random, 1) } else { piece }
}

/// HLT with an interrupt that is pending before it.
pub(crate) fn halt(random: &mut Random) -> Piece {
    let code = send_self(Code::of(&SET_CR8), random);
    let shadow: &[u8] = random.of(&[&[STI, HLT][..], &[STI, NOP, NOP, CLI]]);
    let code = code.then(shadow).then(&[NOP, CLI]);
    Piece::new(random, code).with(RAX, 0)
}

/// An NMI, with and without an interrupt behind it.
pub(crate) fn own_nmi(random: &mut Random) -> Piece {
    let code = Code::of(&[]).store32(ICR_HIGH, 0).store32(ICR, NMI | ASSERT).then(&[NOP]);
    let code = if random.once_in(2) { send_self(code, random).then(&[STI, NOP, NOP, CLI]) } else { code };
    Piece::new(random, code)
}

/// INT n with the vectors of interrupts, whose handlers send an EOI that ends nothing.
pub(crate) fn software_interrupt(random: &mut Random) -> Piece {
    let vector = vector(random) as u8;
    Piece::new(random, Code::of(&[0xcd, vector, NOP])).stepped(random, 4)
}

/// Reads of registers in x2APIC mode that no time changes.
pub(crate) fn x2apic_read(random: &mut Random) -> Piece {
    let register = loop {
        let register = 0x800 + random.below(0x42);
        if register != 0x839 {
            break register;
        }
    };
    Piece::new(random, Code::of(&[0x0f, 0x32])).with(RCX, register).stepped(random, 6)
}

/// Writes of registers in x2APIC mode: nothing that starts the timer or opens a line.
pub(crate) fn x2apic_write(random: &mut Random) -> Piece {
    let register =
        random.of(&[0x802, 0x808, 0x80b, 0x80d, 0x80e, 0x80f, 0x810, 0x828, 0x835, 0x836, 0x837, 0x83e, 0x840]);
    let value = match register {
        0x80f => random.of(&[0x1ff, 0x1_0000_01ff, 0x100_01ff]),
        0x80b | 0x828 => random.of(&[0, 0, 1]),
        0x808 => random.of(&[0, 0x30, 0xff, 0x100]),
        _ => random.of(&[0x1_0000, 0x1_00ff, 0x1_0000 | 1 << 40, 0xb]),
    };
    let piece = Piece::new(random, Code::of(&[0x0f, 0x30])).with(RCX, register).stepped(random, 6);
    piece.with(RAX, value & 0xffff_ffff).with(RDX, value >> 32)
}

/// Self-IPIs in x2APIC mode: by the register for them and by the command register.
pub(crate) fn x2apic_interrupts(random: &mut Random) -> Piece {
    let code = if random.once_in(2) { Code::of(&[STI]) } else { Code::of(&[]) };
    let code = code.then(&[0x0f, 0x30, NOP, STI, NOP, NOP, CLI]);
    let vector = u64::from(vector(random));
    let piece = Piece::new(random, code).with(RDX, 0);
    if random.once_in(2) {
        return piece.with(RCX, X2_SELF_IPI).with(RAX, vector);
    }
    piece.with(RCX, X2_ICR).with(RAX, u64::from(TO_SELF | ASSERT) | vector)
}

/// HLT in x2APIC mode.
pub(crate) fn x2apic_halt(random: &mut Random) -> Piece {
    let vector = u64::from(vector(random));
    let code = Code::of(&[0x0f, 0x30, STI, HLT, CLI]);
    Piece::new(random, code).with(RCX, X2_SELF_IPI).with(RAX, vector).with(RDX, 0)
}
