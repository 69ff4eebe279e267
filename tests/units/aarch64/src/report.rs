//! What a run prints, and how it ends.
//!
//! The last line is `unit NAME ok`, or `unit NAME FAIL: …`.

use core::fmt::{self, Debug, Display, Write};

use phalanx_arch_aarch64::host::{crash, instr, semihosting};
use spin::{Mutex, Once};

/// The exit codes of the hypervisor's own verdicts.
pub(crate) const PASSED: u32 = 33;
/// See [`PASSED`].
pub(crate) const FAILED: u32 = 35;

static NAME: Once<&'static str> = Once::new();
/// The test is to end in a crash card with these words.
static WANTED_CRASH: Once<&'static [&'static str]> = Once::new();
/// The crash card that was printed.
static CARD: Mutex<Card> = Mutex::new(Card { text: [0; Card::BYTES], used: 0 });

struct Card {
    text: [u8; Self::BYTES],
    used: usize,
}

impl Card {
    const BYTES: usize = 4096;

    /// What does not fit is dropped.
    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            if let Some(place) = self.text.get_mut(self.used) {
                *place = byte;
                self.used += 1;
            }
        }
    }

    fn text(&self) -> &str {
        core::str::from_utf8(&self.text[..self.used]).unwrap_or_default()
    }
}

/// Makes crashes end the run.
pub(crate) fn prepare() {
    crash::register(crash::Hooks {
        write: |text| {
            CARD.lock().add(text);
            say(format_args!("{text}"));
        },
        domain_name: |number, out| write!(out, "number {number}"),
        stop: after_crash,
    });
}

/// Notes the name of the test.
pub(crate) fn begin(name: &'static str) {
    NAME.call_once(|| name);
}

/// From now on, only a crash whose card has all these words makes the test pass.
pub(crate) fn want_crash(words: &'static [&'static str]) {
    WANTED_CRASH.call_once(|| words);
}

fn after_crash() -> ! {
    let Some(words) = WANTED_CRASH.get() else { fail("a crash") };
    let card = CARD.lock();
    match words.iter().find(|word| !card.text().contains(**word)) {
        None => end_well(),
        Some(missing) => fail(format_args!("the crash card says nothing of `{missing}`")),
    }
}

/// Writes to the console.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    if let Some(mut port) = phalanx_boot_aarch64::console() {
        // The port's `Write` never fails.
        let _ = port.write_fmt(text);
    }
}

/// The test passed.
pub(crate) fn pass() -> ! {
    match WANTED_CRASH.get() {
        None => end_well(),
        Some(_) => fail("no crash"),
    }
}

fn end_well() -> ! {
    say(format_args!("unit {} ok\n", NAME.get().unwrap_or(&"?")));
    end(PASSED)
}

/// The test failed.
pub(crate) fn fail(why: impl Display) -> ! {
    say(format_args!("unit {} FAIL: {why}\n", NAME.get().unwrap_or(&"?")));
    end(FAILED)
}

/// Ends the emulator.
pub(crate) fn end(code: u32) -> ! {
    semihosting::exit(code);
    instr::halt_forever()
}

/// Compares; the first difference ends the test.
pub(crate) fn check<T: PartialEq + Debug>(what: impl Display, got: T, want: T) {
    if got != want {
        fail(format_args!("{what}: got {got:x?}, want {want:x?}"));
    }
}
