//! x
#![no_std]
#![no_main]
guest_rt::entry!(main);
fn main() {
    guest_rt::report::check("sum", 1 + 1, 2);
}
