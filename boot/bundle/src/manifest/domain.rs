//! One `[[domain]]`: every key with its default and its limits.

use std::ops::Range;

use phalanx_abi::bundle::{Architecture, MAX_NAME, MAX_VCPUS, OnReboot, PAGE_SIZE};
use toml::Spanned;
use toml::de::DeTable;

use super::reader::Reader;
use crate::error::Problem;
use crate::size::{self, Size};

/// Least memory of a domain in bytes: below 1 MiB there is no room for what a PC keeps there.
const MIN_MEMORY: u64 = 1 << 20;
/// Most memory of a domain in bytes: guest-physical addresses of 40 bits, with the hole below 4 GiB to spare.
const MAX_MEMORY: u64 = 1 << 39;
/// Most memory in the place of flash: both banks of QEMU's board.
const MAX_FLASH: u64 = 128 << 20;
/// Memory where the manifest does not say.
const DEFAULT_MEMORY: u64 = 256 << 20;

/// How the kernel file is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Auto,
    BzImage,
    Elf,
    Multiboot,
    Flat,
    RealMode,
    Image,
}

impl Format {
    /// The machines that kernels of this format are for, where that is sure.
    pub(crate) const fn architecture(self) -> Option<Architecture> {
        match self {
            Self::BzImage | Self::Multiboot | Self::RealMode => Some(Architecture::X86_64),
            Self::Image => Some(Architecture::Aarch64),
            Self::Auto | Self::Elf | Self::Flat => None,
        }
    }
}

const FORMATS: [(&str, Format); 7] = [
    ("auto", Format::Auto),
    ("bzimage", Format::BzImage),
    ("elf", Format::Elf),
    ("multiboot", Format::Multiboot),
    ("flat", Format::Flat),
    ("real-mode", Format::RealMode),
    ("image", Format::Image),
];

const ON_REBOOT: [(&str, OnReboot); 2] = [("restart", OnReboot::Restart), ("end", OnReboot::End)];

/// One domain as the manifest describes it. A value that was left out has the place of its domain.
#[derive(Clone, Debug)]
pub(crate) struct DomainEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) kernel: Spanned<String>,
    pub(crate) format: Spanned<Format>,
    pub(crate) initrd: Option<Spanned<String>>,
    pub(crate) cmdline: Spanned<String>,
    pub(crate) memory: Spanned<u64>,
    /// Bytes of RAM at address 0 (Arm only).
    pub(crate) flash: Option<u64>,
    pub(crate) vcpus: u32,
    pub(crate) console: bool,
    /// Whether the hypervisor logs which pages are written (x86 only).
    pub(crate) dirty_log: bool,
    pub(crate) load: Option<Spanned<u64>>,
    pub(crate) entry: Option<Spanned<u64>>,
    pub(crate) on_reboot: OnReboot,
}

/// Reads one domain; `None` where a required key is missing or wrong.
pub(super) fn read(
    table: &Spanned<&DeTable<'_>>,
    architecture: Architecture,
    problems: &mut Vec<Problem>,
) -> Option<DomainEntry> {
    let place = table.span();
    let mut reader = Reader::new(table, "a domain", problems);
    reader.require("name", "\"linux\"");
    reader.require("kernel", "\"debian:cloud\"");
    let name = name(&mut reader);
    let kernel = reader.string("kernel");
    let format = reader.choice("format", &FORMATS).unwrap_or(Spanned::new(place.clone(), Format::Auto));
    let initrd = reader.string("initrd");
    let cmdline = cmdline(&mut reader, place.clone());
    let memory = memory(&mut reader).unwrap_or(Spanned::new(place, DEFAULT_MEMORY));
    let flash = flash(&mut reader, architecture);
    let vcpus = vcpus(&mut reader).unwrap_or(1);
    let console = reader.boolean("console").is_none_or(Spanned::into_inner);
    let dirty_log = dirty_log(&mut reader, architecture);
    let load = reader.number("load");
    let entry = reader.number("entry");
    let on_reboot = reader.choice("on-reboot", &ON_REBOOT).map_or(OnReboot::Restart, Spanned::into_inner);
    reader.finish();
    let (name, kernel) = (name?, kernel?);
    Some(DomainEntry {
        name,
        kernel,
        format,
        initrd,
        cmdline,
        memory,
        flash,
        vcpus,
        console,
        dirty_log,
        load,
        entry,
        on_reboot,
    })
}

