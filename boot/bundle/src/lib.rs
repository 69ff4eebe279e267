//! From a manifest to a bundle: everything that parses a guest's files or generates tables for it runs here, on the
//! developer's machine, so that the kernel has nothing left to parse.
//!
//! | module | does |
//! |---|---|
//! | `manifest` | reads `SYSTEM.toml` and complains like a compiler |
//! | `files` | finds kernels and initrds |
//! | `domain` | one domain of the manifest becomes one of the bundle |
//! | `x86_64` | the virtual PC: memory, ACPI tables, kernel formats, entry states |
//! | `aarch64` | the virtual board: memory, device tree, kernel formats |
//! | `program`, `elf`, `sniff` | what all kernel formats share |
//! | `ram` | guest memory in which nothing overlaps |
#![forbid(unsafe_code)]

mod aarch64;
mod domain;
mod elf;
mod error;
mod files;
mod manifest;
mod program;
mod ram;
mod size;
mod sniff;
mod x86_64;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use phalanx_abi::bundle::BundleWriter;

pub use error::Error;
pub use phalanx_abi::bundle::Architecture;

/// Turns a name that the tool knows (`debian:cloud`, `busybox`) into a file; the error is one clause for the user.
pub type Resolver<'a> = dyn Fn(&str) -> Result<PathBuf, String> + 'a;

/// Builds the bundle of a manifest file for machines of `architecture`.
///
/// Files that the manifest names are relative to it. `resolver` is asked for every name with a `:` in it, and for
/// `busybox`.
///
/// # Errors
/// Every mistake of the manifest, or every reason why a domain cannot be built, each at its place in the file.
pub fn build(manifest: &Path, resolver: &Resolver<'_>, architecture: Architecture) -> Result<Vec<u8>, Error> {
    let text = fs::read_to_string(manifest).map_err(|error| Error::unreadable(manifest, &error))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    build_from_str(&manifest.display().to_string(), &text, folder, resolver, architecture)
}

/// Builds the bundle of a manifest that is in memory. `name` stands for the file in diagnostics, and files are
/// relative to `folder`.
///
/// # Errors
/// As [`build`].
pub fn build_from_str(
    name: &str,
    text: &str,
    folder: &Path,
    resolver: &Resolver<'_>,
    architecture: Architecture,
) -> Result<Vec<u8>, Error> {
    let complain = |problems| Error::in_manifest(name, text, problems);
    let manifest = manifest::parse(text, architecture).map_err(complain)?;
    let files = files::Files::new(folder, resolver);
    let mut writer = BundleWriter::new(architecture);
    let mut problems = Vec::new();
    for entry in &manifest.domains {
        match domain::assemble(entry, &files, architecture) {
            Ok(spec) => writer.push(spec),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(writer.finish()) } else { Err(complain(problems)) }
}
