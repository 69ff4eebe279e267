//! The bytes of one instruction, read once from front to back.

use super::{DecodeError, MAX_INSTRUCTION_LENGTH};

/// A position in the instruction's bytes.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first of `bytes`; those past the longest instruction are never looked at.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.get(..MAX_INSTRUCTION_LENGTH).unwrap_or(bytes);
        Self { bytes, position: 0 }
    }

    /// Bytes read so far, at most [`MAX_INSTRUCTION_LENGTH`].
    pub(super) fn length(&self) -> u8 {
        u8::try_from(self.position).unwrap_or(u8::MAX)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        match rest.first_chunk::<N>() {
            Some(chunk) => {
                self.position += N;
                Ok(*chunk)
            }
            None if self.bytes.len() == MAX_INSTRUCTION_LENGTH => Err(DecodeError::TooLong),
            None => Err(DecodeError::Truncated),
        }
    }

    /// The next byte.
    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// The next byte, sign-extended.
    #[inline]
    pub(super) fn i8(&mut self) -> Result<i64, DecodeError> {
        self.take().map(|bytes| i64::from(i8::from_le_bytes(bytes)))
    }

    /// The next two bytes, sign-extended.
    #[inline]
    pub(super) fn i16(&mut self) -> Result<i64, DecodeError> {
        self.take().map(|bytes| i64::from(i16::from_le_bytes(bytes)))
    }

    /// The next four bytes, sign-extended.
    #[inline]
    pub(super) fn i32(&mut self) -> Result<i64, DecodeError> {
        self.take().map(|bytes| i64::from(i32::from_le_bytes(bytes)))
    }

    /// The next eight bytes.
    #[inline]
    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.take().map(i64::from_le_bytes)
    }
}
