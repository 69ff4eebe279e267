//! Damage done to a bundle before it is booted.

use serde::Deserialize;

/// Damage to a bundle. A position is a number of bytes, or a string like `"50%"` of the length.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Corruption {
    /// Keep only so much of it.
    Truncate(Position),
    /// Invert the bits of the byte there.
    Flip(Position),
    /// Not damaged, but for the other architecture.
    OtherArchitecture,
}

/// A place in a file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(crate) enum Position {
    /// From the start.
    Bytes(usize),
    /// `"50%"`.
    Share(String),
}

impl Corruption {
    /// Damages `bytes`.
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::Truncate(position) => bytes.truncate(position.within(bytes.len())?),
            Self::Flip(position) => {
                let at = position.within(bytes.len())?;
                let byte = bytes.get_mut(at).ok_or_else(|| format!("the bundle has no byte {at}"))?;
                *byte = !*byte;
            }
            Self::OtherArchitecture => {}
        }
        Ok(())
    }
}

impl Position {
    fn within(&self, length: usize) -> Result<usize, String> {
        match self {
            Self::Bytes(bytes) => Ok(*bytes),
            Self::Share(text) => {
                let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<usize>().ok());
                percent
                    .map(|percent| length * percent / 100)
                    .ok_or_else(|| format!("{text:?} is not a share like \"50%\""))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damaged(text: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let corruption: Corruption = toml::from_str(text).unwrap();
        corruption.apply(&mut bytes).map(|()| bytes)
    }

    #[test]
    fn bundles_are_damaged_where_told() {
        assert_eq!(damaged("truncate = '50%'", vec![1; 10]).unwrap().len(), 5);
        assert_eq!(damaged("flip = 1", vec![0, 0]).unwrap(), [0, 0xff]);
        assert!(damaged("flip = 7", vec![0]).is_err());
        assert!(damaged("flip = 'half'", vec![0]).is_err());
    }
}
