//! String port I/O: counts, pointers, direction, and faults on the memory side.

use core::arch::asm;
use guest_rt::paging;
use guest_rt::report::{Sweep, check};
use guest_rt::trap::{Fault, attempt, last_cr2};

const UNOWNED: u16 = 0x80;
const COM1: u16 = 0x3f8;

macro_rules! string_io {
    ($name:ident, $code:literal, $pointer:tt) => {
        #[doc = concat!("`", $code, "`, returns what is left of the count and the pointer.")]
        fn $name(port: u16, pointer: u64, count: u64, backwards: bool) -> (u64, u64) {
            let (left, end);
            // SAFETY: the caller's pointer and count lie in its own buffer, or the access faults inside an attempt.
            unsafe {
                asm!(
                    "test {flag:e}, {flag:e}", "jz 2f", "std", "2:",
                    $code,
                    "cld",
                    flag = in(reg) u32::from(backwards), in("dx") port,
                    inout($pointer) pointer => end, inout("rcx") count => left, options(nostack),
                );
            }
            (left, end)
        }
    };
}

string_io!(ins8, "rep insb", "rdi");
string_io!(ins16, "rep insw", "rdi");
string_io!(ins32, "rep insd", "rdi");
string_io!(outs8, "rep outsb", "rsi");

pub(crate) fn run() {
    let mut sweep = Sweep::new("string-io");
    let mut buffer = [0_u8; 64];
    let start = buffer.as_mut_ptr() as u64;
    sweep.expect("insb", ins8(UNOWNED, start, 16, false), (0, start + 16));
    sweep.expect("insb data", ones(&buffer), 16);
    sweep.expect("insw", ins16(UNOWNED, start, 16, false), (0, start + 32));
    sweep.expect("insw data", ones(&buffer), 32);
    sweep.expect("insd backwards", ins32(UNOWNED, start + 60, 8, true), (0, start + 28));
    sweep.expect("insd data", ones(&buffer), 64);
    buffer = [0; 64];
    sweep.expect("insb of nothing", ins8(UNOWNED, start, 0, false), (0, start));
    sweep.expect("nothing came", ones(&buffer), 0);
    sweep.expect("outsb", outs8(UNOWNED, start, 64, false), (0, start + 64));
    let line = b"# written by rep outsb\r\n";
    let (from, length) = (line.as_ptr() as u64, line.len() as u64);
    sweep.expect("outsb to COM1", outs8(COM1, from, length, false), (0, from + length));
    faults(&mut sweep);
    sweep.finish();
    // The line status register says again that all of it went out.
    check("com1-idle", guest_rt::port::read8(COM1 + 5) & 0x20, 0x20);
}

/// How many bytes at the start are all-ones.
fn ones(buffer: &[u8]) -> usize {
    // SAFETY: reads a live slice; volatile because string I/O wrote it.
    buffer.iter().take_while(|byte| unsafe { core::ptr::from_ref(*byte).read_volatile() } == 0xff).count()
}

/// A page that is not there: #PF for a write (INS) or a read (OUTS), with the address.
fn faults(sweep: &mut Sweep) {
    let hole = paging::raw_window(0, 0) as u64;
    sweep.expect("insb to a hole", attempt(|| ins8(UNOWNED, hole + 5, 4, false)), Err(Fault(14, 2)));
    sweep.expect("CR2 of insb", last_cr2(), hole + 5);
    sweep.expect("outsb from a hole", attempt(|| outs8(UNOWNED, hole + 9, 4, false)), Err(Fault(14, 0)));
    sweep.expect("CR2 of outsb", last_cr2(), hole + 9);
    let far = 1 << 63;
    sweep.expect("insb to a far address", attempt(|| ins8(UNOWNED, far, 1, false)), Err(Fault(13, 0)));
}
