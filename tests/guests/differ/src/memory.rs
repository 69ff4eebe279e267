//! Instructions that touch addresses without RAM: nobody's, the IO-APIC's, the local APIC's, and pages that are not there.

use crate::code::Code;
use crate::random::Random;
use crate::run::data;
use crate::state::{DF, Mode, Piece, RAX, RCX, RDI, RSI};

/// Instructions with the memory operand [RDI], after their prefixes. `/n` of a group is in the ModRM byte.
const FORMS: [&[u8]; 62] = [
    &[0x88, 0x07],
    &[0x89, 0x07],
    &[0x8a, 0x07],
    &[0x8b, 0x07],
    &[0xc6, 0x07, 0x7e],
    &[0x0f, 0xb6, 0x07],
    &[0x0f, 0xb7, 0x07],
    &[0x0f, 0xbe, 0x07],
    &[0x0f, 0xbf, 0x07],
    &[0x63, 0x07],
    &[0x00, 0x07],
    &[0x01, 0x0f],
    &[0x02, 0x17],
    &[0x03, 0x1f],
    &[0x08, 0x07],
    &[0x09, 0x0f],
    &[0x0a, 0x17],
    &[0x0b, 0x1f],
    &[0x10, 0x07],
    &[0x11, 0x0f],
    &[0x12, 0x17],
    &[0x13, 0x1f],
    &[0x18, 0x07],
    &[0x19, 0x0f],
    &[0x1a, 0x17],
    &[0x1b, 0x1f],
    &[0x20, 0x07],
    &[0x21, 0x0f],
    &[0x22, 0x17],
    &[0x23, 0x1f],
    &[0x28, 0x07],
    &[0x29, 0x0f],
    &[0x2a, 0x17],
    &[0x2b, 0x1f],
    &[0x30, 0x07],
    &[0x31, 0x0f],
    &[0x32, 0x17],
    &[0x33, 0x1f],
    &[0x38, 0x07],
    &[0x39, 0x0f],
    &[0x3a, 0x17],
    &[0x3b, 0x1f],
    &[0x80, 0x07, 0x5c],
    &[0x83, 0x1f, 0x81],
    &[0x83, 0x3f, 0x7f],
    &[0x84, 0x07],
    &[0x85, 0x0f],
    &[0xf6, 0x07, 0x80],
    &[0xf6, 0x17],
    &[0xf7, 0x1f],
    &[0xfe, 0x07],
    &[0xff, 0x0f],
    &[0x86, 0x1f],
    &[0x87, 0x0f],
    &[0x0f, 0xb0, 0x17],
    &[0x0f, 0xb1, 0x1f],
    &[0x0f, 0xc1, 0x07],
    &[0x0f, 0xba, 0x27, 0x03],
    &[0x0f, 0xba, 0x2f, 0x05],
    &[0x8b, 0x47, 0x10],
    &[0x8b, 0x04, 0x27],
    &[0x0f, 0xaf, 0x07],
];
const PREFIXES: [&[u8]; 5] = [&[], &[], &[0x66], &[0x48], &[0x4c]];
const LOCK: u8 = 0xf0;
/// Where nothing is.
const UNOWNED: [u64; 4] = [0xd000_0000, 0xfed0_0ff8, 0xc123_4560, 0x20_0000_0000];

const IO_APIC: u64 = 0xfec0_0000;
const LOCAL_APIC: u64 = 0xfee0_0000;
/// Behind the identity map, where no page is.
const MISSING: u64 = 0x90_0000_0000;

fn form(random: &mut Random) -> Code {
    let lock: &[u8] = if random.once_in(16) { &[LOCK] } else { &[] };
    Code::of(lock).then(random.of(&PREFIXES)).then(random.of(&FORMS))
}

/// An address that nobody owns.
pub(crate) fn unowned(random: &mut Random) -> Piece {
    let (code, address) = (form(random), random.of(&UNOWNED) + random.below(64));
    let mode = if random.once_in(6) { Mode::User } else { Mode::Kernel };
    let piece = Piece::new(random, code).mode(mode).stepped(random, 8);
    // Ring 3 sees the first 512 GiB only.
    let address = address + piece.alias();
    piece.with(RDI, address)
}

