//! What the words of the command line mean.
//!
//! | word | machine | meaning |
//! |---|---|---|
//! | `console=com1` | PC | the kernel's console is the first serial port (the default) |
//! | `console=dtb` | Arm | the kernel's console is the one that the device tree names (the default) |
//! | `exit=isa:0xf4` | PC | when all domains have ended, write the result to this port (QEMU's `isa-debug-exit`) |
//! | `exit=bochs` | PC | when all domains have ended, write the result to port 0xe9 and have Bochs end itself |
//! | `apicv=off` | PC | VT-x: local APICs are the software's alone, also where the processor can take part (default: `on`) |
//! | `exit=semihosting` | Arm | when all domains have ended, tell the emulator or debugger the result |
//! | `exit=psci` | Arm | when all domains have ended, have the firmware switch the machine off |
//! | `counters=on` | all | when a domain ends, print how often its vCPUs left the guest, and why |
//! | `effects=DOMAIN` | PC | record what each exit of this domain does to its guest (`docs/debugging.md`) |
//! | `effects-plant=N` | PC | with it: spoil the answer to step N, so that whoever compares must find it |
//!
//! A word that is unknown or has a bad value is reported and skipped: a typing mistake must not keep a machine down.

use core::fmt;

/// The kernel's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// Where the kernel writes and reads.
    pub console: Console,
    /// What the kernel does when nothing is left to run.
    pub exit: Exit,
    /// The processor takes no part in the guests' local APICs, also where it can.
    pub software_apic: bool,
    /// The exit counters of a domain that ended are printed.
    pub counters: bool,
    /// The domain whose exits are recorded.
    pub effects: Option<&'a str>,
    /// The step whose answer is spoilt, counted from 1.
    pub effects_plant: Option<u32>,
}

/// Where the kernel writes and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// A PC's first serial port.
    Com1,
    /// The UART that the device tree names ([`crate::board::Board::uart`]).
    DeviceTree,
}

impl Default for Console {
    fn default() -> Self {
        Machine::HERE.console()
    }
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
    /// Writes the result to Bochs' console port, then asks Bochs to end.
    Bochs,
    /// Tells the emulator or debugger by Arm semihosting, with the exit code of `isa-debug-exit`.
    Semihosting,
    /// PSCI SYSTEM_OFF.
    Psci,
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

impl<'a> Options<'a> {
    /// Reads `text`; `report` hears of each word without effect. The last of several words for one option holds.
    pub fn parse(text: &'a str, report: impl FnMut(OptionError<'a>)) -> Self {
        Self::parse_for(Machine::HERE, text, report)
    }

    fn parse_for(machine: Machine, text: &'a str, mut report: impl FnMut(OptionError<'a>)) -> Self {
        let mut options = Self { console: machine.console(), ..Self::default() };
        for word in text.split_ascii_whitespace() {
            if let Err(error) = options.apply(machine, word) {
                report(error);
            }
        }
        options
    }

    fn apply(&mut self, machine: Machine, word: &'a str) -> Result<(), OptionError<'a>> {
        let bad = |expected| OptionError::BadValue { word, expected };
        match word.split_once('=') {
            Some(("console", value)) if value == machine.console_name() => self.console = machine.console(),
            Some(("console", _)) => return Err(bad(machine.console_word())),
            Some(("apicv", value)) if machine == Machine::Pc => {
                self.software_apic = !is_on(value).ok_or(bad("apicv=on` or `apicv=off"))?;
            }
            Some(("counters", value)) => {
                self.counters = is_on(value).ok_or(bad("counters=on` or `counters=off"))?;
            }
            Some(("exit", value)) => self.exit = machine.parse_exit(value).ok_or(bad(machine.exit_words()))?,
            Some(("effects", name)) if machine == Machine::Pc => self.effects = Some(name),
            Some(("effects-plant", step)) if machine == Machine::Pc => {
                self.effects_plant = Some(step.parse().map_err(|_| bad("effects-plant=STEP"))?);
            }
            _ => return Err(OptionError::Unknown(word)),
        }
        Ok(())
    }
}

fn is_on(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// What the words can mean differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    Pc,
    Arm,
}

impl Machine {
    /// What the kernel is built for.
    const HERE: Self = if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::Pc };

    const fn console(self) -> Console {
        match self {
            Self::Pc => Console::Com1,
            Self::Arm => Console::DeviceTree,
        }
    }

    const fn console_name(self) -> &'static str {
        match self {
            Self::Pc => "com1",
            Self::Arm => "dtb",
        }
    }

    const fn console_word(self) -> &'static str {
        match self {
            Self::Pc => "console=com1",
            Self::Arm => "console=dtb",
        }
    }

    const fn exit_words(self) -> &'static str {
        match self {
            Self::Pc => "exit=isa:0xf4` or `exit=bochs",
            Self::Arm => "exit=semihosting` or `exit=psci",
        }
    }

    fn parse_exit(self, value: &str) -> Option<Exit> {
        match (self, value) {
            (Self::Arm, "semihosting") => Some(Exit::Semihosting),
            (Self::Arm, "psci") => Some(Exit::Psci),
            (Self::Pc, "bochs") => Some(Exit::Bochs),
            (Self::Pc, _) => parse_isa_port(value),
            (Self::Arm, _) => None,
        }
    }
}

fn parse_isa_port(value: &str) -> Option<Exit> {
    let digits = value.strip_prefix("isa:0x")?;
    let port = u16::from_str_radix(digits, 16).ok()?;
    Some(Exit::IsaDebug { port })
}

#[cfg(test)]
mod tests;
