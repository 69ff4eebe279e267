//! Sizes in bytes: read as people write them in a manifest, printed as people read them.

use std::fmt;

const UNITS: [(char, u64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];

/// The bytes that `text` (such as `256M`) means, or `None` if it means none.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.chars().next_back()?.to_ascii_uppercase();
    let (digits, factor) = match UNITS.iter().find(|(letter, _)| *letter == unit) {
        Some((_, factor)) => (text.get(..text.len() - 1)?, *factor),
        None => (text, 1),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(factor)
}

/// Prints bytes in the largest unit that leaves at most one digit after the point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().rev().find(|(_, factor)| self.0 >= *factor);
        let Some((letter, factor)) = unit else {
            return write!(f, "{} bytes", self.0);
        };
        let tenths = (u128::from(self.0) * 10).div_ceil(u128::from(*factor));
        match tenths % 10 {
            0 => write!(f, "{} {letter}iB", tenths / 10),
            tenth => write!(f, "{}.{tenth} {letter}iB", tenths / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in
            [("4096", 4096), ("512K", 512 << 10), ("256M", 256 << 20), ("3g", 3 << 30), (" 1M ", 1 << 20)]
        {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_sizes() {
        for text in ["", "M", "-1M", "+1M", "1.5G", "256MB", "12 M", "999999999999G", "ü"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_printed() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (256 << 20, "256 MiB"),
            (1_610_612_736, "1.5 GiB"),
            (1025, "1.1 KiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
