//! What a domain runs, and why it cannot.

use crate::files::File;
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
    pub(crate) vcpus: u32,
}

/// The key of the manifest that a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Kernel,
    Format,
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

impl Program<'_> {
    /// Complains about `load` and `entry` where the kernel is no flat binary.
    pub(crate) fn refuse_addresses(&self) -> Result<(), Refusal> {
        let (about, key) = match (self.load, self.entry) {
            (None, None) => return Ok(()),
            (Some(_), _) => (About::Load, "load"),
            (None, Some(_)) => (About::Entry, "entry"),
        };
        let message = format!("`{key}` is for flat binaries, but this kernel brings its own addresses");
        Err(Refusal::new(about, message)
            .label("not used")
            .help(format!("remove `{key}`, or write `format = \"flat\"`")))
    }

    /// Complains about a command line of more than `limit` bytes.
    pub(crate) fn refuse_long_cmdline(&self, text: &str, limit: u64) -> Result<(), Refusal> {
        if text.len() as u64 <= limit {
            return Ok(());
        }
        let message = format!("the command line is too long for {}", self.kernel.name);
        let label = format!("{} bytes, the kernel takes {limit}", text.len());
        Err(Refusal::new(About::Cmdline, message).label(label).help("shorten it"))
    }

    /// Puts the initrd as high as possible below `limit`; returns its address and size.
    pub(crate) fn place_initrd(&self, limit: u64, ram: &mut Ram) -> Result<Option<(u64, u64)>, Refusal> {
        let Some(initrd) = self.initrd else {
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

    /// Puts a flat binary at `address`; returns where it starts: there, or at `entry`.
    pub(crate) fn place_flat(&self, address: u64, ram: &mut Ram) -> Result<u64, Refusal> {
        let bytes = &self.kernel.bytes;
        if bytes.is_empty() {
            return Err(Refusal::new(About::Kernel, "the kernel is an empty file").label("0 bytes"));
        }
        ram.place(About::Load, "the kernel", address, bytes.clone())?;
        let (start, end) = (self.entry.unwrap_or(address), address + bytes.len() as u64);
        if !(address..end).contains(&start) {
            return Err(Refusal::new(About::Entry, "`entry` lies outside the kernel")
                .label(format!("{start:#x}, the kernel is at {address:#x} to {end:#x}"))
                .help("`entry` is a physical address, not an offset in the file"));
        }
        Ok(start)
    }
}
