//! Numbers and texts in property values (Devicetree Specification 0.4, section 2.2.4).

/// The `u32` at the start of `bytes`, and what follows.
pub(crate) fn take_cell(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (cell, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*cell), rest))
}

/// The number of `cells` cells at the start of `bytes`, and what follows.
///
/// `None` where it is cut, or does not fit into 64 bits.
pub(crate) fn take_number(bytes: &[u8], cells: u32) -> Option<(u64, &[u8])> {
    match cells {
        0 => Some((0, bytes)),
        1 => take_cell(bytes).map(|(cell, rest)| (u64::from(cell), rest)),
        2 => {
            let (number, rest) = bytes.split_first_chunk()?;
            Some((u64::from_be_bytes(*number), rest))
        }
        _ => {
            let (high, rest) = take_cell(bytes)?;
            if high != 0 {
                return None;
            }
            take_number(rest, cells - 1)
        }
    }
}

/// A property that holds one number of 4 or 8 bytes.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    match value.len() {
        4 => take_number(value, 1).map(|(number, _)| number),
        8 => take_number(value, 2).map(|(number, _)| number),
        _ => None,
    }
}

/// The texts of a string list, without their NULs.
pub(crate) fn strings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == 0).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;
    use std::vec::Vec;

    #[test]
    fn numbers_of_any_width() {
        let bytes = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(take_number(&bytes, 0), Some((0, &bytes[..])));
        assert_eq!(take_number(&bytes, 1), Some((0, &bytes[4..])));
        assert_eq!(take_number(&bytes, 2), Some((1, &bytes[8..])));
        assert_eq!(take_number(&bytes, 3), Some((1 << 32 | 2, &bytes[12..])));
        assert_eq!(take_number(&bytes[4..], 3), None, "cut");
        assert_eq!(take_number(&[1; 12], 3), None, "too large");
        assert_eq!(take_number(&bytes, u32::MAX), None);
    }

    #[test]
    fn single_numbers_and_lists() {
        assert_eq!((number(&[0, 0, 1, 0]), number(&[1, 0, 0, 0, 0, 0, 0, 0])), (Some(256), Some(1 << 56)));
        assert_eq!((number(&[]), number(&[1, 2, 3])), (None, None));
        assert_eq!(strings(b"a\0bc\0").collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
        assert_eq!(strings(b"uncut").collect::<Vec<_>>(), [b"uncut"]);
    }
}
