//! Line ends for a terminal: it returns the carriage at a line feed by itself, and guests send a return of their own.

use std::io::IsTerminal;

/// Leaves out carriage returns right before a line feed.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    terminal: bool,
    /// Carriage returns at the end of what was shown last, not shown yet.
    held: usize,
}

impl LineEnds {
    /// For what stdout is: bytes for a file or a pipe stay as they are.
    pub(super) fn of_stdout() -> Self {
        Self { terminal: std::io::stdout().is_terminal(), held: 0 }
    }

    /// What to show for `bytes`. A return at their end waits for what follows it.
    pub(super) fn mend(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.terminal {
            return bytes.to_vec();
        }
        let mut shown = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match byte {
                b'\r' => self.held += 1,
                b'\n' => {
                    self.held = 0;
                    shown.push(b'\n');
                }
                other => {
                    shown.resize(shown.len() + std::mem::take(&mut self.held), b'\r');
                    shown.push(*other);
                }
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_bare_line_feeds() {
        let mut ends = LineEnds { terminal: true, held: 0 };
        assert_eq!(ends.mend(b"one\r\ntwo\r"), b"one\ntwo");
        assert_eq!(ends.mend(b"\nthree\r50%\r"), b"\nthree\r50%");
        assert_eq!(ends.mend(b"60%"), b"\r60%");
    }

    #[test]
    fn a_file_gets_everything() {
        assert_eq!(LineEnds::default().mend(b"a\r\n"), b"a\r\n");
    }
}
