//! Instructions that concern the processor itself.

use crate::code::Code;
use crate::random::Random;
use crate::run::data;
use crate::state::{AC, Mode, Piece, RAX, RBX, RCX, RDI, RDX, RSI};
use crate::sync;

/// CPUID; what it tells differs between processors and is thrown away.
pub(crate) fn cpuid(random: &mut Random) -> Piece {
    let leaf = random.of(&[
        0,
        1,
        2,
        4,
        5,
        6,
        7,
        0xa,
        0xb,
        0xd,
        0x14,
        0x15,
        0x16,
        0x1f,
        0x8000_0000,
        0x8000_0001,
        0x8000_0008,
        0x8000_001e,
    ]);
    let (sub, high) = (random.below(4), random.next() << 32);
    Piece::new(random, Code::of(&[0x0f, 0xa2]).forget()).with(RAX, leaf | high).with(RCX, sub | high)
}

/// CPUID leaves that every guest finds the same.
pub(crate) fn quiet_cpuid(random: &mut Random) -> Piece {
    let leaf = random.of(&[0x4000_0000, 0x4000_0100, 0x4000_01ff, 0x5fff_ffff, 0xc000_0000]);
    let high = random.next() << 32;
    Piece::new(random, Code::of(&[0x0f, 0xa2])).with(RAX, leaf | high).stepped(random, 4)
}

/// MSRs whose values are no processor's own. What is not listed here is unknown to every guest.
const KNOWN: [u32; 14] = [
    0x1b,
    0x3b,
    0x8b,
    0x179,
    0x17a,
    0x1d9,
    0x277,
    0x2ff,
    0x250,
    0x26f,
    0xc000_0080,
    0xc001_0015,
    0xc001_0055,
    0xc001_1029,
];
const UNKNOWN: [u32; 12] =
    [0x0, 0x11, 0x79, 0x3a, 0x480, 0x900, 0x1fff, 0x2000, 0x4000_0001, 0xbfff_ffff, 0xc000_1fff, 0xffff_ffff];
/// These reach the processor without an exit. (Of SYSENTER_CS emulators keep 16 bits or 32.)
const PASSED: [u32; 6] = [0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0084, 0xc000_0102];

fn any_msr(random: &mut Random) -> u64 {
    let index = match random.below(4) {
        0 => random.of(&UNKNOWN),
        1 => random.of(&PASSED),
        2 => 0x800 + random.below(0x40) as u32,
        _ => random.of(&KNOWN),
    };
    // QEMU looks the whole of RCX up in the bitmap of MSRs; only ECX counts (AMD APM vol. 3, RDMSR).
    u64::from(index)
}

/// RDMSR.
pub(crate) fn msr_read(random: &mut Random) -> Piece {
    let index = loop {
        let index = any_msr(random);
        // The timer's count moves.
        if index as u32 != 0x839 {
            break index;
        }
    };
    Piece::new(random, Code::of(&[0x0f, 0x32])).with(RCX, index).stepped(random, 6)
}

/// WRMSR: values that registers take and values that they do not. What the guest needs itself keeps its value.
pub(crate) fn msr_write(random: &mut Random) -> Piece {
    let (index, value) = match random.below(4) {
        0 => (random.of(&UNKNOWN), random.operand()),
        // QEMU keeps bits of some that are reserved.
        1 => (random.of(&PASSED), random.next() >> 33),
        _ => {
            let index = random.of(&[
                0x8b,
                0x17a,
                0x1d9,
                0x277,
                0x2ff,
                0x250,
                0x26f,
                0xc000_0080,
                0xc001_0015,
                0xc001_1029,
                0x1b,
                0x179,
            ]);
            (index, value_for(random, index))
        }
    };
    let piece = Piece::new(random, Code::of(&[0x0f, 0x30])).with(RCX, u64::from(index));
    let high = random.next() << 32;
    piece.with(RAX, value & 0xffff_ffff | high).with(RDX, value >> 32 | high).stepped(random, 6)
}

