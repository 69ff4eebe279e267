//! The memory functions of `host/memory.s` against byte-wise ones, at all alignments.

use core::ffi::c_int;

use crate::bench::Bench;
use crate::report::{check, fail};

/// Bytes of a buffer: the longest size, the largest offset, and what must stay as it is behind.
const BYTES: usize = 2048 + 128;
const UNTOUCHED: u8 = 0xee;

#[repr(C, align(64))]
struct Buffer([u8; BYTES]);

static mut FROM: Buffer = Buffer([0; BYTES]);
static mut TO: Buffer = Buffer([0; BYTES]);

unsafe extern "C" {
    fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memset(to: *mut u8, value: c_int, bytes: usize) -> *mut u8;
    fn memcmp(one: *const u8, other: *const u8, bytes: usize) -> c_int;
}

/// All small sizes, and those around the blocks that the functions work in.
fn sizes() -> impl Iterator<Item = usize> {
    (0..=72)
        .chain([95, 96, 97, 127, 128, 129, 143, 191, 192, 193, 255, 256, 257, 300, 511, 513, 1023, 1024, 1025, 2048])
}

/// A byte that differs from its neighbours.
fn byte(index: usize) -> u8 {
    (index * 7 + index / 251 + 3) as u8
}

/// A byte of a buffer, accessed as itself so that no memory function is called for it.
fn set(buffer: *mut u8, index: usize, value: u8) {
    assert!(index < BYTES);
    // SAFETY: within the buffer, which only this CPU uses.
    unsafe { buffer.add(index).write_volatile(value) };
}

fn get(buffer: *const u8, index: usize) -> u8 {
    assert!(index < BYTES);
    // SAFETY: as for `set`.
    unsafe { buffer.add(index).read_volatile() }
}

fn buffers() -> (*mut u8, *mut u8) {
    ((&raw mut FROM).cast(), (&raw mut TO).cast())
}

fn fill(buffer: *mut u8, bytes: usize, value: impl Fn(usize) -> u8) {
    (0..bytes).for_each(|index| set(buffer, index, value(index)));
}

/// Compares all of the first `bytes` bytes.
fn compare(what: core::fmt::Arguments<'_>, buffer: *const u8, bytes: usize, want: impl Fn(usize) -> u8) {
    for index in 0..bytes {
        let (got, want) = (get(buffer, index), want(index));
        if got != want {
            fail(format_args!("{what}: byte {index}: got {got:#x}, want {want:#x}"));
        }
    }
}

/// memcpy: every alignment of both sides, nothing before and behind.
pub(crate) fn copy(_: Bench) {
    let (from, to) = buffers();
    fill(from, BYTES, byte);
    for bytes in sizes() {
        for (at, source) in (0..16).flat_map(|at| (0..16).map(move |source| (at, source))) {
            fill(to, bytes + 32, |_| UNTOUCHED);
            // SAFETY: both ranges lie in their buffers.
            let result = unsafe { memcpy(to.add(at), from.add(source), bytes) };
            check("result", result, to.wrapping_add(at));
            let want = |index| if (at..at + bytes).contains(&index) { byte(index - at + source) } else { UNTOUCHED };
            compare(format_args!("{bytes} bytes from +{source} to +{at}"), to, bytes + 32, want);
        }
    }
}

/// memmove: overlaps in both directions.
pub(crate) fn overlap(_: Bench) {
    let (buffer, _) = buffers();
    for bytes in sizes() {
        for (at, source) in [0, 1, 7, 8, 15, 16, 40, 63, 64]
            .into_iter()
            .flat_map(|at| [0, 1, 2, 8, 9, 15, 16, 17, 41, 64].into_iter().map(move |source| (at, source)))
        {
            fill(buffer, bytes + 80, byte);
            // SAFETY: both ranges lie in the buffer.
            let result = unsafe { memmove(buffer.add(at), buffer.add(source), bytes) };
            check("result", result, buffer.wrapping_add(at));
            let want = |index| byte(if (at..at + bytes).contains(&index) { index - at + source } else { index });
            compare(format_args!("{bytes} bytes from +{source} to +{at}"), buffer, bytes + 80, want);
        }
    }
}

/// memset: every place within a block of DC ZVA, zero and something else.
pub(crate) fn zero(_: Bench) {
    let (_, to) = buffers();
    for (bytes, at) in sizes().flat_map(|bytes| (0..64).map(move |at| (bytes, at))) {
        for value in [0, 0x5a] {
            fill(to, bytes + 80, |_| UNTOUCHED);
            // SAFETY: the range lies in the buffer.
            let result = unsafe { memset(to.add(at), value, bytes) };
            check("result", result, to.wrapping_add(at));
            let want = |index| if (at..at + bytes).contains(&index) { value as u8 } else { UNTOUCHED };
            compare(format_args!("{bytes} bytes of {value:#x} at +{at}"), to, bytes + 80, want);
        }
    }
}

/// memcmp: equal, and different at one place; the sign is that of the first difference.
pub(crate) fn order(_: Bench) {
    let (one, other) = buffers();
    fill(one, BYTES, |_| 0x80);
    fill(other, BYTES, |_| 0x80);
    for (bytes, at, with) in
        sizes().flat_map(|bytes| (0..9).flat_map(move |at| [0, 1, 8, 11].map(|with| (bytes, at, with))))
    {
        // SAFETY: both ranges lie in their buffers.
        let sign = || unsafe { memcmp(one.add(at), other.add(with), bytes) }.signum();
        check(format_args!("{bytes} equal bytes"), sign(), 0);
        // What lies on either side does not count.
        set(other, with + bytes, 1);
        check(format_args!("{bytes} bytes and one behind"), sign(), 0);
        set(other, with + bytes, 0x80);
        for place in [0, bytes / 2, bytes.saturating_sub(1)].into_iter().filter(|place| *place < bytes) {
            for (value, want) in [(0x7f, 1), (0x81, -1), (0xff, -1), (0, 1)] {
                set(other, with + place, value);
                check(format_args!("{bytes} bytes, {value:#x} at {place}"), sign(), want);
            }
            set(other, with + place, 0x80);
        }
    }
}
