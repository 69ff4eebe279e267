//! The user's terminal in raw mode, put back as it was when the guard is dropped.

use std::io::{self, Stdin};

use nix::sys::termios::{self, OutputFlags, SetArg, Termios};

use crate::error::{Result, trouble};

/// While this lives, keys arrive one by one and unechoed.
pub(crate) struct RawMode {
    before: Termios,
    terminal: Stdin,
}

impl RawMode {
    /// Switches stdin's terminal. Output processing stays on, so that a bare line feed still returns the carriage.
    pub(crate) fn enter() -> Result<Self> {
        let terminal = io::stdin();
        let no = |error| trouble(format!("cannot switch the terminal to raw mode: {error}"), "use --headless");
        let before = termios::tcgetattr(&terminal).map_err(no)?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        raw.output_flags |= OutputFlags::OPOST | OutputFlags::ONLCR;
        termios::tcsetattr(&terminal, SetArg::TCSADRAIN, &raw).map_err(no)?;
        Ok(Self { before, terminal })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
