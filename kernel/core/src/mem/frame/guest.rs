//! Copies from and to a guest's frames.
//!
//! Every access is one relaxed atomic load or store of a byte or an aligned word, so the compiler neither tears nor
//! repeats it, and a racing guest or CPU changes values but nothing else.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

use phalanx_arch_api::Unbacked;

use super::extent::{Extent, Guest};

const WORD: usize = size_of::<u64>();

impl Extent<Guest> {
    /// Reads the little-endian word at `offset`, `None` where it is not inside.
    ///
    /// One load where it is aligned. Else it is put together from the two words that it lies in.
    #[inline(always)]
    #[must_use]
    pub fn read_u64(&self, offset: u64) -> Option<u64> {
        if offset > self.bytes() - size_of::<u64>() as u64 {
            return None;
        }
        let shift = 8 * (offset % 8) as u32;
        let low = self.word(offset - offset % 8) >> shift;
        if shift == 0 {
            return Some(low);
        }
        Some(low | self.word(offset - offset % 8 + 8) << (64 - shift))
    }

    /// Reads the little-endian half word at `offset`, `None` where it is not inside.
    ///
    /// One load where it does not lie in two aligned words.
    #[inline(always)]
    #[must_use]
    pub fn read_u32(&self, offset: u64) -> Option<u32> {
        if offset > self.bytes() - size_of::<u64>() as u64 {
            return self.read_last_u32(offset);
        }
        let shift = 8 * (offset % 8) as u32;
        let low = self.word(offset - offset % 8) >> shift;
        if shift <= 32 {
            return Some(low as u32);
        }
        Some((low | self.word(offset - offset % 8 + 8) << (64 - shift)) as u32)
    }

    /// The half words that end in the last word.
    #[cold]
    fn read_last_u32(&self, offset: u64) -> Option<u32> {
        let end = offset.checked_add(size_of::<u32>() as u64)?;
        let last = self.bytes().checked_sub(size_of::<u64>() as u64)?;
        (end <= self.bytes()).then(|| (self.word(last) >> (8 * (offset - last))) as u32)
    }

    /// The aligned word at `offset`, which the caller has checked to be inside.
    #[inline(always)]
    fn word(&self, offset: u64) -> u64 {
        debug_assert!(offset.is_multiple_of(8) && offset < self.bytes());
        let word = self.pointer(offset).cast();
        // SAFETY: both callers have checked that the word is inside (extents are a multiple of 8 bytes long); it is
        // aligned, mapped, and only ever accessed atomically (module, 3).
        u64::from_le(unsafe { AtomicU64::from_ptr(word) }.load(Relaxed))
    }

    /// Copies `buffer.len()` bytes from `offset`.
    ///
    /// # Errors
    /// [`Unbacked`] where they reach over the end.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Unbacked> {
        let mut from = self.range(offset, buffer.len() as u64)?;
        let (head, rest) = buffer.split_at_mut(from.align_offset(WORD).min(buffer.len()));
        let (words, tail) = rest.as_chunks_mut::<WORD>();
        from = read_bytes(from, head);
        for word in words {
            // SAFETY: `range` has checked the whole copy, and `head` ended at a word's boundary.
            *word = unsafe { AtomicU64::from_ptr(from.cast()) }.load(Relaxed).to_ne_bytes();
            from = from.wrapping_add(WORD);
        }
        read_bytes(from, tail);
        Ok(())
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Errors
    /// [`Unbacked`] where they reach over the end; nothing is written then.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Unbacked> {
        let mut to = self.range(offset, bytes.len() as u64)?;
        let (head, rest) = bytes.split_at(to.align_offset(WORD).min(bytes.len()));
        let (words, tail) = rest.as_chunks::<WORD>();
        to = write_bytes(to, head);
        for word in words {
            // SAFETY: `range` has checked the whole copy, and `head` ended at a word's boundary.
            unsafe { AtomicU64::from_ptr(to.cast()) }.store(u64::from_ne_bytes(*word), Relaxed);
            to = to.wrapping_add(WORD);
        }
        write_bytes(to, tail);
        Ok(())
    }

    /// Zeroes `bytes` bytes from `offset` by the fastest means. State before: the domain is being loaded (module, 3).
    ///
    /// # Errors
    /// [`Unbacked`] where they reach over the end; nothing is written then.
    pub(in crate::mem) fn scrub_block(&self, offset: u64, bytes: u64) -> Result<(), Unbacked> {
        let start = self.range(offset, bytes)?;
        // SAFETY: `range` has checked that all of it is inside; nobody else accesses it now (module, 3).
        unsafe { start.write_bytes(0, bytes as usize) };
        Ok(())
    }

    /// Copies `bytes` to `offset` by the fastest means. State before: the domain is being loaded (module, 3).
    ///
    /// # Errors
    /// [`Unbacked`] where they reach over the end; nothing is written then.
    pub(in crate::mem) fn load_block(&self, offset: u64, bytes: &[u8]) -> Result<(), Unbacked> {
        let start = self.range(offset, bytes.len() as u64)?;
        // SAFETY: `range` has checked that all of it is inside; nobody else accesses it now (module, 3), and no slice
        // lies in a guest's frames, whose only name is this extent.
        unsafe { start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    /// The address of `offset` if `length` bytes from there are inside.
    fn range(&self, offset: u64, length: u64) -> Result<*mut u8, Unbacked> {
        let end = offset.checked_add(length).ok_or(Unbacked)?;
        if end > self.bytes() {
            return Err(Unbacked);
        }
        Ok(self.pointer(offset))
    }
}

/// Reads byte by byte; returns the address after the last. The caller has checked the range.
fn read_bytes(mut from: *mut u8, buffer: &mut [u8]) -> *mut u8 {
    for byte in buffer {
        // SAFETY: inside an extent of guest RAM, checked by the callers with `range`.
        *byte = unsafe { AtomicU8::from_ptr(from) }.load(Relaxed);
        from = from.wrapping_add(1);
    }
    from
}

/// Writes byte by byte; returns the address after the last. The caller has checked the range.
fn write_bytes(mut to: *mut u8, bytes: &[u8]) -> *mut u8 {
    for byte in bytes {
        // SAFETY: inside an extent of guest RAM, checked by the callers with `range`.
        unsafe { AtomicU8::from_ptr(to) }.store(*byte, Relaxed);
        to = to.wrapping_add(1);
    }
    to
}
