//! The header in the kernel's file (3.1): whether there is one, and where the kernel wants to be.

use phalanx_abi::bundle::Architecture;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::elf::{self, Elf};
use crate::program::{About, Refusal};

const HEADER_MAGIC: u32 = 0x1bad_b002;
/// The header lies within so many bytes of the file (3.1.1).
const SEARCH: usize = 8192;
/// Header flags that a loader must understand: page-aligned modules, memory information, video mode. All modules are
/// page-aligned, memory information is always there, and the information says that there is no display.
const KNOWN_FLAGS: u32 = 0b111;
/// Header flags whose meaning a loader must not ignore.
const REQUIRED_FLAGS: u32 = 0xffff;
/// Header flag: the address fields count, also for an ELF file (3.1.3).
const ADDRESSES: u32 = 1 << 16;
#[derive(Clone, Copy, Debug, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    magic: U32,
    flags: U32,
    checksum: U32,
    header_addr: U32,
    load_addr: U32,
    load_end_addr: U32,
    bss_end_addr: U32,
    entry_addr: U32,
}

/// A multiboot kernel, with where its parts come from.
pub(in crate::x86_64::load) enum Image<'a> {
    /// By its program headers.
    Elf(Elf<'a>),
    /// By the address fields of its header.
    Addresses { load: u64, bytes: &'a [u8], size: u64, entry: u64 },
}

/// Recognises a kernel with a multiboot header that can be followed; `None` for every other file.
pub(in crate::x86_64::load) fn parse(bytes: &[u8]) -> Result<Option<Image<'_>>, Refusal> {
    let Some((offset, header)) = find_header(bytes) else {
        return Ok(None);
    };
    let unknown = header.flags.get() & REQUIRED_FLAGS & !KNOWN_FLAGS;
    if unknown != 0 {
        let message = "the multiboot kernel asks for something that is not provided";
        return Err(Refusal::new(About::Kernel, message).label(format!("header flags {unknown:#x}")));
    }
    if header.flags & ADDRESSES != 0 {
        return by_addresses(bytes, offset, &header).map(Some);
    }
    let elf = elf::parse(bytes, Architecture::X86_64)?.filter(|elf| !elf.is_64);
    Ok(elf.map(Image::Elf))
}

fn find_header(bytes: &[u8]) -> Option<(usize, Header)> {
    let end = bytes.len().min(SEARCH);
    (0..end).step_by(4).find_map(|offset| {
        // The address fields may lie past the end of a small file: then they are zero.
        let mut copy = [0; size_of::<Header>()];
        let tail = bytes.get(offset..)?;
        let len = tail.len().min(copy.len());
        copy[..len].copy_from_slice(&tail[..len]);
        let header = Header::read_from_bytes(&copy).ok()?;
        let sum = header.magic.get().wrapping_add(header.flags.get()).wrapping_add(header.checksum.get());
        (len >= 12 && header.magic == HEADER_MAGIC && sum == 0).then_some((offset, header))
    })
}

/// The image that the address fields describe (3.1.3).
fn by_addresses<'a>(bytes: &'a [u8], offset: usize, header: &Header) -> Result<Image<'a>, Refusal> {
    let wrong =
        |label: String| Refusal::new(About::Kernel, "the addresses in the multiboot header are wrong").label(label);
    let (header_addr, load) = (header.header_addr.get(), header.load_addr.get());
    let before = header_addr.checked_sub(load).map(|before| before as usize);
    let start = before.and_then(|before| offset.checked_sub(before));
    let start = start.ok_or_else(|| wrong(format!("header at {header_addr:#x}, load address {load:#x}")))?;
    let available = &bytes[start..];
    let contents = match header.load_end_addr.get() {
        0 => Some(available),
        end => end.checked_sub(load).and_then(|size| available.get(..size as usize)),
    };
    let contents = contents.ok_or_else(|| wrong(format!("it ends at {:#x}, past the file", header.load_end_addr)))?;
    let size = u64::from(header.bss_end_addr.get().saturating_sub(load));
    Ok(Image::Addresses { load: load.into(), bytes: contents, size, entry: header.entry_addr.get().into() })
}
