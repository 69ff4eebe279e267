//! Instructions survive the way through a guest's RAM.

use phalanx_arch_api::AccessSize;

use crate::{FaultKind, Op, Program};

#[test]
fn instructions_decode_to_what_they_encode() {
    let ops = [
        Op::Compute { ticks: u64::MAX },
        Op::Out { port: 0x3f8, size: AccessSize::B2, value: 0x1234 },
        Op::Load { gpa: 1 << 40, size: AccessSize::B8 },
        Op::Hypercall { number: 7, argument: 8, privileged: false },
        Op::Ipi { vcpu: 3, vector: 31 },
        Op::MarkA {},
        Op::ResetUntil { resets: 10 },
        Op::Fault { kind: FaultKind::Unknown },
    ];
    for op in ops {
        assert_eq!(Op::decode(op.encode()), Some(op));
    }
}

#[test]
fn what_is_no_instruction_does_not_decode() {
    // Zeroed RAM, an unknown number, a port that is none, a width that is none, a flag that is none.
    for words in [[0; 4], [99, 0, 0, 0], [2, 0x1_0000, 1, 0], [2, 0, 3, 0], [10, 0, 0, 2]] {
        assert_eq!(Op::decode(words), None, "{words:x?}");
    }
}

#[test]
fn programs_know_where_their_operations_lie() {
    let mut program = Program::at(0x1000);
    program.say(0x3f8, "ab").push([Op::PowerOff {}]);
    assert_eq!((program.base(), program.here()), (0x1000, 0x1060));
    let bytes = program.bytes();
    assert_eq!(bytes.len(), 0x60);
    assert_eq!(bytes[0x40..0x48], Op::PowerOff {}.encode()[0].to_le_bytes());
}
