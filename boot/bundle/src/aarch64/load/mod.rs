//! Loaders: they unpack a kernel, put it where it wants to be, and say where it starts.

mod image;
mod packed;

use phalanx_abi::bundle::Architecture;

use super::layout::KERNEL;
use crate::elf::{self, Elf};
use crate::manifest::Format;
use crate::program::{Program, Refusal};
use crate::ram::Ram;
use crate::sniff;
use image::Image;

/// Most bytes of a command line where the kernel sets no limit of its own.
const CMDLINE_MAX: u64 = 0xffff;

/// A way to start a kernel, once its file has been looked at.
enum Protocol<'a> {
    Image(Image<'a>),
    Elf(Elf<'a>),
    Flat(u64),
}

/// Puts the kernel into RAM and tells where vCPU 0 starts.
pub(super) fn load(program: &Program<'_>, ram: &mut Ram) -> Result<u64, Refusal> {
    let unpacked = packed::unpack(program)?;
    let bytes = unpacked.as_deref().unwrap_or(&program.kernel.bytes);
    match recognise(program, bytes)? {
        Protocol::Image(image) => {
            program.refuse_addresses()?;
            program.refuse_long_cmdline(program.cmdline, image::CMDLINE_MAX)?;
            image.place(KERNEL, ram)
        }
        Protocol::Elf(elf) => {
            program.refuse_addresses()?;
            program.refuse_long_cmdline(program.cmdline, CMDLINE_MAX)?;
            elf.place(ram)?;
            Ok(elf.entry)
        }
        Protocol::Flat(address) => {
            program.refuse_long_cmdline(program.cmdline, CMDLINE_MAX)?;
            program.place_flat(address, ram)
        }
    }
}

/// Finds the protocol: the one that the manifest names, or the first that the file shows signs of.
fn recognise<'a>(program: &Program<'_>, bytes: &'a [u8]) -> Result<Protocol<'a>, Refusal> {
    let elf = || elf::parse(bytes, Architecture::Aarch64).map(|elf| elf.map(Protocol::Elf));
    let image = || image::parse(bytes).map(|image| image.map(Protocol::Image));
    let found = match program.format {
        Format::Image => image()?,
        Format::Elf => elf()?,
        Format::Flat => Some(Protocol::Flat(program.load.unwrap_or(KERNEL))),
        Format::BzImage | Format::Multiboot | Format::RealMode => None,
        Format::Auto => match (image()?, elf()?) {
            (Some(image), _) => Some(image),
            (None, Some(elf)) => Some(elf),
            (None, None) => program.load.map(Protocol::Flat),
        },
    };
    found.ok_or_else(|| sniff::refusal(bytes, program.format, Architecture::Aarch64))
}