/// Complains about names that two domains share.
pub(super) fn names_differ(domains: &[DomainEntry], problems: &mut Vec<Problem>) {
    for (index, domain) in domains.iter().enumerate() {
        let name = domain.name.get_ref();
        if let Some(first) = domains.iter().take(index).find(|other| other.name.get_ref() == name) {
            let problem = Problem::new(domain.name.span(), format!("two domains are called `{name}`"), "the same name")
                .and(first.name.span(), "first used here");
            problems.push(problem.help("give every domain a name of its own"));
        }
    }
}

fn name(reader: &mut Reader<'_, '_>) -> Option<Spanned<String>> {
    let name = reader.string("name")?;
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=MAX_NAME).contains(&name.get_ref().len()) && name.get_ref().bytes().all(letter) {
        return Some(name);
    }
    let message = format!("`{}` cannot be the name of a domain", name.get_ref().escape_debug());
    let problem = Problem::new(name.span(), message, "not a name");
    reader.complain(problem.help(format!("use 1 to {MAX_NAME} of the characters a-z, 0-9 and -")));
    None
}

fn cmdline(reader: &mut Reader<'_, '_>, place: Range<usize>) -> Spanned<String> {
    let cmdline = reader.string("cmdline").unwrap_or(Spanned::new(place, String::new()));
    if cmdline.get_ref().contains('\0') {
        let problem = Problem::new(cmdline.span(), "the command line holds a NUL character", "would end here");
        reader.complain(problem.help("remove the `\\u0000`"));
    }
    cmdline
}

fn memory(reader: &mut Reader<'_, '_>) -> Option<Spanned<u64>> {
    size_of(reader, "memory", "256M", MIN_MEMORY, MAX_MEMORY)
}

fn flash(reader: &mut Reader<'_, '_>, architecture: Architecture) -> Option<u64> {
    let bytes = size_of(reader, "flash", "66M", PAGE_SIZE, MAX_FLASH)?;
    if architecture != Architecture::Aarch64 {
        let problem = Problem::new(bytes.span(), "`flash` is for aarch64 machines", "not used");
        reader.complain(problem.help("remove it: a PC has RAM at address 0"));
    }
    Some(bytes.into_inner())
}

fn dirty_log(reader: &mut Reader<'_, '_>, architecture: Architecture) -> bool {
    let Some(wanted) = reader.boolean("dirty-log") else { return false };
    if *wanted.get_ref() && architecture != Architecture::X86_64 {
        let problem = Problem::new(wanted.span(), "`dirty-log` is for x86_64 machines", "cannot be kept");
        reader.complain(problem.help("remove it: on Arm nothing tells yet which pages a guest writes"));
    }
    wanted.into_inner()
}

/// A number of bytes from `least` to `most`, in whole pages.
fn size_of(
    reader: &mut Reader<'_, '_>,
    key: &'static str,
    example: &str,
    least: u64,
    most: u64,
) -> Option<Spanned<u64>> {
    let text = reader.string(key)?;
    let wrong = |label: &str| {
        let message = format!("`{}` is not a possible {key} size", text.get_ref());
        let help = format!("write a number with K, M or G, for example `{key} = \"{example}\"`");
        Problem::new(text.span(), message, label).help(help)
    };
    let problem = match size::parse(text.get_ref()) {
        None => wrong("not a size"),
        Some(bytes) if bytes < least => wrong(&format!("less than {}", Size(least))),
        Some(bytes) if bytes > most => wrong(&format!("more than {}", Size(most))),
        Some(bytes) if bytes % PAGE_SIZE != 0 => wrong("not a multiple of 4 KiB"),
        Some(bytes) => return Some(Spanned::new(text.span(), bytes)),
    };
    reader.complain(problem);
    None
}

fn vcpus(reader: &mut Reader<'_, '_>) -> Option<u32> {
    let number = reader.number("vcpus")?;
    let vcpus = u32::try_from(*number.get_ref()).ok().filter(|count| (1..=MAX_VCPUS).contains(count));
    if vcpus.is_none() {
        let message = format!("a domain cannot have {} vCPUs", number.get_ref());
        let problem = Problem::new(number.span(), message, "out of range");
        reader.complain(problem.help(format!("use 1 to {MAX_VCPUS}")));
    }
    vcpus
}
