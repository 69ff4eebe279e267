//! The command line as the operator wrote it.

use core::fmt;

use arrayvec::ArrayString;

/// Bytes of command line that are kept.
pub const COMMAND_LINE_CAPACITY: usize = 1024;

/// A copy of the loader's command line: printable ASCII, at most [`COMMAND_LINE_CAPACITY`] bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    text: ArrayString<COMMAND_LINE_CAPACITY>,
    truncated: bool,
}

impl CommandLine {
    /// An empty command line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies from `bytes` up to the first NUL. A byte that is no printable ASCII becomes `?`.
    pub fn extend_from_c_bytes(&mut self, bytes: &[u8]) -> EndOfText {
        for &byte in bytes {
            if byte == 0 {
                return EndOfText::Reached;
            }
            let shown = if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' };
            if self.text.try_push(shown).is_err() {
                self.truncated = true;
                return EndOfText::Reached;
            }
        }
        EndOfText::NotYet
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the loader's text was longer than what is kept.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a copied piece held the text's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum EndOfText {
    /// The NUL was there, or no more text is wanted.
    Reached,
    /// The text goes on behind the piece.
    NotYet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_nul_and_is_printable() {
        let mut line = CommandLine::new();
        assert_eq!(line.extend_from_c_bytes(b"con\xffsole="), EndOfText::NotYet);
        assert_eq!(line.extend_from_c_bytes(b"\tcom1\0rest"), EndOfText::Reached);
        assert_eq!(line.as_str(), "con?sole=?com1");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let mut line = CommandLine::new();
        assert_eq!(line.extend_from_c_bytes(&[b'a'; COMMAND_LINE_CAPACITY]), EndOfText::NotYet);
        assert!(!line.is_truncated());
        assert_eq!(line.extend_from_c_bytes(b"b"), EndOfText::Reached);
        assert!(line.is_truncated());
        assert_eq!(line.as_str().len(), COMMAND_LINE_CAPACITY);
    }
}
