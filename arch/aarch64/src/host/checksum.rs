//! CRC-32 by the processor's own instructions (Arm ARM, C3.5.8 "CRC32 instructions").

use core::arch::asm;

use crate::register::mrs;

/// Whether the processor has the instructions (ID_AA64ISAR0_EL1.CRC32).
#[must_use]
pub fn has_crc32() -> bool {
    mrs!("ID_AA64ISAR0_EL1") >> 16 & 0xf != 0
}

/// CRC-32 (IEEE 802.3, as zlib's `crc32` from 0) of `bytes`. Only where [`has_crc32`].
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let state = blocks.iter().fold(!0, add_block);
    !rest.iter().fold(state, |state, byte| add_byte(state, *byte))
}

/// Adds 64 bytes, two words a load.
#[inline(always)]
fn add_block(mut state: u32, block: &[u8; 64]) -> u32 {
    // SAFETY: loads the 64 bytes of `block`.
    unsafe {
        asm!(
            ".arch_extension crc",
            "ldp {a}, {b}, [{block}]",
            "ldp {c}, {d}, [{block}, #16]",
            "crc32x {state:w}, {state:w}, {a}",
            "crc32x {state:w}, {state:w}, {b}",
            "ldp {a}, {b}, [{block}, #32]",
            "crc32x {state:w}, {state:w}, {c}",
            "crc32x {state:w}, {state:w}, {d}",
            "ldp {c}, {d}, [{block}, #48]",
            "crc32x {state:w}, {state:w}, {a}",
            "crc32x {state:w}, {state:w}, {b}",
            "crc32x {state:w}, {state:w}, {c}",
            "crc32x {state:w}, {state:w}, {d}",
            ".arch_extension nocrc",
            block = in(reg) block,
            state = inout(reg) state,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            d = out(reg) _,
            options(readonly, nostack, preserves_flags)
        );
    }
    state
}

fn add_byte(mut state: u32, byte: u8) -> u32 {
    // SAFETY: computes.
    unsafe {
        asm!(
            ".arch_extension crc",
            "crc32b {state:w}, {state:w}, {byte:w}",
            ".arch_extension nocrc",
            state = inout(reg) state,
            byte = in(reg) u32::from(byte),
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    state
}
