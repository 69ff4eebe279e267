//! Loaders, one file for each kernel format: they put a kernel and what it needs into RAM and say how it starts.

mod bzimage;
mod flat;
mod long;
mod multiboot;
mod pvh;
mod real_mode;
mod start_info;

use phalanx_abi::bundle::{Architecture, X86EntryRecord};

use crate::elf;
use crate::manifest::Format;
use crate::program::{About, Program, Refusal};
use crate::ram::Ram;
use crate::sniff;
use crate::x86_64::layout::{CMDLINE, CMDLINE_MAX};

/// A way to start a kernel, once its file has been looked at.
enum Protocol<'a> {
    BzImage(bzimage::BzImage<'a>),
    Pvh(elf::Elf<'a>, u64),
    Long(elf::Elf<'a>),
    Multiboot(multiboot::Image<'a>),
    Flat(u64),
    RealMode(u64),
}

/// Puts the program into RAM and tells the state in which vCPU 0 starts.
pub(crate) fn load(program: &Program<'_>, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let protocol = recognise(program)?;
    if !matches!(protocol, Protocol::Flat(_) | Protocol::RealMode(_)) {
        program.refuse_addresses()?;
    }
    match protocol {
        Protocol::BzImage(image) => bzimage::load(program, &image, ram),
        Protocol::Pvh(elf, start) => pvh::load(program, &elf, start, ram),
        Protocol::Long(elf) => long::load(program, &elf, ram),
        Protocol::Multiboot(image) => multiboot::load(program, &image, ram),
        Protocol::Flat(address) => flat::load(program, address, ram),
        Protocol::RealMode(address) => real_mode::load(program, address, ram),
    }
}

/// Finds the protocol: the one that the manifest names, or the first that the file shows signs of.
fn recognise<'a>(program: &Program<'a>) -> Result<Protocol<'a>, Refusal> {
    let bytes = program.kernel.bytes.as_slice();
    match program.format {
        Format::BzImage => bzimage::parse(bytes)?.map(Protocol::BzImage),
        Format::Elf => elf(bytes)?,
        Format::Multiboot => multiboot::parse(bytes)?.map(Protocol::Multiboot),
        Format::Flat => return flat::address(program).map(Protocol::Flat),
        Format::RealMode => return flat::address(program).map(Protocol::RealMode),
        Format::Auto => automatic(program)?,
        Format::Image => None,
    }
    .ok_or_else(|| sniff::refusal(bytes, program.format, Architecture::X86_64))
}

fn automatic<'a>(program: &Program<'a>) -> Result<Option<Protocol<'a>>, Refusal> {
    let bytes = program.kernel.bytes.as_slice();
    if let Some(image) = bzimage::parse(bytes)? {
        return Ok(Some(Protocol::BzImage(image)));
    }
    let elf = elf(bytes)?;
    if let Some(Protocol::Pvh(..)) = elf {
        return Ok(elf);
    }
    if let Some(image) = multiboot::parse(bytes)? {
        return Ok(Some(Protocol::Multiboot(image)));
    }
    Ok(elf.or(program.load.map(Protocol::Flat)))
}

/// An ELF file by PVH where it has the note, otherwise in long mode.
fn elf(bytes: &[u8]) -> Result<Option<Protocol<'_>>, Refusal> {
    let Some(elf) = elf::parse(bytes, Architecture::X86_64)? else {
        return Ok(None);
    };
    Ok(match elf.pvh_start {
        Some(start) => Some(Protocol::Pvh(elf, start)),
        None if elf.is_64 => Some(Protocol::Long(elf)),
        None => None,
    })
}

/// Puts the command line into RAM. `limit` is the most bytes that the kernel takes, without the NUL.
fn place_cmdline(program: &Program<'_>, text: &str, limit: u64, ram: &mut Ram) -> Result<(), Refusal> {
    program.refuse_long_cmdline(text, limit.min(CMDLINE_MAX - 1))?;
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    ram.place(About::Cmdline, "the command line", CMDLINE, bytes)
}
