//! From an ELF file to the program's memory as it lies there: what an Arm loader takes as a Linux Image, and what flat guests
//! are.
//!
//! An Image's header is the program's own first 64 bytes (Linux, Documentation/arm64/booting.rst); here it is only looked at.

use std::path::Path;

use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::error::{Result, at_path, trouble};
use crate::store;

/// Place and value of the Image header's magic number.
const MAGIC: (usize, &[u8; 4]) = (56, b"ARM\x64");

/// Where a program's memory would end far from where it starts, the linker script is wrong.
const MOST_BYTES: u64 = 64 << 20;

/// Writes the loadable segments of the ELF file `elf`, an Arm kernel, to `image`, from their lowest address on.
pub(crate) fn write_image(elf: &Path, image: &Path) -> Result<()> {
    convert(elf, image, |flat| flatten(flat).and_then(with_header), "mend the linker script of boot/aarch64")
}

/// The same for a program of any kind.
pub(crate) fn write(elf: &Path, flat: &Path) -> Result<()> {
    convert(elf, flat, flatten, "name a program that is an ELF file for fixed addresses")
}

fn convert(from: &Path, to: &Path, how: impl Fn(&[u8]) -> Converted, help: &str) -> Result<()> {
    let bytes = std::fs::read(from).map_err(at_path("read", from))?;
    let flat =
        how(&bytes).map_err(|why| trouble(format!("{} cannot be made a flat file: {why}", from.display()), help))?;
    store::write_atomically(to, &flat)
}

type Converted = std::result::Result<Vec<u8>, String>;

fn flatten(elf: &[u8]) -> Converted {
    let said = |error: object::Error| error.to_string();
    let header = FileHeader64::<LittleEndian>::parse(elf).map_err(said)?;
    let segments = header.program_headers(LittleEndian, elf).map_err(said)?;
    let load = || {
        segments.iter().filter(|segment| segment.p_type(LittleEndian) == PT_LOAD && segment.p_filesz(LittleEndian) > 0)
    };
    let start = load().map(|segment| segment.p_paddr(LittleEndian)).min().ok_or("it has no loadable segment")?;
    let mut flat = Vec::new();
    for segment in load() {
        let at = segment.p_paddr(LittleEndian) - start;
        if at > MOST_BYTES {
            return Err(format!("its segments lie {at:#x} bytes apart"));
        }
        let data = segment.data(LittleEndian, elf).map_err(|()| "a segment is outside of the file")?;
        put(&mut flat, usize::try_from(at).map_err(|error| error.to_string())?, data);
    }
    Ok(flat)
}

fn with_header(flat: Vec<u8>) -> Converted {
    match flat.get(MAGIC.0..MAGIC.0 + MAGIC.1.len()) {
        Some(found) if found == MAGIC.1 => Ok(flat),
        _ => Err("its first 64 bytes are not the Image header".into()),
    }
}

fn put(flat: &mut Vec<u8>, at: usize, data: &[u8]) {
    let end = at + data.len();
    if flat.len() < end {
        flat.resize(end, 0);
    }
    flat[at..end].copy_from_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit little-endian ELF file with one loadable segment a piece: physical address and content.
    fn elf(pieces: &[(u64, &[u8])]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        let headers = 64 + 56 * pieces.len();
        let word = |file: &mut Vec<u8>, value: u64, bytes: usize| file.extend_from_slice(&value.to_le_bytes()[..bytes]);
        for (value, bytes) in [(2, 2), (183, 2), (1, 4), (0, 8), (64, 8), (0, 8), (0, 4), (64, 2), (56, 2)] {
            word(&mut file, value, bytes);
        }
        for (value, bytes) in [(pieces.len() as u64, 2), (64, 2), (0, 2), (0, 2)] {
            word(&mut file, value, bytes);
        }
        let mut at = headers as u64;
        for (address, data) in pieces {
            let size = data.len() as u64;
            for (value, bytes) in [(1, 4), (5, 4), (at, 8), (*address, 8), (*address, 8), (size, 8), (size, 8), (1, 8)]
            {
                word(&mut file, value, bytes);
            }
            at += size;
        }
        pieces.iter().for_each(|(_, data)| file.extend_from_slice(data));
        file
    }

    fn header() -> Vec<u8> {
        let mut header = vec![0xaa; 64];
        header[56..60].copy_from_slice(b"ARM\x64");
        header
    }

    #[test]
    fn segments_lie_as_in_memory() {
        let flat = flatten(&elf(&[(0x20_0100, b"data"), (0x20_0000, &header())])).unwrap();
        assert_eq!(flat.len(), 0x104);
        assert_eq!(flat[..64], header());
        assert_eq!(flat[64..0x100], [0; 0xc0], "the gap is zero");
        assert_eq!(&flat[0x100..], b"data");
    }

    #[test]
    fn what_is_no_image_is_refused() {
        assert!(flatten(b"MZ").is_err());
        assert!(flatten(&elf(&[])).unwrap_err().contains("no loadable segment"));
        assert!(with_header(vec![0; 64]).unwrap_err().contains("Image header"));
        assert!(with_header(header()).is_ok());
        assert!(flatten(&elf(&[(0, &header()), (1 << 40, b"x")])).unwrap_err().contains("apart"));
    }
}