fn value_for(random: &mut Random, index: u32) -> u64 {
    match index {
        // SCE and NXE, with LME and LMA as they are; or bits that no EFER has.
        0xc000_0080 => 0x500 | random.of(&[0, 1, 0x800, 0x801, 1 << 1, 1 << 20, 1 << 63]),
        // The APIC stays where and as it is; reserved bits.
        0x1b => 0xfee0_0900 | random.of(&[1, 1 << 9, 1 << 60]),
        0x277 => random.of(&[
            0x0007_0406_0007_0406,
            0x0606_0606_0606_0606,
            0x0206_0406_0007_0406,
            0x0007_0406_0007_0407,
            0x0807_0406_0007_0406,
        ]),
        0x1d9 | 0x17a => random.of(&[0, 1, 2, 3, 7, 8, 1 << 14, 1 << 40]),
        0x2ff => random.of(&[0, 0x400, 0x800, 0xc06, 0xc02, 0x1000]),
        0x250 | 0x26f => {
            random.of(&[0x0606_0606_0606_0606, 0x0001_0405_0600_0104, 0x0202_0202_0202_0202, 0x0706_0606_0606_0606])
        }
        _ => random.operand(),
    }
}

/// IN and OUT on ports that nobody owns, in all forms.
pub(crate) fn port(random: &mut Random) -> Piece {
    let size: &[u8] = random.of(&[&[][..], &[0x66], &[0x48], &[0xf3]]);
    let number = random.of(&[0x80, 0x21, 0xa1, 0xed, 0x2f8, 0xcf8, 0xcfc, 0x1234, 0xfffc, 0x40, 0x61, 0xb2]);
    let code = match random.below(8) {
        0 => Code::of(size).then(&[0xe4, 0x80]),
        1 => Code::of(size).then(&[0xe5, 0xed]),
        2 => Code::of(size).then(&[0xe6, 0x80]),
        3 => Code::of(size).then(&[0xe7, 0xed]),
        4 => Code::of(size).then(&[0xec]),
        5 => Code::of(size).then(&[0xed]),
        6 => Code::of(size).then(&[0xee]),
        _ => Code::of(size).then(&[0xef]),
    };
    let high = random.next() << 16;
    Piece::new(random, code).with(RDX, number | high).stepped(random, 6)
}

/// INS and OUTS, to and from memory, nothing, and pages that are not there.
pub(crate) fn port_string(random: &mut Random) -> Piece {
    let repeat: &[u8] = random.of(&[&[][..], &[0xf3], &[0xf3]]);
    let size: &[u8] = random.of(&[&[][..], &[0x66]]);
    let code = Code::of(repeat).then(size).then(&[random.of(&[0x6c, 0x6d, 0x6e, 0x6f])]);
    let place = random.of(&[data(Mode::Kernel) + 1024, data(Mode::Kernel) + 4090, 0xd000_0010, 0x90_0000_0010]);
    let (port, count) = (random.of(&[0x80, 0xed, 0x1234, 0x3ff]), random.below(5));
    Piece::new(random, code).stepped(random, 8).with(RDX, port).with(RCX, count).with(RDI, place).with(RSI, place)
}

/// Ports of the virtual PC that no time changes: CMOS memory, scratch register of the serial port, power management.
pub(crate) fn own_port(random: &mut Random) -> Piece {
    let input: &[u8] = random.of(&[&[0xec][..], &[0xed], &[0x66, 0xed]]);
    let (code, port) = match random.below(3) {
        // The index first; then the data port.
        0 => (Code::of(&[0xee, 0x42, 0xec]), 0x70),
        1 => (Code::of(&[0xee]).then(input), 0x3ff),
        _ => (Code::of(input), random.of(&[0x600, 0x602, 0x604, 0x64, 0x60, 0xcf9, 0x3fc, 0x3fb])),
    };
    let index = 0x20 + random.below(0x40);
    Piece::new(random, code).with(RDX, port).with(RAX, index)
}

