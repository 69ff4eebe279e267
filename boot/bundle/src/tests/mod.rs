//! Tests of the builder as a whole: from the text of a manifest to a parsed bundle, or to the diagnostic.

mod arm;
mod diagnostics;
mod files;
mod images;
mod linux;
mod multiboot;
mod promise;
mod refusals;
mod start_info;

use std::path::PathBuf;

use miette::{GraphicalReportHandler, GraphicalTheme};
use phalanx_abi::bundle::{ALWAYS, Bundle, Domain, Entry, X86EntryRecord};
use tempfile::TempDir;

use crate::{Architecture, Error, build_from_str};

/// A folder with kernels of every kind, in which manifests are built.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// A folder with these files.
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        Self { folder }
    }

    /// Builds a manifest; the only name that the resolver knows is `known:kernel`.
    fn build(&self, manifest: &str) -> Result<Vec<u8>, Error> {
        self.build_for(Architecture::X86_64, manifest)
    }

    fn build_for(&self, architecture: Architecture, manifest: &str) -> Result<Vec<u8>, Error> {
        let resolver = |name: &str| match name {
            "known:kernel" => Ok(self.folder.path().join("kernel")),
            _ => Err(String::from("no such system")),
        };
        build_from_str("SYSTEM.toml", manifest, self.folder.path(), &resolver, architecture)
    }

    /// The diagnostic of a manifest that cannot be built, as a person sees it, without the name of the folder.
    fn complaint(&self, manifest: &str) -> String {
        let error = self.build(manifest).expect_err("the manifest has a mistake");
        let folder: PathBuf = self.folder.path().join("");
        render(&error).replace(&folder.display().to_string(), "")
    }

    /// Builds a domain from further lines of its table, or returns the diagnostic.
    fn domain(&self, lines: &str) -> Result<Built, String> {
        self.domain_for(Architecture::X86_64, lines)
    }

    fn domain_for(&self, architecture: Architecture, lines: &str) -> Result<Built, String> {
        let manifest = format!("[[domain]]\nname = \"test\"\n{lines}\n");
        let built = self.build_for(architecture, &manifest);
        built.map(|bytes| Built { bytes, machine: ALWAYS }).map_err(|error| render(&error))
    }
}

/// A bundle with one domain, as a machine with this alternative sees it.
#[derive(Debug)]
struct Built {
    bytes: Vec<u8>,
    machine: u32,
}

impl Built {
    fn only(&self) -> Domain<'_> {
        Bundle::parse(&self.bytes).expect("the builder writes valid bundles").domains().next().unwrap()
    }

    fn entry(&self) -> X86EntryRecord {
        match self.only().entry() {
            Entry::X86(entry) => *entry,
            Entry::Arm(_) => panic!("an x86 domain was built"),
        }
    }

    /// `len` bytes of the guest's memory as it is when the domain starts.
    fn read(&self, gpa: u64, len: usize) -> Vec<u8> {
        let mut memory = vec![0; len];
        for segment in self.only().segments().filter(|segment| segment.fits(self.machine)) {
            for (byte, at) in segment.bytes.iter().zip(segment.gpa..) {
                if let Some(place) = at.checked_sub(gpa).and_then(|offset| memory.get_mut(offset as usize)) {
                    *place = *byte;
                }
            }
        }
        memory
    }

    fn u32(&self, gpa: u64) -> u32 {
        u32::from_le_bytes(self.read(gpa, 4).try_into().unwrap())
    }

    fn u64(&self, gpa: u64) -> u64 {
        u64::from_le_bytes(self.read(gpa, 8).try_into().unwrap())
    }

    /// The text at `gpa` up to its NUL.
    fn text(&self, gpa: u64) -> String {
        let bytes = self.read(gpa, 4096);
        let end = bytes.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(bytes[..end].to_vec()).unwrap()
    }
}

/// The text of a diagnostic without colours, each line without space at its end.
fn render(error: &Error) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(200);
    handler.render_report(&mut text, error).unwrap();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
