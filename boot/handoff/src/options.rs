//! What the words of the command line mean.
//!
//! | word | meaning |
//! |---|---|
//! | `console=com1` | the kernel's console is the first serial port (the default) |
//! | `exit=isa:0xf4` | when all domains have ended, write the result to this port (QEMU's `isa-debug-exit`) |
//!
//! A word that is unknown or has a bad value is reported and skipped: a typing mistake must not keep a machine down.

use core::fmt;

/// The kernel's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where the kernel writes and reads.
    pub console: Console,
    /// What the kernel does when nothing is left to run.
    pub exit: Exit,
}

/// Where the kernel writes and reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// The first serial port.
    #[default]
    Com1,
}

/// What the kernel does when nothing is left to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// Halts all CPUs.
    #[default]
    Halt,
    /// Writes the result to this x86 I/O port, where QEMU's `isa-debug-exit` device ends the emulator.
    IsaDebug {
        /// The device's first port.
        port: u16,
    },
}

/// How the kernel's run ended, as the exit device is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Everything that was to run has run.
    Fine = 0x10,
    /// The kernel refused to start, or crashed.
    Refused = 0x11,
}

/// A word of the command line that has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError<'a> {
    /// No option has this name.
    Unknown(&'a str),
    /// The option exists, but not with this value.
    BadValue {
        /// The whole word.
        word: &'a str,
        /// What would have been right.
        expected: &'static str,
    },
}

impl fmt::Display for OptionError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => {
                write!(f, "unknown word `{word}` on the command line is ignored")
            }
            Self::BadValue { word, expected } => {
                write!(f, "`{word}` on the command line is ignored: expected `{expected}`")
            }
        }
    }
}

impl Options {
    /// Reads `text`; `report` hears of each word without effect. The last of several words for one option holds.
    pub fn parse<'a>(text: &'a str, mut report: impl FnMut(OptionError<'a>)) -> Self {
        let mut options = Self::default();
        for word in text.split_ascii_whitespace() {
            if let Err(error) = options.apply(word) {
                report(error);
            }
        }
        options
    }

    fn apply<'a>(&mut self, word: &'a str) -> Result<(), OptionError<'a>> {
        let bad = |expected| OptionError::BadValue { word, expected };
        match word.split_once('=') {
            Some(("console", value)) => self.console = parse_console(value).ok_or(bad("console=com1"))?,
            Some(("exit", value)) => self.exit = parse_exit(value).ok_or(bad("exit=isa:0xf4"))?,
            _ => return Err(OptionError::Unknown(word)),
        }
        Ok(())
    }
}

fn parse_console(value: &str) -> Option<Console> {
    (value == "com1").then_some(Console::Com1)
}

fn parse_exit(value: &str) -> Option<Exit> {
    let digits = value.strip_prefix("isa:0x")?;
    let port = u16::from_str_radix(digits, 16).ok()?;
    Some(Exit::IsaDebug { port })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    extern crate std;
    use std::vec::Vec;

    fn parse(text: &str) -> (Options, Vec<OptionError<'_>>) {
        let mut errors = Vec::new();
        let options = Options::parse(text, |error| errors.push(error));
        (options, errors)
    }

    #[test]
    fn known_words_are_understood() {
        let (options, errors) = parse(" console=com1  exit=isa:0xf4 ");
        assert_eq!(options, Options { console: Console::Com1, exit: Exit::IsaDebug { port: 0xf4 } });
        assert_eq!(errors, []);
        assert_eq!(parse(""), (Options::default(), Vec::new()));
    }

    #[test]
    fn mistakes_are_reported_and_change_nothing() {
        let (options, errors) = parse("quiet exit=isa:0x12345 console=com9 exit=isa:f4");
        assert_eq!(options, Options::default());
        let bad = |word, expected| OptionError::BadValue { word, expected };
        let expected = [
            OptionError::Unknown("quiet"),
            bad("exit=isa:0x12345", "exit=isa:0xf4"),
            bad("console=com9", "console=com1"),
            bad("exit=isa:f4", "exit=isa:0xf4"),
        ];
        assert_eq!(errors, expected);
    }

    proptest! {
        #[test]
        fn any_text_parses(text in ".{0,200}") {
            let (_, errors) = parse(&text);
            prop_assert!(errors.len() <= text.split_ascii_whitespace().count());
        }
    }
}
