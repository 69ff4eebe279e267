//! Reading the loader's structures: by copy, and it may fail.

use phalanx_arch_api::Hpa;
use phalanx_handoff::{CommandLine, EndOfText};

/// A part of the range cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads physical memory.
pub trait PhysRead {
    /// Copies `buffer.len()` bytes from `at`.
    ///
    /// # Errors
    /// [`Unreadable`] where any byte lies out of reach; `buffer` is then unspecified.
    fn read(&self, at: Hpa, buffer: &mut [u8]) -> Result<(), Unreadable>;
}

/// Copies `N` bytes that start `offset` bytes behind `base`.
pub(crate) fn read_at<const N: usize>(memory: &impl PhysRead, base: Hpa, offset: u64) -> Result<[u8; N], Unreadable> {
    let mut bytes = [0; N];
    memory.read(base.checked_add(offset).ok_or(Unreadable)?, &mut bytes)?;
    Ok(bytes)
}

/// Reads a little-endian `u32`, `offset` bytes behind `base`.
pub(crate) fn u32_at(memory: &impl PhysRead, base: Hpa, offset: u64) -> Result<u32, Unreadable> {
    read_at(memory, base, offset).map(u32::from_le_bytes)
}

/// Reads a little-endian `u64`, `offset` bytes behind `base`.
pub(crate) fn u64_at(memory: &impl PhysRead, base: Hpa, offset: u64) -> Result<u64, Unreadable> {
    read_at(memory, base, offset).map(u64::from_le_bytes)
}

/// Copies the text at `text` up to its NUL, or `limit` bytes; byte by byte, so that nothing behind its end is touched.
pub(crate) fn read_text(
    memory: &impl PhysRead,
    text: Hpa,
    limit: u64,
    line: &mut CommandLine,
) -> Result<(), Unreadable> {
    for offset in 0..limit {
        if line.extend_from_c_bytes(&read_at::<1>(memory, text, offset)?) == EndOfText::Reached {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod fake {
    extern crate std;
    use std::vec::Vec;

    use super::{Hpa, PhysRead, Unreadable};

    /// A few pieces of memory; the rest of the address space is out of reach.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct FakeMemory {
        pub(crate) pieces: Vec<(u64, Vec<u8>)>,
    }

    impl FakeMemory {
        pub(crate) fn with(mut self, at: u64, bytes: &[u8]) -> Self {
            self.pieces.push((at, bytes.to_vec()));
            self
        }
    }

    impl PhysRead for FakeMemory {
        fn read(&self, at: Hpa, buffer: &mut [u8]) -> Result<(), Unreadable> {
            let found = self.pieces.iter().find_map(|(start, bytes)| {
                let from = usize::try_from(at.as_u64().checked_sub(*start)?).ok()?;
                bytes.get(from..from.checked_add(buffer.len())?)
            });
            buffer.copy_from_slice(found.ok_or(Unreadable)?);
            Ok(())
        }
    }
}
