//! What a machine printed, as lines of plain text that patterns are matched against.
//!
//! Carriage returns and terminal control sequences are left out. A pattern matches inside one line. An unfinished last line
//! counts once the machine has been quiet for a moment ([`QUIET`]): a prompt can be awaited, half a word cannot mislead.

use std::time::Duration;

use regex::Regex;

/// Silence after which an unfinished line is taken as it is.
pub(crate) const QUIET: Duration = Duration::from_millis(50);

/// A growing text with a reading position.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    text: String,
    filter: Filter,
    partial: Vec<u8>,
    settled: bool,
}

/// A reader's place in a transcript.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor(usize);

impl Transcript {
    /// Takes in what the machine wrote.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.settled = false;
        self.partial.extend(bytes.iter().copied().filter(|byte| self.filter.keep(*byte)));
        let valid = match std::str::from_utf8(&self.partial) {
            Ok(_) => self.partial.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.partial.len(),
        };
        let rest = self.partial.split_off(valid);
        self.text.push_str(&String::from_utf8_lossy(&self.partial));
        self.partial = rest;
    }

    /// Notes that nothing more came for [`QUIET`], or that the machine ended.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// Everything so far.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Looks for `pattern` behind `cursor`; a find moves the cursor behind it and returns the whole line.
    pub(crate) fn find(&self, cursor: &mut Cursor, pattern: &Regex) -> Option<&str> {
        let mut start = cursor.0;
        loop {
            let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            let line_end = self.text[start..].find('\n').map(|at| start + at);
            if line_end.is_none() && !self.settled {
                return None;
            }
            let line = &self.text[line_start..line_end.unwrap_or(self.text.len())];
            if let Some(found) = pattern.find_at(line, start - line_start) {
                cursor.0 = line_start + found.end();
                return Some(line);
            }
            start = line_end? + 1;
            cursor.0 = start;
        }
    }
}

/// Recognises what only a terminal would act on (ECMA-48: ESC, control sequences).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Filter {
    #[default]
    Plain,
    Escape,
    Sequence,
}

impl Filter {
    fn keep(&mut self, byte: u8) -> bool {
        let (next, keep) = match (*self, byte) {
            (_, 0x1b) => (Self::Escape, false),
            (Self::Escape, b'[') => (Self::Sequence, false),
            (Self::Escape, _) => (Self::Plain, false),
            (Self::Sequence, 0x40..=0x7e) => (Self::Plain, false),
            (Self::Sequence, _) => (Self::Sequence, false),
            (Self::Plain, b'\r' | 0 | 7) => (Self::Plain, false),
            (Self::Plain, _) => (Self::Plain, true),
        };
        *self = next;
        keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Transcript {
        let mut transcript = Transcript::default();
        transcript.push(text.as_bytes());
        transcript.settle();
        transcript
    }

    fn find(transcript: &Transcript, cursor: &mut Cursor, pattern: &str) -> Option<String> {
        transcript.find(cursor, &Regex::new(pattern).unwrap()).map(str::to_owned)
    }

    #[test]
    fn control_sequences_and_carriage_returns_go() {
        assert_eq!(of("a\r\n\x1b[1;31mred\x1b[0m \x1b[6n#\x1bM").text(), "a\nred #");
    }

    #[test]
    fn a_character_may_come_in_two_pieces() {
        let mut transcript = Transcript::default();
        for byte in "é!".as_bytes() {
            transcript.push(&[*byte]);
        }
        transcript.push(&[0xff, b'x']);
        assert_eq!(transcript.text(), "é!\u{fffd}x");
    }

    #[test]
    fn finds_move_forward_in_order() {
        let transcript = of("one\ntwo two\nthree");
        let mut cursor = Cursor::default();
        assert_eq!(find(&transcript, &mut cursor, "two").as_deref(), Some("two two"));
        assert_eq!(find(&transcript, &mut cursor, "two").as_deref(), Some("two two"));
        assert_eq!(find(&transcript, &mut cursor, "two|one"), None);
        assert_eq!(find(&transcript, &mut cursor, "^three$").as_deref(), Some("three"));
    }

    #[test]
    fn an_unfinished_line_is_looked_at_again() {
        let mut transcript = of("gue");
        let mut cursor = Cursor::default();
        assert_eq!(find(&transcript, &mut cursor, "^guest"), None);
        transcript.push(b"st:~# ");
        assert_eq!(find(&transcript, &mut cursor, "^guest"), None, "not yet quiet");
        transcript.settle();
        assert_eq!(find(&transcript, &mut cursor, "^guest.*# $").as_deref(), Some("guest:~# "));
    }

    #[test]
    fn the_line_start_counts_only_at_line_starts() {
        let transcript = of("abab");
        let mut cursor = Cursor::default();
        assert!(find(&transcript, &mut cursor, "^ab").is_some());
        assert!(find(&transcript, &mut cursor, "^ab").is_none());
    }
}
