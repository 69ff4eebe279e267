//! Copies from and to guest RAM, across the edges of its regions.

use phalanx_arch_api::{Gpa, GuestMemory, Hva, Unbacked};

use super::{GuestRam, Region};

/// Bytes that [`GuestRam::hash`] reads at a time.
const HASH_CHUNK: usize = 256;

impl GuestMemory for GuestRam {
    fn read(&self, gpa: Gpa, buffer: &mut [u8]) -> Result<(), Unbacked> {
        let mut rest = buffer;
        self.for_each_piece(gpa, rest.len() as u64, |region, offset, bytes| {
            let (piece, after) = core::mem::take(&mut rest).split_at_mut(bytes);
            rest = after;
            region.extent.read(offset, piece)
        })
    }

    fn write(&self, gpa: Gpa, bytes: &[u8]) -> Result<(), Unbacked> {
        self.for_each_piece(gpa, bytes.len() as u64, |_, _, _| Ok(()))?;
        let mut rest = bytes;
        self.for_each_piece(gpa, bytes.len() as u64, |region, offset, bytes| {
            let (piece, after) = rest.split_at(bytes);
            rest = after;
            region.extent.write(offset, piece)?;
            region.written(offset, bytes as u64);
            Ok(())
        })
    }

    #[inline(always)]
    fn read_u64(&self, gpa: Gpa) -> Result<u64, Unbacked> {
        // The low RAM holds nearly everything that is looked at.
        if let Some(low) = self.regions.first()
            && let Some(value) = low.extent.read_u64(low.offset(gpa))
        {
            return Ok(value);
        }
        self.read_array(gpa).map(u64::from_le_bytes)
    }

    #[inline(always)]
    fn read_u32(&self, gpa: Gpa) -> Result<u32, Unbacked> {
        // The low RAM holds nearly everything that is looked at.
        if let Some(low) = self.regions.first()
            && let Some(value) = low.extent.read_u32(low.offset(gpa))
        {
            return Ok(value);
        }
        self.read_array(gpa).map(u32::from_le_bytes)
    }
}

impl GuestRam {
    /// Zeroes `bytes` bytes from `gpa`. State before: the domain is being loaded, nobody else accesses its RAM.
    ///
    /// # Errors
    /// [`Unbacked`] where any of them is not RAM; nothing is written then.
    pub(crate) fn scrub(&self, gpa: Gpa, bytes: u64) -> Result<(), Unbacked> {
        self.for_each_piece(gpa, bytes, |_, _, _| Ok(()))?;
        self.for_each_piece(gpa, bytes, |region, offset, bytes| {
            region.extent.scrub_block(offset, bytes as u64)?;
            region.written(offset, bytes as u64);
            Ok(())
        })
    }

    /// Copies `bytes` to `gpa`. State before: as for [`Self::scrub`].
    ///
    /// # Errors
    /// [`Unbacked`] where any of them is not RAM; nothing is written then.
    pub(crate) fn load(&self, gpa: Gpa, bytes: &[u8]) -> Result<(), Unbacked> {
        self.for_each_piece(gpa, bytes.len() as u64, |_, _, _| Ok(()))?;
        let mut rest = bytes;
        self.for_each_piece(gpa, bytes.len() as u64, |region, offset, bytes| {
            let (piece, after) = rest.split_at(bytes);
            rest = after;
            region.extent.load_block(offset, piece)?;
            region.written(offset, bytes as u64);
            Ok(())
        })
    }

    /// A 64-bit hash of `bytes` bytes from `gpa`. It depends on what they are and not on where the machine keeps them;
    /// any change of up to 8 aligned bytes changes it. Not against an adversary.
    ///
    /// # Errors
    /// [`Unbacked`] where any of them is not RAM.
    pub fn hash(&self, gpa: Gpa, bytes: u64) -> Result<u64, Unbacked> {
        let mut hash = bytes;
        let mut done = 0;
        while done < bytes {
            let mut chunk = [0; HASH_CHUNK];
            let length = (bytes - done).min(HASH_CHUNK as u64);
            self.read(gpa.checked_add(done).ok_or(Unbacked)?, &mut chunk[..length as usize])?;
            hash = chunk.as_chunks().0.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
            done += length;
        }
        Ok(hash)
    }

    /// Whether all of the range is RAM.
    #[must_use]
    pub fn holds(&self, gpa: Gpa, bytes: u64) -> bool {
        self.for_each_piece(gpa, bytes, |_, _, _| Ok(())).is_ok()
    }

    /// Calls `each` with host address and length of every part of the range, in order.
    ///
    /// # Errors
    /// [`Unbacked`] where any of them is not RAM; what comes before has been called for.
    pub fn for_each_host_piece(&self, gpa: Gpa, bytes: u64, mut each: impl FnMut(Hva, u64)) -> Result<(), Unbacked> {
        self.for_each_piece(gpa, bytes, |region, offset, bytes| {
            each(region.extent.host(offset), bytes as u64);
            Ok(())
        })
    }

    /// The slow path of sized reads: another region, over an edge, or not RAM.
    #[cold]
    #[inline(never)]
    fn read_array<const N: usize>(&self, gpa: Gpa) -> Result<[u8; N], Unbacked> {
        let mut bytes = [0; N];
        self.read(gpa, &mut bytes).map(|()| bytes)
    }

    /// Calls `each` with region, offset and length of every part of the range, in order.
    pub(super) fn for_each_piece(
        &self,
        gpa: Gpa,
        bytes: u64,
        mut each: impl FnMut(&Region, u64, usize) -> Result<(), Unbacked>,
    ) -> Result<(), Unbacked> {
        let (mut gpa, mut left) = (gpa, bytes);
        while left > 0 {
            let region =
                self.regions.iter().find(|region| region.offset(gpa) < region.extent.bytes()).ok_or(Unbacked)?;
            let offset = region.offset(gpa);
            let piece = left.min(region.extent.bytes() - offset);
            // The piece is no longer than a buffer or a region: it fits.
            each(region, offset, piece as usize)?;
            gpa = gpa.checked_add(piece).ok_or(Unbacked)?;
            left -= piece;
        }
        Ok(())
    }
}

impl Region {
    /// Where `gpa` is in the extent; an address below it becomes an offset far beyond its end.
    #[inline(always)]
    const fn offset(&self, gpa: Gpa) -> u64 {
        gpa.as_u64().wrapping_sub(self.gpa.as_u64())
    }
}

/// One step of the hash. For each `word` a bijection of `hash` and the other way round.
const fn mix(hash: u64, word: u64) -> u64 {
    // The 64-bit FNV prime; the rotation brings high bits down, which a product alone never does.
    (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
}
