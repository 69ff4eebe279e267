//! A Linux program that is `/init` of an initramfs: prints `linux-init TICKS` (CNTVCT_EL0 at its first instruction) on the
//! console and powers the machine off. It measures how long Linux takes to its first process.
#![no_std]
#![no_main]

use core::arch::{asm, naked_asm};
use core::panic::PanicInfo;

const WRITE: u64 = 64;
const REBOOT: u64 = 142;
const EXIT: u64 = 93;
const STANDARD_OUTPUT: u64 = 1;
/// The two magic numbers and the command of reboot(2).
const POWER_OFF: [u64; 3] = [0xfee1_dead, 0x2812_1969, 0x4321_fedc];
/// Digits of the greatest 64-bit number.
const DIGITS: usize = 20;

/// The ELF entry.
///
/// # Safety
/// Jumped to once by Linux; never called.
// SAFETY: the stack is Linux's; nothing returns here.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!("isb", "mrs x0, cntvct_el0", "mov x29, xzr", "mov x30, xzr", "b {main}", main = sym main)
}

extern "C" fn main(ticks: u64) -> ! {
    write(b"linux-init ");
    print_number(ticks);
    write(b"\n");
    let [one, two, command] = POWER_OFF;
    system_call(REBOOT, [one, two, command]);
    loop {
        system_call(EXIT, [1, 0, 0]);
    }
}

fn print_number(mut number: u64) {
    let mut digits = [b'0'; DIGITS];
    let mut first = DIGITS - 1;
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
        if *digit != b'0' {
            first = index;
        }
    }
    write(digits.get(first..).unwrap_or_default());
}

fn write(text: &[u8]) {
    system_call(WRITE, [STANDARD_OUTPUT, text.as_ptr() as u64, text.len() as u64]);
}

/// A system call: X8 = number, arguments in X0 to X2, result in X0.
fn system_call(number: u64, [a, b, c]: [u64; 3]) -> u64 {
    let result;
    // SAFETY: the kernel changes X0 only, and no memory for these calls.
    unsafe { asm!("svc #0", in("x8") number, inout("x0") a => result, in("x1") b, in("x2") c, options(nostack)) };
    result
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        system_call(EXIT, [2, 0, 0]);
    }
}
