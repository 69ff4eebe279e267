//! Host tests of the platform's devices.

mod clock;
mod mtrr;
mod power;
mod rtc;
