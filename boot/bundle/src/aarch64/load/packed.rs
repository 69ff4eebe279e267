//! Kernels that are compressed: gzip as a whole, or in the wrapper that starts them under EFI.

use std::io::Read;

use flate2::read::GzDecoder;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::manifest::Format;
use crate::program::{About, Program, Refusal};
use crate::size::Size;

/// First bytes of a gzip file (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Most bytes that are unpacked: a file of few bytes can stand for any number.
const MOST: u64 = 512 << 20;

/// The first bytes of a kernel in Linux's EFI wrapper (`drivers/firmware/efi/libstub/zboot-header.S`).
#[derive(Clone, Copy, Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Wrapper {
    dos_magic: [u8; 4],
    magic: [u8; 4],
    offset: U32,
    size: U32,
    reserved: [U32; 2],
    method: [u8; 8],
}

/// The kernel without its compression; `None` where it has none.
pub(super) fn unpack(program: &Program<'_>) -> Result<Option<Vec<u8>>, Refusal> {
    let bytes = program.kernel.bytes.as_slice();
    if program.format == Format::Flat {
        return Ok(None);
    }
    if bytes.starts_with(&GZIP) {
        return gunzip(bytes, MOST).map(Some);
    }
    match Wrapper::read_from_prefix(bytes) {
        Ok((wrapper, _)) if wrapper.dos_magic[..2] == *b"MZ" && wrapper.magic == *b"zimg" => {
            unwrap(bytes, &wrapper).map(Some)
        }
        _ => Ok(None),
    }
}

fn unwrap(bytes: &[u8], wrapper: &Wrapper) -> Result<Vec<u8>, Refusal> {
    let method = wrapper.method.split(|byte| *byte == 0).next().unwrap_or_default();
    if method != b"gzip" {
        let label = format!("compressed by {}", method.escape_ascii());
        return Err(Refusal::new(About::Kernel, "the kernel's compression is not known")
            .label(label)
            .help("use a kernel that is compressed by gzip, or the Image before it was compressed"));
    }
    let (start, size) = (wrapper.offset.get() as usize, wrapper.size.get() as usize);
    let payload = start.checked_add(size).and_then(|end| bytes.get(start..end)).ok_or_else(|| {
        let label = format!("{} bytes, its header says {}", bytes.len(), start.saturating_add(size));
        Refusal::new(About::Kernel, "the compressed kernel is truncated").label(label)
    })?;
    gunzip(payload, MOST)
}

/// The contents of a gzip file; bytes after it are ignored.
fn gunzip(bytes: &[u8], most: u64) -> Result<Vec<u8>, Refusal> {
    let mut unpacked = Vec::new();
    let read = GzDecoder::new(bytes).take(most + 1).read_to_end(&mut unpacked);
    read.map_err(|error| {
        Refusal::new(About::Kernel, "the compressed kernel is damaged or truncated").label(error.to_string())
    })?;
    if unpacked.len() as u64 > most {
        let label = format!("more than {} when unpacked", Size(most));
        return Err(Refusal::new(About::Kernel, "the compressed kernel is too large").label(label));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::gunzip;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_limit_is_exact() {
        let packed = gzip(&[0; 1000]);
        assert_eq!(gunzip(&packed, 1000).unwrap(), [0; 1000]);
        assert!(gunzip(&packed, 999).unwrap_err().label.starts_with("more than 999 bytes"));
    }

    #[test]
    fn damage_is_noticed_and_padding_is_not() {
        let packed = gzip(b"some kernel");
        assert_eq!(gunzip(&[packed.as_slice(), &[0; 9]].concat(), 100).unwrap(), b"some kernel");
        for length in 0..packed.len() {
            assert!(gunzip(&packed[..length], 100).is_err(), "{length}");
        }
        let mut damaged = packed.clone();
        damaged[packed.len() - 8] ^= 1;
        assert!(gunzip(&damaged, 100).is_err(), "the checksum");
    }
}