/// MOV to CR0, CR4 and CR8, with values that they take and values that they do not. (QEMU drops what is
/// above the bits of CR0 and CR8.)
pub(crate) fn control_register(random: &mut Random) -> Piece {
    let (number, value) = match random.below(3) {
        0 => (
            0,
            random.of(&[
                0x8000_0011,
                0x8000_0013,
                0x8000_001f,
                0x8001_0033,
                0x8005_0033,
                0xc000_0011,
                0xa000_0011,
                0x8000_0010,
                0x11,
                0x9800_ffff,
            ]),
        ),
        1 => (
            4,
            random.of(&[
                0x20,
                0xa0,
                0x68,
                0x28,
                0x24,
                0x320,
                0x620,
                0,
                0x80,
                1 << 31 | 0x20,
                1 << 63 | 0x20,
                0x2020,
                0x4020,
            ]),
        ),
        _ => (8, random.of(&[0, 1, 7, 15])),
    };
    // MOV CRn, RAX; MOV RCX, CRn.
    let code = match number {
        8 => Code::of(&[0x44, 0x0f, 0x22, 0xc0, 0x44, 0x0f, 0x20, 0xc1]),
        4 => Code::of(&[0x0f, 0x22, 0xe0, 0x0f, 0x20, 0xe1]),
        _ => Code::of(&[0x0f, 0x22, 0xc0, 0x0f, 0x20, 0xc1]),
    };
    let mode = if random.once_in(8) { Mode::User } else { Mode::Kernel };
    Piece::new(random, code).with(RAX, value).mode(mode).stepped(random, 6)
}

/// LMSW, SMSW and CLTS; the instruction behind them sees TS.
pub(crate) fn machine_status(random: &mut Random) -> Piece {
    let code = match random.below(4) {
        0 => Code::of(&[0x0f, 0x01, 0xf0, 0x0f, 0x01, 0xe1]),
        1 => Code::of(&[0x0f, 0x01, 0x37, 0x48, 0x0f, 0x01, 0xe1]),
        2 => Code::of(&[0x0f, 0x01, 0xf0, 0x0f, 0x06, 0x0f, 0x01, 0xe1]),
        _ => Code::of(&[0x0f, 0x01, 0xf0, 0x9b, 0xd9, 0xe8]),
    };
    let word = random.below(16);
    let place = random.of(&[data(Mode::Kernel), 0xd000_0000]);
    Piece::new(random, code).with(RAX, word).with(RDI, place).stepped(random, 8)
}

/// XSETBV and XGETBV, mostly with CR4.OSXSAVE set first.
pub(crate) fn extended_control(random: &mut Random) -> Piece {
    let code = Code::of(&[0x0f, 0x20, 0xe3, 0x81, 0xcb, 0, 0, 4, 0, 0x0f, 0x22, 0xe3]);
    let code = if random.once_in(4) { Code::of(&[]) } else { code };
    let code = code.then(&[0x0f, 0x01, 0xd1, 0x0f, 0x01, 0xd0]);
    let value = random.of(&[1, 3, 7, 0, 2, 5, 1 << 8]);
    let (index, high) = (random.of(&[0, 0, 0, 1, 2]), random.of(&[0, 0, 0, 1 << 30]));
    Piece::new(random, code).with(RAX, value).with(RCX, index).with(RDX, high)
}

/// WBINVD, INVD, INVLPG and the like.
pub(crate) fn cache(random: &mut Random) -> Piece {
    let code =
        random.of(&[&[0x0f, 0x09][..], &[0x0f, 0x08], &[0x0f, 0x01, 0x3f], &[0x0f, 0xae, 0x3f], &[0x66, 0x0f, 0x09]]);
    let mode = if random.once_in(4) { Mode::User } else { Mode::Kernel };
    let piece = Piece::new(random, Code::of(code)).mode(mode).stepped(random, 4);
    piece.with(RDI, data(mode))
}

