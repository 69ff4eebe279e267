//! Loaders, one file for each kernel format: they put a kernel and what it needs into RAM and say how it starts.

mod bzimage;
mod elf;
mod flat;
mod long;
mod multiboot;
mod pvh;
mod sniff;
mod start_info;

use phalanx_abi::bundle::X86EntryRecord;

use crate::files::File;
use crate::layout::{CMDLINE, CMDLINE_MAX};
use crate::manifest::Format;
use crate::ram::Ram;
use crate::size::Size;

/// What a domain runs.
pub(crate) struct Program<'a> {
    pub(crate) kernel: &'a File,
    pub(crate) initrd: Option<&'a File>,
    pub(crate) format: Format,
    pub(crate) cmdline: &'a str,
    /// Address of a flat binary.
    pub(crate) load: Option<u64>,
    /// First instruction of a flat binary.
    pub(crate) entry: Option<u64>,
}

/// The key of the manifest that a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Kernel,
    Initrd,
    Cmdline,
    Memory,
    Load,
    Entry,
}

/// Why a program cannot be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) about: About,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) help: Option<String>,
}

impl Refusal {
    pub(crate) fn new(about: About, message: impl Into<String>) -> Self {
        Self { about, message: message.into(), label: String::from("here"), help: None }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A way to start a kernel, once its file has been looked at.
enum Protocol<'a> {
    BzImage(bzimage::BzImage<'a>),
    Pvh(elf::Elf<'a>, u64),
    Long(elf::Elf<'a>),
    Multiboot(multiboot::Image<'a>),
    Flat(u64),
}

/// Puts the program into RAM and tells the state in which vCPU 0 starts.
pub(crate) fn load(program: &Program<'_>, ram: &mut Ram) -> Result<X86EntryRecord, Refusal> {
    let protocol = recognise(program)?;
    refuse_addresses_without_flat(program, &protocol)?;
    match protocol {
        Protocol::BzImage(image) => bzimage::load(program, &image, ram),
        Protocol::Pvh(elf, start) => pvh::load(program, &elf, start, ram),
        Protocol::Long(elf) => long::load(program, &elf, ram),
        Protocol::Multiboot(image) => multiboot::load(program, &image, ram),
        Protocol::Flat(address) => flat::load(program, address, ram),
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
        Format::Auto => automatic(program)?,
    }
    .ok_or_else(|| sniff::refusal(bytes, program.format))
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
    let Some(elf) = elf::parse(bytes)? else {
        return Ok(None);
    };
    Ok(match elf.pvh_start {
        Some(start) => Some(Protocol::Pvh(elf, start)),
        None if elf.is_64 => Some(Protocol::Long(elf)),
        None => None,
    })
}

fn refuse_addresses_without_flat(program: &Program<'_>, protocol: &Protocol<'_>) -> Result<(), Refusal> {
    let key = match (protocol, program.load, program.entry) {
        (Protocol::Flat(_), ..) | (_, None, None) => return Ok(()),
        (_, Some(_), _) => (About::Load, "load"),
        (_, None, Some(_)) => (About::Entry, "entry"),
    };
    let message = format!("`{}` is for flat binaries, but this kernel brings its own addresses", key.1);
    Err(Refusal::new(key.0, message)
        .label("not used")
        .help(format!("remove `{}`, or write `format = \"flat\"`", key.1)))
}

/// Puts the command line into RAM. `limit` is the most bytes that the kernel takes, without the NUL.
fn place_cmdline(program: &Program<'_>, text: &str, limit: u64, ram: &mut Ram) -> Result<(), Refusal> {
    let limit = limit.min(CMDLINE_MAX - 1);
    if text.len() as u64 > limit {
        let message = format!("the command line is too long for {}", program.kernel.name);
        let label = format!("{} bytes, the kernel takes {limit}", text.len());
        return Err(Refusal::new(About::Cmdline, message).label(label).help("shorten it"));
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    ram.place(About::Cmdline, "the command line", CMDLINE, bytes)
}

/// Puts the initrd as high as possible below `limit`; returns its address and size.
fn place_initrd(program: &Program<'_>, limit: u64, ram: &mut Ram) -> Result<Option<(u64, u64)>, Refusal> {
    let Some(initrd) = program.initrd else {
        return Ok(None);
    };
    let size = initrd.bytes.len() as u64;
    if size == 0 {
        return Err(Refusal::new(About::Initrd, "the initrd is an empty file").label("0 bytes"));
    }
    let gap = ram.highest_gap(size, 4096, limit);
    let address = gap.ok_or_else(|| {
        Refusal::new(About::Initrd, "the initrd does not fit in the memory of the domain")
            .label(format!("{}, the domain has {}", Size(size), Size(ram.size())))
            .help("raise `memory`, or use a smaller initrd")
    })?;
    ram.place(About::Initrd, "the initrd", address, initrd.bytes.clone())?;
    Ok(Some((address, size)))
}
