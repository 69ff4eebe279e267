//! The memory subsystem over a piece of the test's own memory.

mod allocator;
mod frame;
mod guest_ram;
mod second_level;
mod table_pool;

use std::alloc::{Layout, alloc};

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{Hfn, Hpa, Hva};

use super::{Extent, Free, PhysMap};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Real memory that plays the frames from `start` on, full of garbage. Never freed, as a machine's is not.
#[allow(unsafe_code)]
pub(crate) fn physical(start: u64, bytes: u64) -> Extent<Free> {
    let layout = Layout::from_size_align(bytes as usize, FRAME_SIZE as usize).unwrap();
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc(layout) };
    assert!(!memory.is_null());
    // SAFETY: `memory` points to that many bytes, which nobody else has.
    unsafe { memory.write_bytes(0xa5, bytes as usize) };
    let base = Hva::new((memory.expose_provenance() as u64).wrapping_sub(start));
    // SAFETY: the frames from `start` on are the allocation, at `base + start`, and it is never freed.
    unsafe { PhysMap::new(base).claim(Hfn::containing(Hpa::new(start)), bytes / FRAME_SIZE) }
}

/// Frames with nothing behind them, for tests of the bookkeeping.
#[allow(unsafe_code)]
fn imaginary(first: u64, frames: u64) -> Extent<Free> {
    // SAFETY: the tests that call this keep the frames free, and nothing touches free frames.
    unsafe { PhysMap::new(Hva::new(0)).claim(Hfn::new(first), frames) }
}