/// Instructions of virtualization and others that the guest's processor does not have, or that it may not use. (QEMU executes
/// VMPTRLD, VMXON and VMCLEAR as something else.)
pub(crate) fn foreign(random: &mut Random) -> Piece {
    let code = random.of(&[
        &[0x0f, 0x01, 0xc2][..],
        &[0x0f, 0x01, 0xc3],
        &[0x0f, 0x01, 0xc4],
        &[0x0f, 0x78, 0xc8],
        &[0x0f, 0x79, 0xc8],
        &[0x0f, 0x01, 0xc8],
        &[0x0f, 0x01, 0xc9],
        &[0x0f, 0x33],
        &[0x0f, 0xaa],
        &[0x0f, 0x37],
        &[0x66, 0x0f, 0x38, 0x80, 0x07],
        &[0x66, 0x0f, 0x38, 0x81, 0x07],
        &[0x0f, 0x01, 0xd4],
        &[0x0f, 0x0b],
        &[0x0f, 0xff, 0xc0],
    ]);
    let mode = if random.once_in(6) { Mode::User } else { Mode::Kernel };
    let piece = Piece::new(random, Code::of(code)).mode(mode);
    piece.with(RDI, data(mode) + 2048).with(RCX, 0)
}

/// AMD's instructions of virtualization. At ring 3, and with an address in RAX that is not a page's, a processor that has
/// them raises #GP before the intercept, whatever CPUID tells the guest: neither is tried.
pub(crate) fn foreign_svm(random: &mut Random) -> Piece {
    let number = random.of(&[0xd8, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf]);
    Piece::new(random, Code::of(&[0x0f, 0x01, number])).with(RAX, data(Mode::Kernel))
}

/// Exceptions without an exit, for what the guest sees of them.
pub(crate) fn faults(random: &mut Random) -> Piece {
    let code = random.of(&[
        &[0x48, 0xf7, 0xf1][..],
        &[0xcc],
        &[0x0f, 0x0b],
        &[0xf1],
        &[0x8e, 0xd0],
        &[0x48, 0x0f, 0xa1],
        &[0xcd, 0x20],
        &[0x48, 0xcf],
        &[0x0f, 0x00, 0xd8],
        &[0xf0, 0x90],
        &[0x06],
        &[0xff, 0x28],
    ]);
    let mode = if random.once_in(3) { Mode::User } else { Mode::Kernel };
    let piece = Piece::new(random, Code::of(code)).mode(mode).with(RAX, 0x7ff8).with(RCX, 0);
    piece.flags(if mode == Mode::User && random.once_in(2) { AC } else { 0 })
}

/// Hypercalls, good and bad, from both rings.
pub(crate) fn hypercall(random: &mut Random) -> Piece {
    let number = random.of(&[0x5048_0000, 0x5048_0001, 0x5048_0002, 0x5048_0003, 0x5048_0002 | 1 << 32, 0, u64::MAX]);
    let mode = if random.once_in(3) { Mode::User } else { Mode::Kernel };
    // No counter has this index: their values are a matter of time.
    let piece =
        Piece::new(random, Code::of(&[0xff, 0xd3])).mode(mode).with(RAX, number).with(RDI, 1000 + random.below(9));
    let call = sync::call_address() + piece.alias();
    piece.with(RBX, call)
}

/// Instructions that exit, with prefixes that change nothing or make them none.
pub(crate) fn prefixed(random: &mut Random) -> Piece {
    let prefix: &[u8] = random.of(&[
        &[0x66][..],
        &[0xf2],
        &[0xf3],
        &[0x2e],
        &[0x65],
        &[0x67],
        &[0x48],
        &[0x4f],
        &[0xf0],
        &[0x66, 0x66, 0x2e, 0x3e, 0x26, 0x64, 0x65, 0x67],
        &[0x66; 14],
    ]);
    let code = random.of(&[
        &[0x0f, 0xa2][..],
        &[0x0f, 0x32],
        &[0xf4],
        &[0xec],
        &[0x0f, 0x09],
        &[0x8b, 0x07],
        &[0x0f, 0x22, 0xe0],
    ]);
    // Every instruction finds operands that do no harm; HLT has nothing to wait for but what is pending.
    let code = if code == [0xf4] { &[0x0f, 0x08][..] } else { code };
    let piece = Piece::new(random, Code::of(prefix).then(code)).with(RAX, 0x4000_0000).with(RCX, 0x277);
    let piece = piece.with(RDX, 0x80).with(RDI, 0xd000_0000);
    if code == [0x0f, 0x22, 0xe0] { piece.with(RAX, 0x20) } else { piece }
}

