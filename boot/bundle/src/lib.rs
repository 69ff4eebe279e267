//! From a manifest to a bundle: everything that parses a guest's files or generates tables for it runs here, on the
//! developer's machine, so that the kernel has nothing left to parse.
//!
//! | module | does |
//! |---|---|
//! | `manifest` | reads `SYSTEM.toml` and complains like a compiler |
//! | `files` | finds kernels and initrds |
//! | `load` | one file for each kernel format: where things go, and how the first instruction finds the machine |
//! | `acpi` | the tables that describe the virtual PC |
//! | `ram`, `layout`, `entry`, `paging` | guest memory, its fixed addresses, and the state of vCPU 0 |
#![forbid(unsafe_code)]

mod acpi;
mod domain;
mod entry;
mod error;
mod files;
mod layout;
mod load;
mod manifest;
mod paging;
mod ram;
mod size;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use phalanx_abi::bundle::BundleWriter;

pub use error::Error;

/// Turns a name that the tool knows (`debian:cloud`, `busybox`) into a file; the error is one clause for the user.
pub type Resolver<'a> = dyn Fn(&str) -> Result<PathBuf, String> + 'a;

/// Builds the bundle of a manifest file.
///
/// Files that the manifest names are relative to it. `resolver` is asked for every name with a `:` in it, and for
/// `busybox`.
///
/// # Errors
/// Every mistake of the manifest, or every reason why a domain cannot be built, each at its place in the file.
pub fn build(manifest: &Path, resolver: &Resolver<'_>) -> Result<Vec<u8>, Error> {
    let text = fs::read_to_string(manifest).map_err(|error| Error::unreadable(manifest, &error))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    build_from_str(&manifest.display().to_string(), &text, folder, resolver)
}

/// Builds the bundle of a manifest that is in memory. `name` stands for the file in diagnostics, and files are
/// relative to `folder`.
///
/// # Errors
/// As [`build`].
pub fn build_from_str(name: &str, text: &str, folder: &Path, resolver: &Resolver<'_>) -> Result<Vec<u8>, Error> {
    let complain = |problems| Error::in_manifest(name, text, problems);
    let manifest = manifest::parse(text).map_err(complain)?;
    let files = files::Files::new(folder, resolver);
    let mut writer = BundleWriter::new();
    let mut problems = Vec::new();
    for entry in &manifest.domains {
        match domain::assemble(entry, &files) {
            Ok(spec) => writer.push(spec),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(writer.finish()) } else { Err(complain(problems)) }
}