/// String instructions from, to and between addresses without RAM.
pub(crate) fn string(random: &mut Random) -> Piece {
    let opcode = random.of(&[0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf]);
    let repeat: &[u8] = random.of(&[&[][..], &[0xf3], &[0xf2]]);
    let size: &[u8] = random.of(&[&[][..], &[0x48], &[0x66]]);
    // 66 stands before REX; either is alone here.
    let code = Code::of(repeat).then(size).then(&[opcode]);
    // With both operands without RAM, which is met first would be the processor's choice.
    let (memory, nothing) = (data(Mode::Kernel) + 512 + random.below(64), random.of(&UNOWNED) + 256);
    let (from, to) = if random.once_in(2) { (memory, nothing) } else { (nothing, memory) };
    let count = random.below(6);
    let backwards = if random.once_in(3) { DF } else { 0 };
    Piece::new(random, code).flags(backwards).stepped(random, 8).with(RSI, from).with(RDI, to).with(RCX, count)
}

/// Over the edge between memory and nothing: the domain has RAM up to an address that the runtime tells.
pub(crate) fn across(random: &mut Random) -> Piece {
    let end = guest_rt::start_info::ram().iter().map(|range| range.end).max().unwrap_or(0);
    let (code, address) = (form(random), end - 1 - random.below(8));
    // The bytes below the edge are RAM's, and nobody's before.
    Piece::new(random, code).with(RDI, address)
}

/// The IO-APIC: index at 0, data at 0x10. Its lines stay masked: what is written has bit 16 set in every byte.
pub(crate) fn io_apic(random: &mut Random) -> Piece {
    let index = random.of(&[0, 1, 2, 0x10, 0x11, 0x26, 0x3e, 0x40, 0xff]);
    let code = Code::of(&[]).store32(0xfec0_0000, index).then(random.of(&PREFIXES)).then(random.of(&[
        &[0x8b, 0x07][..],
        &[0x89, 0x07],
        &[0x8a, 0x07],
        &[0x0f, 0xb7, 0x07],
        &[0x09, 0x07],
    ]));
    let address = IO_APIC + random.of(&[0, 0x10, 0x10, 0x10, 0x20, 0x40, 4, 0xff0]);
    let value = random.next() | 0x0101_0101_0101_0101;
    Piece::new(random, code).with(RDI, address).with(RAX, value)
}

/// Registers of the local APIC in memory that no time changes, read and written in all widths.
pub(crate) fn local_apic(random: &mut Random) -> Piece {
    let register = random.of(&[
        0x20, 0x30, 0x80, 0x90, 0xa0, 0xd0, 0xe0, 0xf0, 0x100, 0x180, 0x200, 0x280, 0x350, 0x360, 0x370, 0x3e0, 0x3f0,
        0x40,
    ]);
    let address = LOCAL_APIC + register + if random.once_in(8) { 4 } else { 0 };
    if random.once_in(3) {
        // What is written keeps the lines masked and the APIC on.
        let value = match register {
            0xf0 => 0x1ff,
            0x80 => random.below(16) << 4,
            _ => random.next() & 0x00ff_00ff | 0x0001_0000,
        };
        let code = Code::of(&[0x89, 0x07, 0x8b, 0x0f]);
        return Piece::new(random, code).with(RDI, address).with(RAX, value);
    }
    let code = Code::of(random.of(&[
        &[0x8b, 0x07][..],
        &[0x8a, 0x07],
        &[0x0f, 0xb7, 0x07],
        &[0x48, 0x8b, 0x07],
        &[0x85, 0x07],
        &[0x3b, 0x07],
    ]));
    Piece::new(random, code).with(RDI, address).stepped(random, 8)
}

/// Pages that are not there, and addresses that are none. (An instruction that reads and writes faults as a write; QEMU
/// reads first.)
pub(crate) fn table_miss(random: &mut Random) -> Piece {
    let code = Code::of(random.of(&PREFIXES)).then(random.of(&FORMS[..10]));
    let address = match random.below(3) {
        0 => 0x8000_0000_0000_0000 | random.next() >> 4,
        _ => MISSING + random.below(1 << 30),
    };
    Piece::new(random, code).with(RDI, address)
}

/// Code at an address without memory. (QEMU jumps to an address that is none and faults there, not at the jump.)
pub(crate) fn fetch(random: &mut Random) -> Piece {
    let target = random.of(&[0xd000_0000, 0xfec0_0000, 0xfee0_0000, MISSING]);
    Piece::new(random, Code::of(&[0xff, 0xe0])).with(RAX, target)
}
