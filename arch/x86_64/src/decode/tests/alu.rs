//! Flags against arithmetic that is done bit by bit.

use phalanx_arch_api::AccessSize;

use crate::decode::flags::{AF, CF, OF, PF, SF, STATUS, ZF};
use crate::decode::{AluOp, BitOp, UnaryOp, alu, bit, unary};

const SIZES: [AccessSize; 4] = [AccessSize::B1, AccessSize::B2, AccessSize::B4, AccessSize::B8];
const OPS: [AluOp; 9] =
    [AluOp::Add, AluOp::Or, AluOp::Adc, AluOp::Sbb, AluOp::And, AluOp::Sub, AluOp::Xor, AluOp::Cmp, AluOp::Test];

/// Signed value of the low `bits`.
fn signed(value: u64, bits: u32) -> i128 {
    let value = i128::from(value);
    if value >> (bits - 1) & 1 != 0 { value - (1 << bits) } else { value }
}

/// The same operation in wide integers, flags from their definitions.
fn reference(op: AluOp, size: AccessSize, a: u64, b: u64, rflags: u64) -> (u64, u64) {
    let bits = size.bytes() * 8;
    let mask = size.all_ones();
    let c = i128::from(rflags & CF);
    let (ua, ub) = (i128::from(a), i128::from(b));
    let (sa, sb) = (signed(a, bits), signed(b, bits));
    let low = |value: i128| value & 0xf;
    let (wide, signed_wide, nibble) = match op {
        AluOp::Add => (ua + ub, sa + sb, low(ua) + low(ub)),
        AluOp::Adc => (ua + ub + c, sa + sb + c, low(ua) + low(ub) + c),
        AluOp::Sub | AluOp::Cmp => (ua - ub, sa - sb, low(ua) - low(ub)),
        AluOp::Sbb => (ua - ub - c, sa - sb - c, low(ua) - low(ub) - c),
        AluOp::And | AluOp::Test => (ua & ub, sa & sb, 0),
        AluOp::Or => (ua | ub, sa | sb, 0),
        AluOp::Xor => (ua ^ ub, sa ^ sb, 0),
    };
    let result = u64::try_from(wide & i128::from(mask)).unwrap();
    let flag = |condition: bool, flag: u64| if condition { flag } else { 0 };
    let flags = flag(wide < 0 || wide > i128::from(mask), CF)
        | flag(!(0..16).contains(&nibble), AF)
        | flag(signed_wide != signed(result, bits), OF)
        | flag(result == 0, ZF)
        | flag(signed(result, bits) < 0, SF)
        | flag((result as u8).count_ones().is_multiple_of(2), PF);
    (result, rflags & !STATUS | flags)
}

#[test]
fn all_bytes_with_and_without_carry() {
    for op in OPS {
        for a in 0..=0xff {
            for b in 0..=0xff {
                for rflags in [0x202, 0x202 | CF, 0x202 | STATUS] {
                    let ours = alu(op, AccessSize::B1, a, b, rflags);
                    let want = reference(op, AccessSize::B1, a, b, rflags);
                    assert_eq!(ours, want, "{op:?} {a:#x} {b:#x} {rflags:#x}");
                }
            }
        }
    }
}

#[test]
fn edges_of_every_width() {
    for size in SIZES {
        let mask = size.all_ones();
        let sign = mask ^ mask >> 1;
        let edges = [0, 1, 0xf, 0x10, sign - 1, sign, sign + 1, mask - 1, mask];
        for (op, a, b) in
            OPS.into_iter().flat_map(|op| edges.map(|a| edges.map(|b| (op, a & mask, b & mask)))).flatten()
        {
            for rflags in [2, 2 | CF] {
                let want = reference(op, size, a, b, rflags);
                assert_eq!(alu(op, size, a, b, rflags), want, "{op:?} {size:?} {a:#x} {b:#x}");
            }
        }
    }
}

#[test]
fn bits_above_the_operand_do_not_count() {
    let junk = 0xdead_beef_0000_0000;
    for op in OPS {
        let clean = alu(op, AccessSize::B4, 0x8000_0001, 0x7fff_ffff, CF);
        assert_eq!(alu(op, AccessSize::B4, junk | 0x8000_0001, junk | 0x7fff_ffff, CF), clean);
    }
}

#[test]
fn increments_keep_the_carry() {
    assert_eq!(unary(UnaryOp::Inc, AccessSize::B1, 0xff, CF), (0, CF | ZF | PF | AF));
    assert_eq!(unary(UnaryOp::Inc, AccessSize::B1, 0x7f, 0), (0x80, OF | SF | AF));
    assert_eq!(unary(UnaryOp::Dec, AccessSize::B2, 0, 0), (0xffff, SF | PF | AF));
    assert_eq!(unary(UnaryOp::Dec, AccessSize::B4, 0x8000_0000, CF), (0x7fff_ffff, CF | OF | PF | AF));
}

#[test]
fn not_keeps_all_flags_and_neg_sets_the_carry() {
    assert_eq!(unary(UnaryOp::Not, AccessSize::B2, 0x00ff, STATUS), (0xff00, STATUS));
    assert_eq!(unary(UnaryOp::Neg, AccessSize::B4, 0, CF), (0, ZF | PF));
    assert_eq!(unary(UnaryOp::Neg, AccessSize::B8, 1, 0), (u64::MAX, CF | SF | PF | AF));
}

#[test]
fn bit_instructions_set_only_the_carry() {
    let keep = ZF | SF;
    assert_eq!(bit(BitOp::Test, AccessSize::B4, 0x10, 4, keep), (0x10, keep | CF));
    assert_eq!(bit(BitOp::Set, AccessSize::B4, 0, 31, CF), (0x8000_0000, 0));
    assert_eq!(bit(BitOp::Reset, AccessSize::B2, 0xffff, 16 + 3, keep), (0xfff7, keep | CF));
    assert_eq!(bit(BitOp::Complement, AccessSize::B8, 0, 63, 0), (1 << 63, 0));
}
