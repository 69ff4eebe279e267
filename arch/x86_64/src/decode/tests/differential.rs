//! Random and mutated instructions, each decoded twice: here and by iced-x86.

use std::time::{Duration, Instant};
use std::vec::Vec;

use super::oracle::{agrees, disassemble, is_promised};
use crate::decode::{DecodeError, MAX_INSTRUCTION_LENGTH, Mode, decode};

const MODES: [Mode; 3] = [Mode::Bits16, Mode::Bits32, Mode::Bits64];
const PREFIXES: [u8; 12] = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x48];

/// A small generator with a fixed seed, so that every run sees the same instructions in the same order.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    fn bytes(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_le_bytes());
        bytes[8..].copy_from_slice(&self.next().to_le_bytes());
        bytes
    }

    /// Prefixes, perhaps REX, an opcode of either map, and random bytes behind.
    fn shaped(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(4) {
            bytes.push(PREFIXES[usize::from(self.below(PREFIXES.len() as u8))]);
        }
        if self.below(2) == 0 {
            bytes.push(0x40 | self.below(16));
        }
        if self.below(2) == 0 {
            bytes.push(0x0f);
        }
        bytes.extend(self.bytes());
        bytes
    }
}

/// Compares both decoders on one input.
fn check(bytes: &[u8], mode: Mode) {
    let ours = decode(bytes, mode);
    let iced = disassemble(bytes, mode);
    match (&ours, &iced) {
        (Ok(ours), Some(iced)) => {
            assert!(agrees(ours, iced), "{mode:?} {bytes:02x?}\nours {ours:?}\niced {iced:?}");
            check_truncation(bytes, usize::from(ours.length), mode);
        }
        (Ok(ours), None) => panic!("{mode:?} {bytes:02x?}\nours {ours:?}\niced invalid"),
        (Err(error), Some(iced)) => {
            assert!(!is_promised(iced), "{mode:?} {bytes:02x?}\nours {error:?}\niced {iced:?}");
        }
        (Err(_), None) => {}
    }
}

/// What lies behind the instruction does not count, and without its last byte it is incomplete.
fn check_truncation(bytes: &[u8], length: usize, mode: Mode) {
    assert_eq!(decode(&bytes[..length], mode), decode(bytes, mode), "{mode:?} {bytes:02x?}");
    let cut = decode(&bytes[..length - 1], mode);
    assert_eq!(cut, Err(DecodeError::Truncated), "{mode:?} {bytes:02x?}");
}

fn budget() -> Duration {
    let seconds = std::env::var("PHALANX_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn every_opcode_with_every_modrm() {
    let tail = [0x24, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
    for mode in MODES {
        for opcode in 0..=0xff {
            for modrm in 0..=0xff {
                check(&[&[opcode, modrm], &tail[..]].concat(), mode);
                check(&[&[0x0f, opcode, modrm], &tail[..]].concat(), mode);
            }
        }
    }
}

#[test]
fn every_prefix_before_every_opcode() {
    let tail = [0x01, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99];
    for mode in MODES {
        for prefix in (0..=0xff).filter(|byte| PREFIXES.contains(byte) || byte >> 4 == 4) {
            for opcode in 0..=0xff {
                for modrm in [0x00, 0x0c, 0x15, 0x3e, 0x44, 0x85, 0xc1, 0xd9, 0xe3, 0xff] {
                    check(&[&[prefix, opcode, modrm], &tail[..]].concat(), mode);
                    check(&[&[prefix, 0x0f, opcode, modrm], &tail[..]].concat(), mode);
                }
            }
        }
    }
}

#[test]
fn random_instructions() {
    let mut random = Random(0x5048_414c_414e_5821);
    let start = Instant::now();
    while start.elapsed() < budget() {
        for _ in 0..2_000 {
            let mode = MODES[usize::from(random.below(3))];
            check(&random.bytes(), mode);
            check(&random.shaped(), mode);
        }
    }
}

#[test]
fn too_long_for_both() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut bytes = std::vec![0x66; usize::from(8 + random.below(8))];
        bytes.extend(random.bytes());
        let mode = MODES[usize::from(random.below(3))];
        if let Ok(instruction) = decode(&bytes, mode) {
            assert!(usize::from(instruction.length) <= MAX_INSTRUCTION_LENGTH);
        }
        check(&bytes, mode);
    }
}
