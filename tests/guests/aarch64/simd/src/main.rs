//! Being written.
#![no_std]
#![no_main]

guest_arm_rt::entry!(main);

fn main() {}
