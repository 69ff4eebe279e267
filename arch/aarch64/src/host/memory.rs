//! Copying, filling and comparing memory: what compiled code calls for, in place of the portable versions that the
//! compiler brings along.
//!
//! | function | instructions for large sizes |
//! |---|---|
//! | `memcpy` | 18 for 128 bytes |
//! | `memset`, other values | 10 for 128 bytes |
//! | `memset` to 0 | 2.5 for a block of DC ZVA (64 bytes, or more) |

use core::sync::atomic::{AtomicBool, Ordering};

core::arch::global_asm!(include_str!("memory.s"), flag = sym IS_NORMAL);

/// Whether unaligned accesses and DC ZVA are allowed: the MMU is on, with the host's tables. Not in `.bss`, which is
/// zeroed when these functions are in use already.
#[unsafe(link_section = ".data.phalanx_memory")]
static IS_NORMAL: AtomicBool = AtomicBool::new(false);

/// Lets the functions do what needs the MMU. It stays on from now on, on every CPU that runs compiled code.
pub(super) fn mmu_is_on() {
    IS_NORMAL.store(true, Ordering::Relaxed);
}