/// Privileged instructions at ring 3, and an access that is not aligned where the guest asked for the check.
pub(crate) fn from_user(random: &mut Random) -> Piece {
    let code = random.of(&[
        &[0x0f, 0x32][..],
        &[0x0f, 0x30],
        &[0xec],
        &[0xee],
        &[0xf4],
        &[0xfa],
        &[0xfb],
        &[0x0f, 0x09],
        &[0x0f, 0x20, 0xc0],
        &[0x0f, 0x22, 0xd8],
        &[0x0f, 0x06],
        &[0x0f, 0x01, 0xd1],
        &[0x0f, 0x23, 0xf8],
        &[0x6c],
        &[0x8b, 0x07],
    ]);
    let piece = Piece::new(random, Code::of(code)).mode(Mode::User).with(RCX, 0x1b).with(RDX, 0x80);
    piece.with(RDI, data(Mode::User) + 1)
}

/// 32-bit code.
pub(crate) fn compatible(random: &mut Random) -> Piece {
    let code = random.of(&[
        &[0x0f, 0xa2][..],
        &[0x0f, 0x32],
        &[0xec],
        &[0xef],
        &[0x6c],
        &[0x8b, 0x07],
        &[0x89, 0x07],
        &[0x40, 0x8b, 0x07],
        &[0x66, 0x8b, 0x07],
        &[0x67, 0x8b, 0x05],
        &[0xa1, 0, 0, 0, 0xd0],
        &[0x0f, 0x22, 0xc0],
        &[0x0f, 0x09],
        &[0xf3, 0xa4],
        &[0x06, 0x07],
    ]);
    let piece = Piece::new(random, Code::of(code)).mode(Mode::Compatible).stepped(random, 6);
    let piece = piece.with(RAX, if code == [0x0f, 0x22, 0xc0] { 0x8000_0013 } else { 0x4000_0100 }).with(RCX, 0x277);
    let target = if code == [0xf3, 0xa4] { data(Mode::Kernel) + 128 } else { 0xd000_0020 };
    let piece = piece.with(RDX, 0x80).with(RDI, target).with(RSI, 0xd000_0080);
    if code == [0xf3, 0xa4] { piece.with(RCX, random.below(5)) } else { piece }
}

/// Breakpoints on code that exits, and on data.
pub(crate) fn breakpoint(random: &mut Random) -> Piece {
    let watched = data(Mode::Kernel) + 3072;
    // MOV DR0, RDI; MOV DR7, RAX; then the instruction.
    let code = Code::of(&[0x0f, 0x23, 0xc7, 0x0f, 0x23, 0xf8]);
    let (code, address, control) = match random.below(3) {
        0 => (code.then(&[0x0f, 0xa2]), 0, 0x402),
        1 => (code.then(&[0x89, 0x1f, 0x90]), watched, 0x000d_0402),
        _ => (code.then(&[0x8b, 0x1f, 0x90]), watched, 0x000f_0402),
    };
    let mut piece = Piece::new(random, code).with(RAX, control).with(RDI, address);
    if address == 0 {
        piece = piece.with(RAX, 0x402).with(RCX, 0);
        let code = crate::run::code_address() + piece.offset + 6;
        // CPUID of the control value's leaf would differ: RAX gets another after the breakpoint is set.
        piece = piece.with(RDI, code);
    }
    piece
}
