//! Short text from a loader.

use core::fmt;

use arrayvec::ArrayString;

/// At most `N` bytes of printable ASCII; what is longer is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text<const N: usize>(ArrayString<N>);

impl<const N: usize> Text<N> {
    /// Copies from `bytes` up to the first NUL. A byte that is no printable ASCII becomes `?`.
    #[must_use]
    pub fn from_c_bytes(bytes: &[u8]) -> Self {
        let mut text = ArrayString::new();
        for &byte in bytes.iter().take_while(|&&byte| byte != 0).take(N) {
            text.push(if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' });
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_printable_and_cut() {
        assert_eq!(Text::<8>::from_c_bytes(b"a\xffb\0c").as_str(), "a?b");
        assert_eq!(Text::<2>::from_c_bytes(b"abc").as_str(), "ab");
    }
}
