//! The bytes of one instruction, read once from front to back.
//!
//! They stand in one wide integer that is shifted down as they are read. Past the end there are zeros, and the position
//! tells: the decoder asks once, when it is done. This keeps the error out of every step between.

use super::{DecodeError, MAX_INSTRUCTION_LENGTH};

/// The bytes still to be read, and how many were.
pub(super) struct Cursor {
    rest: u128,
    position: u8,
    available: u8,
}

impl Cursor {
    /// Starts at the first of `bytes`; those past the longest instruction are never looked at.
    #[inline]
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut padded = [0; size_of::<u128>()];
        let available = match bytes.first_chunk::<MAX_INSTRUCTION_LENGTH>() {
            // The usual case, and a copy of constant size.
            Some(longest) => {
                padded[..MAX_INSTRUCTION_LENGTH].copy_from_slice(longest);
                MAX_INSTRUCTION_LENGTH
            }
            None => {
                padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                bytes.len()
            }
        };
        Self { rest: u128::from_le_bytes(padded), position: 0, available: available as u8 }
    }

    /// Bytes read so far.
    #[inline]
    pub(super) const fn length(&self) -> u8 {
        self.position
    }

    /// The error, if more was read than there is.
    #[inline]
    pub(super) const fn overrun(&self) -> Option<DecodeError> {
        if self.position <= self.available {
            None
        } else if self.available as usize == MAX_INSTRUCTION_LENGTH {
            Some(DecodeError::TooLong)
        } else {
            Some(DecodeError::Truncated)
        }
    }

    #[inline]
    const fn advance(&mut self, bytes: u8) {
        self.rest >>= 8 * bytes;
        self.position += bytes;
    }

    /// The next byte.
    #[inline]
    pub(super) const fn u8(&mut self) -> u8 {
        let value = self.rest as u8;
        self.advance(1);
        value
    }

    /// The next byte, sign-extended.
    #[inline]
    pub(super) const fn i8(&mut self) -> i32 {
        self.u8().cast_signed() as i32
    }

    /// The next two bytes, sign-extended.
    #[inline]
    pub(super) const fn i16(&mut self) -> i32 {
        let value = self.rest as u16;
        self.advance(2);
        value.cast_signed() as i32
    }

    /// The next four bytes.
    #[inline]
    pub(super) const fn i32(&mut self) -> i32 {
        let value = self.rest as u32;
        self.advance(4);
        value.cast_signed()
    }

    /// The next eight bytes.
    #[inline]
    pub(super) const fn i64(&mut self) -> i64 {
        let value = self.rest as u64;
        self.advance(8);
        value.cast_signed()
    }
}
