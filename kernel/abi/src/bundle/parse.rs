//! From bytes to a [`Bundle`]: the frame of the file. The domains themselves are looked at in `check.rs`.

use core::mem::size_of;

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::check;
use super::error::{BundleError, Table};
use super::layout::{Header, MAGIC, TableRef, UNCHECKED_LEN, VERSION};
use super::terms::Architecture;
use super::view::Bundle;

impl<'a> Bundle<'a> {
    /// Checks a bundle as a whole, once: afterwards nothing in it can surprise.
    ///
    /// `bytes` may be longer than the bundle: loaders round the size of a module up.
    ///
    /// # Errors
    /// The first thing found wrong, outermost first: magic, version, length, checksum, architecture, tables,
    /// domains.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BundleError> {
        Self::parse_with(bytes, crc32fast::hash)
    }

    /// As [`Self::parse`], with another way to compute the CRC-32 (IEEE 802.3, as zlib's `crc32` from 0) of bytes: some
    /// processors have instructions for it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(bytes: &'a [u8], crc32: impl FnOnce(&[u8]) -> u32) -> Result<Self, BundleError> {
        let header = header(bytes)?;
        let bytes = whole(bytes, header)?;
        verify_checksum(bytes, header, crc32)?;
        let found = header.architecture.get();
        let bundle = Self {
            bytes,
            architecture: Architecture::decode(found).ok_or(BundleError::UnknownArchitecture { found })?,
            domains: table(bytes, header.domains, Table::Domains)?,
            regions: table(bytes, header.regions, Table::Regions)?,
            segments: table(bytes, header.segments, Table::Segments)?,
            x86_entries: table(bytes, header.x86_entries, Table::X86Entries)?,
            devices: table(bytes, header.devices, Table::Devices)?,
            arm_entries: table(bytes, header.arm_entries, Table::ArmEntries)?,
        };
        check::domains(bundle)?;
        Ok(bundle)
    }

    /// Refuses a bundle that is not for machines of this architecture.
    ///
    /// # Errors
    /// [`BundleError::WrongArchitecture`].
    pub fn require(self, machine: Architecture) -> Result<Self, BundleError> {
        let bundle = self.architecture;
        if bundle == machine { Ok(self) } else { Err(BundleError::WrongArchitecture { bundle, machine }) }
    }
}

/// The header, with magic and version as they should be.
fn header(bytes: &[u8]) -> Result<&Header, BundleError> {
    let truncated = BundleError::Truncated { have: length(bytes), need: size_of::<Header>() as u64 };
    let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| truncated)?;
    if header.magic != MAGIC {
        return Err(BundleError::Magic { found: header.magic });
    }
    if header.version != VERSION {
        return Err(BundleError::Version { found: header.version.get() });
    }
    Ok(header)
}

/// The bytes that belong to the bundle.
fn whole<'a>(bytes: &'a [u8], header: &Header) -> Result<&'a [u8], BundleError> {
    let need = header.total_len.get();
    if need < size_of::<Header>() as u64 {
        return Err(BundleError::TotalLength { found: need });
    }
    let whole = usize::try_from(need).ok().and_then(|need| bytes.get(..need));
    whole.ok_or(BundleError::Truncated { have: length(bytes), need })
}

fn verify_checksum(bytes: &[u8], header: &Header, crc32: impl FnOnce(&[u8]) -> u32) -> Result<(), BundleError> {
    let computed = crc32(checked(bytes));
    let stored = header.checksum.get();
    if computed == stored { Ok(()) } else { Err(BundleError::Checksum { stored, computed }) }
}

/// The bytes that the checksum covers.
fn checked(bytes: &[u8]) -> &[u8] {
    bytes.get(UNCHECKED_LEN..).unwrap_or_default()
}

/// The checksum that the header of these bytes should hold.
#[cfg(any(test, feature = "alloc"))]
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(checked(bytes))
}

/// The records of one table.
fn table<T>(bytes: &[u8], place: TableRef, table: Table) -> Result<&[T], BundleError>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    let outside = BundleError::TableOutside { table };
    let offset = usize::try_from(place.offset.get()).map_err(|_| outside)?;
    let count = usize::try_from(place.count.get()).map_err(|_| outside)?;
    let tail = bytes.get(offset..).ok_or(outside)?;
    let (records, _) = <[T]>::ref_from_prefix_with_elems(tail, count).map_err(|_| outside)?;
    Ok(records)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
