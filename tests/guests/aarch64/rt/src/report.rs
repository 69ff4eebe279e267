//! Results on the PL011: `row NAME VALUE`, `check NAME ok`, `check NAME FAIL got=… want=…`, and `done PASSED FAILED`.
//!
//! Lines that begin with `#` are for people.

use crate::{power, println, start_info};
use core::fmt::{self, Debug, Display};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

static PASSED: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicU32 = AtomicU32::new(0);

/// Most failures of one sweep that are printed one by one; the command line word `shown=N` asks for more.
const SHOWN: u32 = 8;

/// Compares and reports; numbers are printed in hexadecimal.
pub fn check<T: PartialEq + Debug>(name: impl Display, got: T, want: T) {
    if got == want {
        PASSED.fetch_add(1, Relaxed);
        println!("check {name} ok");
    } else {
        FAILED.fetch_add(1, Relaxed);
        println!("check {name} FAIL got={got:x?} want={want:x?}");
    }
}

/// Prints a measurement.
pub fn row(name: &str, value: u64) {
    println!("row {name} {value}");
}

/// Prints the last line.
pub fn done() {
    println!("done {} {}", PASSED.load(Relaxed), FAILED.load(Relaxed));
}

/// Many comparisons that make one check.
pub struct Sweep {
    name: &'static str,
    compared: u32,
    wrong: u32,
}

impl Sweep {
    /// A sweep with nothing compared yet.
    pub fn new(name: &'static str) -> Self {
        Self { name, compared: 0, wrong: 0 }
    }

    /// Compares one response; the first wrong ones are printed with the place where they were met.
    pub fn expect<T: PartialEq + Debug>(&mut self, place: impl Display, got: T, want: T) {
        let right = got == want;
        self.judge(right, place, format_args!("got={got:x?} want={want:x?}"));
    }

    /// Notes one response that `right` already judges.
    pub fn judge(&mut self, right: bool, place: impl Display, what: impl Display) {
        self.compared += 1;
        if !right {
            self.wrong += 1;
            if self.wrong <= start_info::value("shown", SHOWN) {
                println!("# {} at {place}: {what}", self.name);
            }
        }
    }

    /// Reports the check: how many responses were wrong, which should be none.
    pub fn finish(self) {
        println!("# {}: {} responses", self.name, self.compared);
        check(self.name, self.wrong, 0);
    }
}

/// Reports something that must not happen as a failed check, then ends the guest.
pub fn abort(got: impl Display, want: &str) -> ! {
    FAILED.fetch_add(1, Relaxed);
    println!("check guest FAIL got={got} want={want}");
    done();
    power::off()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("# panic: {info}");
    abort(format_args!("panic"), "none")
}

/// A number as `0x…`, for names of checks.
pub struct Hex(pub u64);

impl Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
