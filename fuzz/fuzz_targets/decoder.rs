//! Any bytes as an instruction, in each mode of a processor: the decoder returns, and a length is a possible one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use phalanx_arch_x86_64::decode::{MAX_INSTRUCTION_LENGTH, Mode, decode};

fuzz_target!(|bytes: &[u8]| {
    for mode in [Mode::Bits16, Mode::Bits32, Mode::Bits64] {
        if let Ok(instruction) = decode(bytes, mode) {
            let length = usize::from(instruction.length);
            assert!((1..=MAX_INSTRUCTION_LENGTH.min(bytes.len())).contains(&length));
        }
    }
});
