//! How an emulated machine ended, and which exit code the command takes from it.

use std::fmt;
use std::process::ExitStatus;

use crate::process;

/// What the end of the emulator's process says about the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All domains ended and the hypervisor said so (0x10 at the exit port).
    Clean,
    /// The hypervisor refused to start, or crashed and said so (0x11 at the exit port).
    Refused,
    /// The machine went off or was reset without a word: a triple fault of the hypervisor, for example.
    Silent,
    /// The emulator itself failed.
    Broken(String),
}

impl Ended {
    /// `isa-debug-exit` ends the emulator with `value * 2 + 1`.
    pub(crate) fn from_status(status: ExitStatus) -> Self {
        match status.code() {
            Some(33) => Self::Clean,
            Some(35) => Self::Refused,
            Some(0) => Self::Silent,
            _ => Self::Broken(status.to_string()),
        }
    }
}

/// How Bochs begins its last words on stderr.
const BOCHS_LAST_WORDS: &str = "Bochs is exiting with the following message:";
/// Part of them after a triple fault (its `cpu/exception.cc`).
const BOCHS_TRIPLE_FAULT: &str = "exception with no resolution";

impl Ended {
    /// Bochs ends with the same code whatever the reason. What counts is the verdict that the hypervisor wrote to port 0xe9,
    /// which Bochs copies to stdout, among words of its own.
    pub(crate) fn of_bochs(status: ExitStatus, stdout: &[u8], stderr: &str) -> Self {
        let words = stderr.split_once(BOCHS_LAST_WORDS).map_or("", |(_, words)| words.trim());
        match stdout.iter().rev().find(|byte| matches!(byte, 0x10 | 0x11)) {
            Some(0x10) => Self::Clean,
            Some(_) => Self::Refused,
            None if words.contains(BOCHS_TRIPLE_FAULT) => Self::Silent,
            // Ruled off from what would come next.
            None => Self::Broken(format!("{status}\n{}", process::tail(words.trim_end_matches('=').trim_end(), 6))),
        }
    }

    /// Adds what the emulator `said` on stderr. One that ends well and says why was told to (`terminating on signal 15`): that
    /// is no doing of the machine.
    pub(crate) fn with_words(self, said: &str) -> Self {
        match self {
            Self::Silent | Self::Broken(_) if !said.trim().is_empty() => {
                let status = if let Self::Broken(status) = self { status } else { "it was told to end".to_owned() };
                Self::Broken(format!("{status}\n{}", process::tail(said, 6)))
            }
            other => other,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("all domains have ended"),
            Self::Refused => f.write_str("the hypervisor stopped with an error"),
            Self::Silent => {
                f.write_str("the machine was reset or went off by itself (a triple fault of the hypervisor does that)")
            }
            Self::Broken(status) => write!(f, "the emulator failed: {status}"),
        }
    }
}

/// Why a headless run is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The awaited text appeared.
    Seen,
    /// Text that must not appear did: this line.
    Forbidden(String),
    /// Time was up.
    TimeOut,
    /// The machine ended first.
    Ended(Ended),
}

impl Verdict {
    /// The exit code: 0 as wanted, 1 not, 2 too late. `waiting` says that some text was awaited.
    pub(crate) fn exit_code(&self, waiting: bool) -> u8 {
        match self {
            Self::Seen => 0,
            Self::Ended(Ended::Clean) if !waiting => 0,
            Self::TimeOut => 2,
            Self::Forbidden(_) | Self::Ended(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn exit(code: i32) -> Ended {
        Ended::from_status(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn codes_of_the_exit_port() {
        assert_eq!(exit((0x10 << 1) | 1), Ended::Clean);
        assert_eq!(exit((0x11 << 1) | 1), Ended::Refused);
        assert_eq!(exit(0), Ended::Silent);
        assert!(matches!(exit(1), Ended::Broken(_)));
        assert!(matches!(Ended::from_status(ExitStatus::from_raw(9)), Ended::Broken(_)), "killed");
    }

    #[test]
    fn bochs_tells_the_verdict_on_stdout() {
        let end = |stdout: &[u8], words: &str| {
            let stderr = format!("0i[ ] reading\n{BOCHS_LAST_WORDS}\n[CPU0] {words}\n");
            Ended::of_bochs(ExitStatus::from_raw(1 << 8), stdout, &stderr)
        };
        let shutdown = "Shutdown port: shutdown requested";
        assert_eq!(end(b"=====\nBochs 3.0\n\x10", shutdown), Ended::Clean);
        assert_eq!(end(b"=====\nBochs 3.0\n\x11", shutdown), Ended::Refused);
        assert_eq!(end(b"Bochs", "exception(): 3rd (13) exception with no resolution"), Ended::Silent);
        assert!(matches!(end(b"Bochs", "no such ROM"), Ended::Broken(why) if why.contains("no such ROM")));
    }

    #[test]
    fn a_silent_end_with_words_is_the_emulators() {
        assert_eq!(Ended::Silent.with_words("\n"), Ended::Silent);
        let told = Ended::Silent.with_words("qemu: terminating on signal 15 from pid 7");
        assert!(matches!(told, Ended::Broken(why) if why.contains("signal 15")));
        assert_eq!(Ended::Clean.with_words("a warning"), Ended::Clean);
    }

    #[test]
    fn exit_codes_of_a_run() {
        assert_eq!(Verdict::Seen.exit_code(true), 0);
        assert_eq!(Verdict::Forbidden("x".into()).exit_code(true), 1);
        assert_eq!(Verdict::TimeOut.exit_code(true), 2);
        assert_eq!(Verdict::Ended(Ended::Clean).exit_code(false), 0);
        assert_eq!(Verdict::Ended(Ended::Clean).exit_code(true), 1, "ended before the text appeared");
        assert_eq!(Verdict::Ended(Ended::Refused).exit_code(false), 1);
        assert_eq!(Verdict::Ended(Ended::Silent).exit_code(false), 1);
    }
}
